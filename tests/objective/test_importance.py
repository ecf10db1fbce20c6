"""IWAE: it rises with K towards log p(x), and what is streamed over draws is what NumPy makes of them all."""

import itertools
import math
from statistics import NormalDist

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

import lowerbound as lb
from assertions import assert_mean
from linear_gaussian import LinearGaussian
from lowerbound._key import named_key
from lowerbound.model import draw_noise, make_plan
from lowerbound.objective import ELBO, IWAE, elbo, iwae, log_weight
from lowerbound.objective._score import CHUNK_DRAWS, _log_mean_exp, _mean

#: Standard errors that a one-sided test allows: right code fails with probability 1e-6.
Z = NormalDist().inv_cdf(1 - 1e-6)
ROUNDING = 1e-10
KIND = "diagonal"


@pytest.fixture
def model():
    """A model whose exact posterior is diagonal, so that its weights are under control."""
    rng = np.random.default_rng(2)
    W = np.linalg.qr(rng.normal(size=(3, 2)))[0] * np.array([1.5, 0.7])
    return LinearGaussian(np.zeros(2), np.eye(2), W, rng.normal(size=3), 0.8 * np.eye(3))


def stretched(model, factor):
    """Declare q as the exact posterior with its deviation stretched by `factor`.

    Then Var(w) / p(x)² = (factor² / sqrt(2 factor² - 1))² - 1 in two dimensions: finite.
    """
    A, c, L = model.posterior()
    return model.declare(KIND, (A, c, factor * L))


def test_iwae_rises_with_k_and_stays_below_the_evidence(model):
    xs = model.draw(0, 4096)
    vae, evidence = stretched(model, 2.0), model.evidence(xs)
    scores = [lb.evaluate(vae, {"x": xs}, IWAE(K), key=jax.random.key(3)).values for K in (1, 8, 64)]
    gaps = [evidence - score for score in scores]
    for before, after in itertools.pairwise(gaps):
        closed = before - after  # from draws of which the fewer are among the more
        assert closed.mean() > Z * standard_error(closed)
    for gap in gaps:
        assert gap.mean() > -Z * standard_error(gap)
    # Scaling the exact posterior's deviation by s costs (d/2)(s² - 1 - log s²) nats at K = 1.
    assert_mean(gaps[0], 3 - math.log(4), resolves=0.5)
    # And E[log mean w] falls short by Var(w) / (2 K p(x)²) to first order; the next is a tenth of it here.
    assert_mean(gaps[2], (16 / 7 - 1) / 128, resolves=0.04)


def standard_error(draws):
    return draws.std(ddof=1) / math.sqrt(len(draws))


def test_weights_average_to_the_evidence(model):
    vae, x = stretched(model, 1.4), model.draw(1, 1)[0]
    noise = jax.random.normal(jax.random.key(0), (20_000, 2))
    log_weights = jax.jit(jax.vmap(lambda eps: log_weight(vae, {"x": jnp.asarray(x)}, {"z": eps})))(noise)
    assert_mean(np.exp(np.asarray(log_weights) - model.evidence(x)), 1.0, resolves=0.05)


def test_one_sample_is_a_draw_of_the_elbo(model):
    """IWAE(1) and the ELBO with its KL sampled are the same number from the same key."""
    vae, xs = stretched(model, 0.7), {"x": model.draw(2, 20)}
    ours, reference = (lb.evaluate(vae, xs, how, key=jax.random.key(5)) for how in (IWAE(1), ELBO(sampled=("z",))))
    np.testing.assert_allclose(ours.values, reference.values, rtol=0, atol=ROUNDING)
    assert np.isnan(ours.standard_errors).all()


