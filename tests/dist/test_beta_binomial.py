"""The beta-binomial in float32: far beyond where differences of log-gammas hold."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dist_members import beta_binomial
from numpyro import distributions as numpyro

from lowerbound.dist import BetaBinomial, Binomial, DiscreteUniform, DiscretizedLogistic

EPS = np.finfo(np.float32).eps


def random_laws(n, num=2_000):
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.uniform(np.log(1e-3), np.log(1e6), (2, num))).astype(np.float32)
    return a, b, rng.integers(0, n + 1, num)


def worst_error(law, n):
    """The largest error of a score in float32, and its own size."""
    a, b, k = random_laws(n)
    ours = np.asarray(jax.jit(lambda a, b, k: law(a, b, n).log_prob(k))(a, b, k), np.float64)
    cases = zip(a.astype(float), b.astype(float), k, strict=True)
    exact = np.array([beta_binomial(a, b, n)(count) for a, b, count in cases])
    return np.abs(ours - exact).max(), np.abs(exact).max()


@pytest.mark.parametrize("n", [1, 16, 32, 33, 100])
def test_score_is_right_to_rounding_for_all_concentrations(n):
    error, size = worst_error(BetaBinomial, n)
    assert error <= 4 * EPS * (n + size)  # a rounding for each factor, and those of the sum


def test_log_gammas_are_not():
    error, _ = worst_error(numpyro.BetaBinomial, 16)
    assert error > 0.1


@pytest.mark.parametrize("n", [16, 100])
def test_gradient_is_that_of_the_log_mass(n):
    """Σ 1/(a + i) over the successes less Σ 1/(a + b + i) over all, in float64."""
    a, b, k = random_laws(n, 200)
    score = jax.grad(lambda a, b, k: BetaBinomial(a, b, n).log_prob(k))
    gradient = jax.jit(jax.vmap(score))(a, b, k)
    i, wide = np.arange(n), a.astype(np.float64)[:, None]
    expected = np.where(i < k[:, None], 1 / (wide + i), 0).sum(1)
    subtracted = (1 / (wide + b.astype(np.float64)[:, None] + i)).sum(1)
    assert np.all(np.abs(gradient - (expected - subtracted)) <= 8 * n * EPS * (expected + subtracted))


def test_parameters_broadcast():
    law = BetaBinomial(jnp.ones(3), 2.0, 5)
    assert law.shape() == (3,)
    assert jax.jit(law.log_prob)(jnp.arange(3)).shape == (3,)
    assert jax.eval_shape(lambda: law.sample(jax.random.key(0), (4,))).shape == (4, 3)


@pytest.mark.parametrize("make", [lambda n: BetaBinomial(1.0, 1.0, n), lambda n: Binomial(0.0, n)])
def test_negative_number_of_trials_is_refused(make):
    message = "`total_count` is a number of trials, 0 or more, but -1 came."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(-1)
    assert make(0).log_prob(0) == 0


@pytest.mark.parametrize("make", [DiscreteUniform, lambda low, high: DiscretizedLogistic(0.0, 1.0, low, high)])
def test_empty_range_is_refused(make):
    message = "`low` is the least value and `high` the greatest, but 4 and 3 came."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(4, 3)
    assert make(3, 3).log_prob(3) == 0
