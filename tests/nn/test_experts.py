"""The product of Gaussians, against the product of their densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from lowerbound.nn import product_of_gaussians

EXPERTS = [(jnp.array([0.5, -2.0]), jnp.array([1.0, 0.3])), (jnp.array([1.5, 4.0]), jnp.array([2.0, 0.7]))]
STANDARD = (jnp.zeros(2), jnp.ones(2))
ROUNDING = 16 * np.finfo(np.float32).eps


@pytest.mark.parametrize("experts", [EXPERTS, [*EXPERTS, STANDARD], [EXPERTS[0]], [None, *EXPERTS, None]])
def test_log_density_differs_from_the_sum_by_a_constant(experts):
    loc, scale = (np.asarray(part, np.float64) for part in product_of_gaussians(*experts))
    x = np.linspace(-5, 5, 11)[:, None]
    total = sum(stats.norm.logpdf(x, *map(np.asarray, expert)) for expert in experts if expert is not None)
    difference = total - stats.norm.logpdf(x, loc, scale)
    # The logarithms reach some hundreds, and a rounding of the scale moves them by as many roundings.
    assert np.all(np.ptp(difference, axis=0) <= ROUNDING * np.abs(total).max())


def test_closed_form_of_two():
    (m, s), (n, t) = EXPERTS
    loc, scale = product_of_gaussians(*EXPERTS)
    np.testing.assert_allclose(loc, (m * t**2 + n * s**2) / (s**2 + t**2), rtol=ROUNDING)
    np.testing.assert_allclose(scale, s * t / jnp.sqrt(s**2 + t**2), rtol=ROUNDING)


def test_one_expert_is_itself_and_none_is_skipped():
    loc, scale = product_of_gaussians(None, EXPERTS[0])
    assert jnp.array_equal(loc, EXPERTS[0][0])
    assert jnp.array_equal(scale, EXPERTS[0][1])


def test_scalars_are_spread():
    loc, scale = product_of_gaussians((jnp.array([1.0, 2.0]), 1.0), (0.0, 1.0))
    np.testing.assert_allclose(loc, [0.5, 1.0], rtol=ROUNDING)
    np.testing.assert_allclose(scale, [np.sqrt(0.5)] * 2, rtol=ROUNDING)


def test_extreme_scales_neither_overflow_nor_lose_the_gradient():
    fuse = lambda scales: product_of_gaussians((1.0, scales[0]), (3.0, scales[1]))
    for scales in ([1e-25, 1e-25], [1e25, 1e25]):
        loc, scale = fuse(jnp.array(scales))
        np.testing.assert_allclose(loc, 2.0, rtol=ROUNDING)
        np.testing.assert_allclose(scale, scales[0] / np.sqrt(2), rtol=ROUNDING)
    loc, scale = fuse(jnp.array([1e-25, 1e25]))
    np.testing.assert_allclose(loc, 1.0, rtol=ROUNDING)
    assert jnp.all(jnp.isfinite(jax.jacobian(lambda scales: jnp.stack(fuse(scales)))(jnp.array([1e-4, 1e4]))))


def test_gradient_is_that_of_the_closed_form():
    """The unit cancels: d scale / d s = (scale / s)^3, for equal scales too."""
    for s, t in [(1.0, 2.0), (1.0, 1.0)]:
        gradient = jax.grad(lambda s, t=t: product_of_gaussians((0.0, s), (0.0, t))[1])(s)
        scale = s * t / np.hypot(s, t)
        np.testing.assert_allclose(gradient, (scale / s) ** 3, rtol=ROUNDING)


def test_refuses_no_expert():
    with pytest.raises(ValueError, match="needs one expert") as error:
        product_of_gaussians(None, None)
    assert str(error.value) == "`product_of_gaussians` needs one expert that is not None. Add the prior as one."