def test_training_term_is_iwae_with_its_gradient(model):
    """Twenty draws, in checkpointed chunks, give the value and the gradient of `iwae` from all at once."""
    vae, x = stretched(model, 0.7), jnp.asarray(model.draw(3, 1)[0])
    noises, how = {"z": jax.random.normal(jax.random.key(1), (20, 2))}, IWAE(20)
    plan = make_plan(vae.graph, {"x"}, how)

    def by_terms(vae):
        return sum(how.terms(plan, vae.realize().values, {"x": x}, noises, jnp.zeros((), int)).values())

    ours, reference = (
        eqx.filter_jit(eqx.filter_value_and_grad(bound))(vae)
        for bound in (by_terms, lambda vae: iwae(vae, {"x": x}, noises))
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=ROUNDING, atol=ROUNDING), ours, reference)


@pytest.mark.parametrize("num", [CHUNK_DRAWS - 1, 2 * CHUNK_DRAWS + 6])
@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_streams_what_numpy_gets_from_the_same_draws(model, num, weighted):
    vae, xs, key = stretched(model, 0.6), jnp.asarray(model.draw(4, 3)), jax.random.key(9)
    estimate = lb.evaluate(vae, {"x": xs}, IWAE(num) if weighted else ELBO(num), key=key)

    def draw(x, row, index):
        row_key = jax.random.fold_in(named_key(key, "noise"), row)
        noise = draw_noise(vae.noise_shapes({"x"}), jax.random.fold_in(row_key, index))
        return (log_weight if weighted else elbo)(vae, {"x": x}, noise)

    over_draws = jax.vmap(draw, (None, None, 0))
    draws = np.asarray(jax.jit(jax.vmap(over_draws, (0, 0, None)))(xs, jnp.arange(3), jnp.arange(num)))
    values, errors = by_numpy(draws, weighted)
    np.testing.assert_allclose(estimate.values, values, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(estimate.standard_errors, errors, rtol=ROUNDING)
    np.testing.assert_allclose(estimate.monte_carlo_error, np.sqrt(np.sum(errors**2)) / 3, rtol=ROUNDING)


def by_numpy(draws, weighted):
    """The value and its standard error of each row of draws: a mean, or the log of a mean of exponentials."""
    num = draws.shape[-1]
    if not weighted:
        return draws.mean(-1), draws.std(-1, ddof=1) / math.sqrt(num)
    weights = np.exp(draws - draws.max(-1, keepdims=True))
    return logsumexp(draws, axis=-1) - math.log(num), weights.std(-1, ddof=1) / weights.mean(-1) / math.sqrt(num)


@pytest.mark.parametrize("num", [2, CHUNK_DRAWS, 3 * CHUNK_DRAWS + 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_streams_hold_where_numbers_are_far_apart(num, weighted):
    """Log-weights hundreds of nats apart, the largest of them anywhere; and one that is zero."""
    draws = 300 * np.random.default_rng(num).normal(size=(4, num))
    if weighted:
        draws[:, 0] = -np.inf
    value, error = streamed(draws, weighted)
    expected, expected_error = by_numpy(draws, weighted)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=ROUNDING)
    np.testing.assert_allclose(error, expected_error, rtol=1e-8)


def test_means_keep_their_digits_in_single_precision():
    """In float32, draws of -1e4 ± 1 keep a mean to a few roundings of 1e4, and a deviation that is not all noise."""
    draws = np.float32(np.random.default_rng(0).normal(-1e4, 1.0, size=(2, 5000)))
    value, error = streamed(draws, weighted=False)
    expected, expected_error = by_numpy(np.float64(draws), weighted=False)
    assert value.dtype == np.float32
    # Each of 157 chunks rounds the running mean once, and its own mean some five times: in all, within a hundred.
    np.testing.assert_allclose(value, expected, rtol=0, atol=100 * 1e4 * np.finfo(np.float32).eps)
    np.testing.assert_allclose(error, expected_error, rtol=1e-3)


def streamed(draws, weighted):
    table = jnp.asarray(draws)
    stream = _log_mean_exp if weighted else _mean
    zero = jnp.zeros((), table.dtype)
    rows = jax.vmap(lambda row: stream(lambda index: (row[index], zero), draws.shape[1]))
    value, error = jax.jit(rows)(table)
    return np.asarray(value), np.asarray(error)
