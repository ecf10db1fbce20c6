"""Posterior means: exact where they can be, averaged over draws where they must be, and each row's own."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, softmax

import lowerbound as lb
from assertions import assert_mean
from linear_gaussian import KINDS, LinearGaussian
from lowerbound.data import Data
from lowerbound.dist import Bernoulli, Categorical, Cauchy, LogNormal, Normal, TransformedDistribution, transforms
from lowerbound.evaluation import encode

KEY = jax.random.key(0)
#: Some sixty rounded operations.
ROUNDING = 64 * float(np.finfo(np.float32).eps)
X = np.random.default_rng(0).normal(1, 2, 300).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exact", [True, False])
def test_means_are_those_of_q(kind, exact):
    """They are A x + c; where q is exact and p's posterior of the kind that q can be, that is E[z | x]."""
    model = LinearGaussian.random(1, 2, 3, kind)
    q = model.posterior() if exact and KINDS[kind][2] != "diagonal" else model.wrong_posterior(2, kind)
    x = model.draw(3, 150).astype(np.float32)
    means = encode(model.declare(kind, q), {"x": x}, key=KEY)
    assert set(means) == {"z"}
    expected = x @ q[0].T + q[1]
    np.testing.assert_allclose(means["z"], expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def ladder() -> lb.VAE:
    """q(z2 | x) = N(x / 2, 0.5) and q(z1 | z2, x) = N(3 z2 - x, 1), so E_q[z1 | x] = x / 2."""
    p = lb.Joint(
        z2=Normal(0.0, 1.0), z1=lambda z2: Normal(z2, 1.0), x=lambda z1, b: Normal(z1 + b, 1.0), b=jnp.ones(())
    )
    q = lb.Joint(z2=lambda x: Normal(x / 2, 0.5), z1=lambda z2, x: Normal(3 * z2 - x, 1.0))
    return lb.VAE(p, q, key=KEY)


@pytest.mark.parametrize("num_samples", [1, 9])
def test_a_mean_below_a_drawn_latent_is_averaged_over_draws_of_it(num_samples):
    """Its error is that of the mean of 3 z2 over the draws, with sd 3 x 0.5 / sqrt(num_samples)."""
    x = np.tile(X, 10)
    means = encode(ladder(), {"x": x}, key=jax.random.key(5), num_samples=num_samples)
    np.testing.assert_allclose(means["z2"], x / 2, rtol=ROUNDING)
    errors = (means["z1"] - x / 2) / (1.5 / math.sqrt(num_samples))
    assert_mean(errors, 0.0, resolves=0.5)
    assert_mean(errors**2, 1.0, resolves=0.5)


def test_a_mean_below_a_finite_latent_is_exact():
    """E[z | x] = Σ_y q(y | x) E[z | x, y], through a deterministic value."""
    p = lb.Joint(y=Categorical(logits=jnp.zeros(3)), z=Normal(0.0, 1.0), x=lambda z, y: Normal(z + y, 1.0))
    q = lb.Joint(
        y=lambda x, a: Categorical(logits=a * x),
        shift=lambda y, m: m[y],
        z=lambda x, shift: Normal(x * shift, 1.0),
        a=jnp.asarray([-0.5, 0.0, 0.5]),
        m=jnp.asarray([-1.0, 0.5, 2.0]),
    )
    means = encode(lb.VAE(p, q, key=KEY), {"x": X}, key=KEY, num_samples=1)
    probabilities = softmax(X[:, None] * [-0.5, 0.0, 0.5], axis=1)
    np.testing.assert_allclose(means["y"], probabilities, rtol=0, atol=ROUNDING)
    expected = X * (probabilities @ [-1.0, 0.5, 2.0])
    np.testing.assert_allclose(means["z"], expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_bits_have_probabilities_and_a_finite_latent_below_a_drawn_one_is_averaged():
    """q(c | z) = Bernoulli(logits=z) with z ~ N(x, 0.5): the average over z, by Gauss-Hermite quadrature."""
    p = lb.Joint(z=Normal(0.0, 1.0), c=lambda z: Bernoulli(logits=z), x=lambda z, c: Normal(z + c, 1.0))
    q = lb.Joint(z=lambda x: Normal(x, 0.5), c=lambda z: Bernoulli(logits=z))
    means = encode(lb.VAE(p, q, key=KEY), {"x": np.tile(X, 5)}, key=jax.random.key(2), num_samples=20)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    expected = expit(X[:, None] + 0.5 * nodes) @ weights / weights.sum()
    assert_mean(means["c"] - np.tile(expected, 5), 0.0, resolves=0.02)


def test_a_mean_without_a_formula_is_an_average_of_draws():
    """exp(N(x, 0.3)) has the mean exp(x + 0.045), which NumPyro does not know of a transformed normal."""
    p = lb.Joint(z=LogNormal(0.0, 1.0), x=lambda z: Normal(jnp.log(z), 1.0))
    q = lb.Joint(z=lambda x: TransformedDistribution(Normal(x, 0.3), transforms.ExpTransform()))
    means = encode(lb.VAE(p, q, key=KEY), {"x": X}, key=jax.random.key(3))
    assert_mean(means["z"] / np.exp(X + 0.045), 1.0, resolves=0.1)


def test_where_no_mean_exists_it_is_nan():
    p = lb.Joint(z=Cauchy(0.0, 1.0), x=lambda z: Normal(z, 1.0))
    vae = lb.VAE(p, lb.Joint(z=lambda x: Cauchy(x, 1.0)), key=KEY)
    assert np.isnan(encode(vae, {"x": X[:3]}, key=KEY)["z"]).all()


def test_a_row_does_not_feel_the_others():
    """Bit for bit, through padded batches, draws and binarisation."""
    p = lb.Joint(
        z2=Normal(jnp.zeros(2), 1.0),
        z1=lambda z2: Normal(z2, 1.0),
        x=lambda z1, W: Bernoulli(logits=W @ z1),
        W=jnp.ones((5, 2)),
    )
    q = lb.Joint(
        z2=lambda x, A: Normal(A @ x, 0.5), z1=lambda z2, x, A: Normal(z2 + A @ x, 1.0), A=jnp.full((2, 5), 0.3)
    )
    vae = lb.VAE(p, q, key=KEY)
    data = Data(x=np.random.default_rng(0).integers(0, 256, (300, 5), np.uint8)).binarize("stochastic")
    whole = encode(vae, data, key=KEY)
    for rows in (np.arange(130, 300), np.array([131]), np.arange(300)[::-1], np.array([5, 299, 5])):
        part = encode(vae, data[rows], key=KEY)
        for name in whole:
            np.testing.assert_array_equal(part[name], whole[name][rows])


def test_the_model_sees_the_data_as_prepared_by_the_key():
    data = Data(x=np.random.default_rng(0).integers(0, 256, 300, np.uint8)).binarize("stochastic")
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z: Bernoulli(logits=z))
    means = encode(lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY), data, key=jax.random.key(4))
    np.testing.assert_array_equal(means["z"], data.prepared(jax.random.key(4))["x"])
    assert 0 < means["z"].mean() < 1


