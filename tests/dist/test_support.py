"""Supports: one within another, and data outside of one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import constraints as c

from lowerbound import dist
from lowerbound.dist import outside_support, support_fits

ABSTRACT = jax.ShapeDtypeStruct((), np.float32)

FITS = [
    (c.real, c.real, True),
    (c.positive, c.real, True),
    (c.real, c.positive, False),
    (c.unit_interval, c.real, True),
    (c.unit_interval, c.positive, True),  # end points have no mass
    (c.positive, c.unit_interval, False),
    (c.nonnegative, c.positive, True),
    (c.greater_than(1.0), c.positive, True),
    (c.positive, c.greater_than(1.0), False),
    (c.less_than(-1.0), c.real, True),
    (c.less_than(-1.0), c.positive, False),
    (c.interval(0.0, 0.5), c.unit_interval, True),
    (c.interval(np.zeros(2), np.array([0.5, 1.5])), c.unit_interval, False),
    (c.interval(ABSTRACT, ABSTRACT), c.unit_interval, True),
    (c.unit_interval, c.interval(ABSTRACT, ABSTRACT), True),
    (c.circular, c.real, True),
    (c.softplus_positive, c.positive, True),
    (c.boolean, c.nonnegative_integer, True),
    (c.nonnegative_integer, c.boolean, False),
    (c.boolean, c.integer_interval(0, 3), True),
    (c.integer_interval(0, 3), c.boolean, False),
    (c.integer_interval(0, 1), c.boolean, True),
    (c.positive_integer, c.nonnegative_integer, True),
    (c.boolean, c.real, False),  # a mass is no density
    (c.real, c.boolean, False),
    (c.nonnegative_integer, c.nonnegative, False),
    (c.simplex, c.boolean, False),
    (c.simplex, c.simplex, True),
    (c.simplex, c.real_vector, False),  # a density on the simplex is none in space
    (c.simplex, c.unit_interval, False),
    (c.sphere, c.real_vector, False),
    (c.real_vector, c.real, True),
    (c.real, c.real_vector, True),
    (c.independent(c.positive, 1), c.real_vector, True),
    (c.real_vector, c.independent(c.positive, 1), False),
    (c.ordered_vector, c.real_vector, True),
    (c.real_vector, c.ordered_vector, False),
    (c.positive_ordered_vector, c.ordered_vector, True),
    (c.positive_ordered_vector, c.positive, True),
    (c.ordered_vector, c.positive, False),
    (c.l1_ball, c.real, True),
    (c.lower_cholesky, c.softplus_lower_cholesky, True),
    (c.softplus_lower_cholesky, c.lower_cholesky, True),
    (c.corr_cholesky, c.lower_cholesky, False),
    (c.lower_cholesky, c.real_matrix, False),
    (c.multinomial(3), c.multinomial(3), True),
    (c.dependent, c.real, True),
]


@pytest.mark.parametrize(("inner", "outer", "fits"), FITS, ids=[f"{a!r}-{b!r}" for a, b, _ in FITS])
def test_support_fits(inner, outer, fits):
    assert support_fits(inner, outer) is fits


def test_a_traced_bound_fits():
    def trace(high):
        assert support_fits(c.interval(0.0, high), c.unit_interval)
        return high

    jax.make_jaxpr(trace)(2.0)


def test_supports_of_laws():
    normal, low_rank = (
        dist.Normal(jnp.zeros(3), 1.0),
        dist.LowRankMultivariateNormal(jnp.zeros(3), jnp.ones((3, 1)), jnp.ones(3)),
    )
    assert support_fits(normal.support, low_rank.support)
    assert support_fits(low_rank.support, normal.to_event(1).support)
    assert support_fits(dist.LogNormal(0.0, 1.0).support, dist.Gamma(1.0, 1.0).support)
    assert not support_fits(dist.Normal(0.0, 1.0).support, dist.Gamma(1.0, 1.0).support)
    assert support_fits(dist.Bernoulli(0.0).support, dist.Categorical(logits=jnp.zeros(2)).support)
    assert not support_fits(dist.Categorical(logits=jnp.zeros(3)).support, dist.Bernoulli(0.0).support)


@pytest.mark.parametrize(
    ("support", "value", "outside"),
    [
        (c.boolean, np.array([0, 1, 2], np.uint8), [False, False, True]),
        (c.boolean, np.array([True, False]), [False, False]),
        (c.boolean, np.array([0.0, 0.5, np.nan]), [False, True, True]),
        (c.real, np.array([1, 2]), [False, False]),
        (c.real, np.array([1.0, np.nan, np.inf]), [False, True, True]),
        (c.positive, np.array([0.0, 1e-30, -1.0]), [True, False, True]),
        (c.nonnegative_integer, np.array([0.0, 1.5, -1.0, np.inf]), [False, True, True, True]),
        (c.integer_interval(-1, 300), np.array([0, 255], np.uint8), [False, False]),
        (c.integer_interval(0, 3), np.array([3, 4], np.uint8), [False, True]),
        (c.interval(jnp.zeros(2), 1.0), np.array([[0.5, 2.0]]), [[False, True]]),
        (c.independent(c.boolean, 2), np.array([[0, 3]]), [[False, True]]),
        (c.simplex, np.array([[0.5, 0.5], [0.5, 0.6]], np.float32), [False, True]),
        (c.ordered_vector, np.array([[1.0, 2.0], [2.0, 1.0]]), [False, True]),
        (c.interval(ABSTRACT, 1.0), np.array([7.0]), [False]),
        (c.dependent, np.array([7.0]), [False]),
    ],
    ids=range(15),
)
def test_outside_support(support, value, outside):
    marked = outside_support(support, value)
    np.testing.assert_array_equal(marked, outside)
    assert isinstance(marked, np.ndarray)


def test_supports_of_abstract_laws_check_what_they_can():
    law = jax.eval_shape(lambda: dist.Uniform(jnp.zeros(2), 1.0))
    assert not outside_support(law.support, np.full((5, 2), 9.0)).any()
    law = jax.eval_shape(lambda: dist.Bernoulli(jnp.zeros((2, 2))).to_event(2))
    assert outside_support(law.support, np.full((5, 2, 2), 9)).all()
