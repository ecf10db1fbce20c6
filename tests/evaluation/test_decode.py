"""Decoding: the mean of p at chosen latents, against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Categorical, Cauchy, Normal
from lowerbound.evaluation import decode

KEY = jax.random.key(0)
W, B = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], np.float32), np.array([1.0, 2.0, 3.0], np.float32)


@pytest.fixture(scope="module")
def vae():
    p = lb.Joint(
        s=lb.Input((), int),
        z=Normal(jnp.zeros(2), 1.0),
        other=Normal(jnp.zeros(4), 1.0),
        x=lambda z, s, w, b: Normal(z @ w + b * s, 1.0),
        c=lambda z: Categorical(logits=z),
        bad=lambda z: Cauchy(z, 1.0),
        w=jnp.asarray(W),
        b=jnp.asarray(B),
    )
    q = lb.Joint(
        z=lambda x, a: Normal(x @ a, 1.0), other=lambda x, k: Normal(x[0] * k, 1.0), a=jnp.ones((3, 2)), k=jnp.ones(4)
    )
    return lb.VAE(p, q, key=KEY)


@pytest.mark.parametrize("num", [1, 128, 200])
def test_the_mean_of_a_linear_model_is_linear(vae, num):
    random = np.random.default_rng(num)
    z, s = random.normal(size=(num, 2)).astype(np.float32), random.integers(0, 3, num)
    means = decode(vae, {"z": z, "s": s}, "x", key=KEY)
    expected = z.astype(np.float64) @ W + B * s[:, None]
    rounding = 8 * np.finfo(np.float32).eps  # some five rounded operations
    np.testing.assert_allclose(means, expected, rtol=0, atol=rounding * (np.abs(expected).max() + 4))


def test_a_row_does_not_depend_on_its_neighbours(vae):
    z, s = np.random.default_rng(0).normal(size=(150, 2)).astype(np.float32), np.arange(150) % 3
    whole = decode(vae, {"z": z, "s": s}, "x", key=KEY)
    np.testing.assert_array_equal(decode(vae, {"z": z[140:], "s": s[140:]}, "x", key=KEY), whole[140:])


def test_a_categorical_gives_its_probabilities(vae):
    z = np.log(np.array([[1.0, 3.0], [1.0, 1.0]], np.float32))
    np.testing.assert_allclose(decode(vae, {"z": z}, "c", key=KEY), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "name", "message"),
    [
        ({}, "x", "`x` conditions on `z`, which has no value. Pass it in `values`."),
        (
            {"z": np.zeros((2, 2))},
            "xx",
            "p has no variable `xx`; it has `z`, `other`, `x`, `c`, `bad`. Did you mean `x`?",
        ),
        (
            {"z": np.zeros((5, 3)), "s": np.zeros(5, int)},
            "x",
            "`z` has shape (5, 3), but one datum's is (2,). Pass one for each row, along a leading axis.",
        ),
        (
            {"z": np.zeros((5, 2)), "s": np.zeros(4, int)},
            "x",
            "The values have 4 and 5 rows; one number of rows was needed.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(vae, values, name, message):
    with pytest.raises(ValueError) as refusal:
        decode(vae, values, name, key=KEY)
    assert str(refusal.value) == message
