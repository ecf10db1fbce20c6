"""The Bernoulli distribution: its gradient at kinks and far out, its dtypes, its refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import BernoulliLogits
from scipy import special

from lowerbound.dist import Bernoulli, log_density

LOGITS = np.array([-1e4, -100.0, -20.0, -1.5, -0.0, 0.0, 1e-8, 1.5, 20.0, 100.0, 1e4], np.float32)


def score(logit, bit):
    return Bernoulli(logits=logit).log_prob(bit)


@pytest.mark.parametrize("bit", [0, 1])
def test_gradient_is_the_bit_less_its_probability(bit):
    gradients = jax.vmap(jax.grad(score), (0, None))(jnp.asarray(LOGITS), bit)
    # In its own precision: y − σ(l) in float64.
    expected = bit - special.expit(LOGITS.astype(np.float64))
    np.testing.assert_allclose(gradients, expected, rtol=0, atol=2 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("bit", [0, 1])
def test_second_derivative_is_right_at_zero(bit):
    assert jax.grad(jax.grad(score))(0.0, bit) == -0.25


@pytest.mark.parametrize("bit", [0, 1])
def test_numpyros_gradient_is_wrong_at_zero(bit):
    """Why there is a Bernoulli of our own; if this fails, it may have become unnecessary."""
    assert jax.grad(lambda logit: BernoulliLogits(logit).log_prob(bit))(0.0) != bit - 0.5


@pytest.mark.parametrize("bit", [0, 1])
def test_log_mass_is_exact_far_out(bit):
    logits = LOGITS.astype(np.float64)
    scores = jax.vmap(score, (0, None))(jnp.asarray(LOGITS), bit)
    exact = -np.logaddexp(0, -logits if bit else logits)
    # Relative to the result, down to the least normal number, also where a probability would have been rounded to 1.
    np.testing.assert_allclose(scores, exact, rtol=4 * np.finfo(np.float32).eps, atol=np.finfo(np.float32).tiny)


def test_the_probability_of_a_bit_may_be_learned_through_a_soft_value():
    assert jax.grad(lambda value: score(1.5, value).sum())(1.0) == 1.5


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_score_has_the_dtype_of_the_logits(dtype):
    logits = jnp.zeros(3, dtype)
    assert Bernoulli(logits).log_prob(jnp.ones(3, jnp.uint8)).dtype == dtype


def test_grey_levels_are_impossible():
    scores = jax.jit(Bernoulli(jnp.zeros(3)).log_prob)(jnp.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(scores, [-np.log(2), -np.inf, -np.log(2)], rtol=1e-6)


def test_moments_and_entropy():
    law = Bernoulli(jnp.asarray(LOGITS))
    p, q = special.expit(LOGITS.astype(np.float64)), special.expit(-LOGITS.astype(np.float64))
    entropy = special.entr(p) + special.entr(q)
    np.testing.assert_allclose(law.mean, p, rtol=1e-6, atol=1e-37)
    np.testing.assert_allclose(law.variance, p * q, rtol=1e-6, atol=1e-37)
    # Of the two terms, each as large as the logit, only rounding may be left.
    np.testing.assert_allclose(law.entropy(), entropy, rtol=1e-6, atol=2 * np.finfo(np.float32).eps * 100)


def test_probabilities_are_refused():
    message = (
        "`Bernoulli` takes `logits`, not `probs`: a probability has to be clipped before it is scored, which cuts off "
        "its gradient. Give what comes before the sigmoid, or log(p) - log1p(-p), as `logits`."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Bernoulli(probs=0.5)


def test_nothing_is_refused():
    message = "`Bernoulli` needs `logits`, the log-odds of a 1 for each bit."
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Bernoulli()


@pytest.mark.parametrize("bad", [0.5, 2.0, -1.0, np.inf, np.nan])
def test_the_mass_of_a_datum_is_the_sum_and_refuses_what_is_no_bit(bad):
    rng = np.random.default_rng(0)
    logits, bits = rng.normal(size=(4, 5)).astype(np.float32) * 9, rng.integers(0, 2, (4, 5)).astype(np.float32)
    distribution = Bernoulli(logits)
    total, gradient = jax.value_and_grad(lambda logits: log_density(Bernoulli(logits), bits))(jnp.asarray(logits))
    np.testing.assert_allclose(total, np.sum(distribution.log_prob(bits)), rtol=4e-7)
    np.testing.assert_allclose(gradient, bits - 1 / (1 + np.exp(-logits.astype(float))), atol=1e-6)
    bits[2, 3] = bad
    assert log_density(distribution, bits) == -np.inf