def test_a_random_parameter_is_drawn_once_for_all_rows():
    p = lb.Joint(
        z=Normal(0.0, 1.0), x=lambda z, w: Normal(w * z, 1.0), w=lb.Param(jnp.ones(()), prior=Normal(0.0, 1.0))
    )
    q = lb.Joint(z=lambda x, w: Normal(w * x, 1.0))
    slopes = [encode(lb.VAE(p, q, key=KEY), {"x": X}, key=jax.random.key(seed))["z"] / X for seed in (1, 2)]
    for slope in slopes:
        np.testing.assert_allclose(slope, slope[0], rtol=ROUNDING)
    assert abs(slopes[0][0] - slopes[1][0]) > ROUNDING


def test_nothing_to_infer_is_refused():
    p = lb.Joint(c=Categorical(logits=jnp.zeros(3)), x=lambda c: Normal(1.0 * c, 1.0))
    with pytest.raises(ValueError) as caught:
        encode(lb.VAE(p, key=KEY), {"x": X}, key=KEY)
    assert str(caught.value) == (
        "`encode` is about what q infers, but from `x` it infers no latent. Give q a factor for one."
    )
    with pytest.raises(ValueError) as caught:
        encode(ladder(), {"x": X, "z1": X, "z2": X}, key=KEY)
    assert str(caught.value) == (
        "`encode` is about what q infers, but from `x` and `z1` and `z2` it infers no latent. Leave a latent out of "
        "the data."
    )


def test_the_number_of_samples_is_checked():
    with pytest.raises(ValueError) as caught:
        encode(ladder(), {"x": X}, key=KEY, num_samples=0)
    assert str(caught.value) == "`num_samples` is 0; a whole number from 1 up was needed."
