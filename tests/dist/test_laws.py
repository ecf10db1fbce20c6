"""Every law of the table: its density is SciPy's, its masses sum to one, its sampler agrees."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dist_members import CONTINUOUS, COUNTS, FINITE
from scipy import integrate

from assertions import assert_mean
from lowerbound import dist

EPS = np.finfo(np.float64).eps


def values(member, law):
    """Points spread over the support: its states, or counts, or draws."""
    if member in FINITE:
        return np.asarray(dist.states(law))
    if member in COUNTS:
        return np.arange(300)
    return draws_of(law, 50)


def log_probs(law, points):
    return np.asarray(jax.jit(jax.vmap(law.log_prob))(jnp.asarray(points)))


def draws_of(law, num):
    return np.asarray(jax.jit(jax.vmap(law.sample))(jax.random.split(jax.random.key(0), num)))


# NumPyro's own are for the slow step: they change when it does.
SLOW = [pytest.param(member, marks=pytest.mark.slow) for member in CONTINUOUS + COUNTS]


@pytest.mark.parametrize("member", FINITE + SLOW, ids=repr)
def test_density_is_that_of_scipy(member):
    with jax.enable_x64(True):
        law = member.make()
        points = values(member, law)
        ours, reference = log_probs(law, points), member.reference(points)
    # Some hundred rounded operations, more where log-gammas of counts up to 300 are subtracted.
    np.testing.assert_allclose(ours, reference, rtol=2**10 * EPS, atol=max(2**12 * EPS, member.error))


@pytest.mark.parametrize("member", FINITE, ids=repr)
def test_masses_sum_to_one(member):
    law = member.make()
    masses = np.exp(log_probs(law, dist.states(law)).astype(np.float64))
    assert abs(masses.sum() - 1) <= 64 * np.finfo(np.float32).eps  # as the log of each mass is rounded in float32


@pytest.mark.parametrize("member", COUNTS, ids=repr)
def test_masses_of_counts_sum_to_one(member):
    masses = np.exp(log_probs(member.make(), np.arange(400)).astype(np.float64))  # beyond, less than 1e-20
    assert abs(masses.sum() - 1) <= 64 * np.finfo(np.float32).eps


@pytest.mark.parametrize("member", FINITE + SLOW, ids=repr)
def test_sampler_agrees_with_density(member):
    """E[tanh x] by draws is E[tanh x] by the density: bounded, so that heavy tails do no harm."""
    law = member.make()
    draws = draws_of(law, 60_000).astype(np.float64)
    centre = np.median(draws)
    if member in CONTINUOUS:
        low, high = support_ends(law)
        knots = [centre + side * 30 for side in (-1, 1) if low < centre + side * 30 < high]
        ends = [low, *knots, high]
        expected = sum(
            integrate.quad(lambda x: np.tanh(x - centre) * np.exp(member.reference(x)), a, b, limit=200)[0]
            for a, b in pairwise(ends)
        )
    else:
        points = np.arange(400) if member in COUNTS else np.asarray(dist.states(law))
        expected = float(np.sum(np.tanh(points - centre) * np.exp(member.reference(points))))
    assert_mean(np.tanh(draws - centre), expected, resolves=0.04)


def support_ends(law):
    """The least and the greatest value of a scalar law."""
    support = law.support
    return (
        float(getattr(support, "lower_bound", -np.inf)),
        float(getattr(support, "upper_bound", np.inf)),
    )


@pytest.mark.parametrize("member", FINITE, ids=repr)
def test_mean_is_the_mean_of_the_masses(member):
    with jax.enable_x64(True):
        law = member.make()
        points = np.asarray(dist.states(law))
        expected = np.sum(points * np.exp(member.reference(points)))
        if not member.name.startswith("Categorical"):  # NumPyro gives the mean of no label
            np.testing.assert_allclose(law.mean, expected, rtol=2**12 * EPS)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int32, np.float32])
@pytest.mark.parametrize("member", [FINITE[0], FINITE[3], FINITE[4]], ids=repr)
def test_values_of_any_dtype_score_the_same(member, dtype):
    law = member.make()
    points = np.array([0, 1])
    expected = log_probs(law, points)
    np.testing.assert_array_equal(log_probs(law, points.astype(dtype)), expected)


@pytest.mark.parametrize("member", FINITE[3:], ids=repr)
def test_bytes_do_not_wrap_around(member):
    law = member.make()
    points = np.asarray(dist.states(law))
    points = points[points >= 0]
    np.testing.assert_array_equal(log_probs(law, points.astype(np.uint8)), log_probs(law, points))


@pytest.mark.parametrize("member", FINITE, ids=repr)
def test_what_is_no_state_is_impossible(member):
    law = member.make()
    top = int(np.asarray(dist.states(law)).max())
    assert jax.jit(law.log_prob)(jnp.asarray(top + 1)) == -jnp.inf


@pytest.mark.parametrize("member", FINITE, ids=repr)
def test_enumerate_support_keeps_the_convention_of_numpyro(member):
    law = member.make()
    np.testing.assert_array_equal(law.enumerate_support(), dist.states(law))
    wide = law.expand((3, 2))
    assert wide.enumerate_support().shape == (len(dist.states(law)), 3, 2)
    assert wide.enumerate_support(expand=False).shape == (len(dist.states(law)), 1, 1)


@pytest.mark.parametrize("member", FINITE, ids=repr)
def test_laws_pass_through_jit_eval_shape_and_vmap(member):
    law = member.make()
    value = jnp.asarray(1)
    again = jax.jit(lambda law: law)(law)
    assert type(again) is type(law)
    assert again.support == law.support
    assert jax.eval_shape(lambda law: law, law).shape() == ()
    inside = jax.jit(jax.vmap(lambda value, law: law.log_prob(value), (0, None)))(jnp.stack([value, value]), again)
    np.testing.assert_allclose(inside, log_probs(law, [1, 1]), rtol=4 * np.finfo(np.float32).eps)


def test_every_name_is_exported():
    assert all(hasattr(dist, name) for name in dist.__all__)


@pytest.mark.parametrize(
    ("constraint", "shape"),
    [
        (dist.real, (4,)),
        (dist.positive, (4,)),
        (dist.unit_interval, (4,)),
        (dist.interval(-2.0, 3.0), (4,)),
        (dist.greater_than(1.5), (4,)),
        (dist.less_than(1.5), (4,)),
        (dist.real_vector, (4,)),
        (dist.ordered_vector, (4,)),
        (dist.simplex, (3,)),
        (dist.lower_cholesky, (6,)),
        (dist.corr_cholesky, (6,)),
        (dist.positive_ordered_vector, (4,)),
    ],
    ids=repr,
)
def test_constraints_round_trip_through_the_free_numbers(constraint, shape):
    bijection = dist.biject_to(constraint)
    with jax.enable_x64(True):
        free = jnp.asarray(np.random.default_rng(0).normal(size=shape))
        value, back = jax.jit(lambda free: (bijection(free), bijection.inv(bijection(free))))(free)
        assert bool(jnp.all(constraint(value)))
        np.testing.assert_allclose(back, free, rtol=0, atol=2**10 * EPS)
