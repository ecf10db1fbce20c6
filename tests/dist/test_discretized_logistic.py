"""The discretized logistic: exact in both tails, in float32."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dist_members import discretized_logistic

from lowerbound.dist import DiscretizedLogistic

EPS = np.finfo(np.float32).eps
GREYS = np.arange(256)


@jax.jit
@partial(jax.vmap, in_axes=(None, None, 0))
def scores(loc, scale, x):
    return DiscretizedLogistic(loc, scale, 0, 255).log_prob(x)


@pytest.mark.parametrize("loc", [-300.0, 0.0, 17.25, 255.0, 600.0])
@pytest.mark.parametrize("scale", [0.02, 1.0, 30.0, 1e5])
def test_log_mass_is_exact_in_the_tails(loc, scale):
    ours = np.asarray(scores(loc, scale, GREYS.astype(np.uint8)))
    below, above = (np.logaddexp(0, -(s * (GREYS - loc) + 0.5) / scale) for s in (1, -1))
    inner = np.log(-np.expm1(-1 / scale))
    lowest, highest = GREYS == 0, GREYS == 255
    exact = np.where(lowest | highest, 0, inner) - np.where(highest, 0, below) - np.where(lowest, 0, above)
    np.testing.assert_allclose(ours, exact, rtol=8 * EPS, atol=8 * EPS * (1 + abs(loc)))
    assert np.all(np.isfinite(ours))


def test_the_formula_is_the_difference_of_distribution_functions():
    with jax.enable_x64(True):
        law = DiscretizedLogistic(jnp.full(256, 100.3), 12.5, 0, 255)
        np.testing.assert_allclose(law.log_prob(GREYS), discretized_logistic(100.3, 12.5, 0, 255)(GREYS), rtol=1e-12)


@jax.jit
@partial(jax.vmap, in_axes=(None, None, 0))
@partial(jax.grad, argnums=(0, 1))
def gradients(loc, scale, x):
    return DiscretizedLogistic(loc, scale, 0, 255).log_prob(x)


@pytest.mark.parametrize("loc", [-300.0, 17.25, 600.0])
@pytest.mark.parametrize("scale", [0.02, 1.0, 30.0, 1e5])
def test_gradients_are_finite_and_right(loc, scale):
    xs = np.array([0, 1, 17, 254, 255])
    single = gradients(loc, scale, xs)
    with jax.enable_x64(True):
        double = gradients(loc, scale, xs)
    for ours, exact in zip(single, double, strict=True):
        # In units of 1 / scale, the rounding of an argument as large as 600 / scale.
        np.testing.assert_allclose(ours, exact, rtol=64 * EPS * (1 + 600 / min(scale, 600)), atol=8 * EPS / scale)


def test_gradient_is_the_slope():
    with jax.enable_x64(True):
        score = lambda loc: DiscretizedLogistic(loc, 2.5, 0, 255).log_prob(17)
        slope = (score(15.3 + 1e-5) - score(15.3 - 1e-5)) / 2e-5
        np.testing.assert_allclose(jax.grad(score)(15.3), slope, rtol=1e-8)  # the step squared, and rounding over it


def test_draws_stay_in_range_however_wide():
    draws = np.asarray(DiscretizedLogistic(100.0, 1e12, 0, 255).sample(jax.random.key(0), (1000,)))
    assert set(np.unique(draws)) == {0, 255}
