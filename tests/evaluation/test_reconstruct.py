"""Reconstructions are means given draws of q, a row's own, for every model that has them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from assertions import assert_mean
from lowerbound.data import Data
from lowerbound.dist import Categorical, LogNormal, Normal, TransformedDistribution, transforms
from lowerbound.evaluation import reconstruct

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(1, 2, 300).astype(np.float32)


def linear(**prior) -> lb.VAE:
    """x = 2 z + 1 + 0.5 e with an exact posterior if z is standard normal; or with another prior, the same q."""
    p = lb.Joint(**(prior or {"z": Normal(0.0, 1.0)}), x=lambda z, b: Normal(2 * z + b, 0.5), b=jnp.ones(()))
    q = lb.Joint(z=lambda x, b, a: Normal(a * (x - b), math.sqrt(1 / 17)), a=jnp.asarray(8 / 17))
    return lb.VAE(p, q, key=KEY)


def mixture() -> lb.VAE:
    return linear(c=Categorical(logits=np.zeros(3, np.float32)), h=lambda c: 2.0 * c - 2.0, z=lambda h: Normal(h, 1.0))


def test_they_are_means_given_draws_of_q():
    """E[2 z + 1 | x] = 1 + 16/17 (x - 1), spread by 2 sd(z | x) = 2 / sqrt(17)."""
    x = np.tile(X, 5)
    means = reconstruct(linear(), {"x": x}, key=KEY)["x"]
    scaled = (means - 1 - 16 / 17 * (x - 1)) * math.sqrt(17) / 2
    assert_mean(scaled, 0.0, resolves=0.5)
    assert_mean(scaled**2, 1.0, resolves=0.5)


def test_a_latent_summed_out_above_does_not_matter():
    """x depends on z alone and q is the same, so the reconstructions are those without a mixture, bit for bit."""
    np.testing.assert_array_equal(
        reconstruct(mixture(), {"x": X}, key=KEY)["x"], reconstruct(linear(), {"x": X}, key=KEY)["x"]
    )


@pytest.mark.parametrize("through", [False, True])
def test_a_latent_summed_out_that_is_needed_is_refused(through):
    """Also where a deterministic value stands between."""
    prior = {"c": Categorical(logits=np.zeros(3, np.float32)), "z": Normal(0.0, 1.0)}
    if through:
        p = lb.Joint(**prior, h=lambda c: 1.0 * c, x=lambda z, h: Normal(z + h, 1.0))
    else:
        p = lb.Joint(**prior, x=lambda z, c: Normal(z + c, 1.0))
    vae = lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY)
    with pytest.raises(ValueError) as caught:
        reconstruct(vae, {"x": X}, key=KEY)
    assert str(caught.value) == (
        "`x` conditions on `c`, which is summed out, so there is no value of it to reconstruct from. Give q a factor "
        "for `c`."
    )


def test_what_is_masked_has_the_mean_of_what_is_under_the_mask():
    """Numbers and classes, observed or not: q and the key are the same, so the means are, bit for bit."""
    rng = np.random.default_rng(1)
    m = rng.random((200, 4)) < 0.5
    x, y = rng.normal(size=(200, 3)).astype(np.float32), rng.integers(0, 5, 200)

    def declare(mask):
        p = lb.Joint(
            m=lb.Input(4, bool),
            z=Normal(0.0, 1.0),
            x=lambda z, m: mask(Normal(z + jnp.arange(3.0), 1.0), m[:3]),
            y=lambda z, m: mask(Categorical(logits=z * jnp.arange(5.0)), m[3]),
        )
        return lb.VAE(p, lb.Joint(z=lambda x, m: Normal(x.sum(), 1.0)), key=KEY)

    data = {"x": x, "y": y, "m": m}
    masked = reconstruct(declare(lambda law, m: law.mask(m)), data, key=KEY)
    plain = reconstruct(declare(lambda law, m: law), data, key=KEY)
    assert masked["x"].shape == (200, 3)
    assert masked["y"].shape == (200, 5)
    for name in "xy":
        np.testing.assert_array_equal(masked[name], plain[name])


@pytest.mark.parametrize("make", [linear, mixture])
def test_a_row_does_not_feel_the_others(make):
    vae, data = make(), Data(x=X).standardize()
    whole = reconstruct(vae, data, key=KEY)["x"]
    for rows in (np.arange(130, 300), np.array([131]), np.arange(300)[::-1], np.array([5, 299, 5])):
        np.testing.assert_array_equal(reconstruct(vae, data[rows], key=KEY)["x"], whole[rows])


def test_a_likelihood_without_a_mean_is_refused():
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z: TransformedDistribution(Normal(z, 1.0), transforms.ExpTransform()))
    vae = lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY)
    with pytest.raises(ValueError) as caught:
        reconstruct(vae, {"x": np.abs(X)}, key=KEY)
    assert str(caught.value) == (
        "`x` is a TransformedDistribution, for whose mean there is no formula, so it cannot be reconstructed. Choose "
        "a likelihood with a mean."
    )
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z: LogNormal(z, 1.0))
    means = reconstruct(lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1e-6)), key=KEY), {"x": np.abs(X)}, key=KEY)
    np.testing.assert_allclose(means["x"], np.exp(np.abs(X) + 0.5), rtol=1e-4)  # z within some 6 sd of x
