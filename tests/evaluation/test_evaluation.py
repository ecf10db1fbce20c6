"""Scores carry what they depend on; draws follow the model."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import lowerbound as lb
from assertions import assert_mean
from lowerbound.data import Data
from lowerbound.dist import Categorical, Normal
from lowerbound.evaluation import independent_counts, reconstruct, sample
from lowerbound.objective import ELBO, IWAE, Penalty, Side

KEY = jax.random.key(0)


def linear():
    """x = 2 z + 1 + 0.5 e with an exact posterior: log p(x) is Normal(1, sqrt(4.25))."""
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z, b: Normal(2 * z + b, 0.5), b=jnp.ones(()))
    q = lb.Joint(z=lambda x, b, a: Normal(a * (x - b), math.sqrt(1 / 17)), a=jnp.asarray(8 / 17))
    return lb.VAE(p, q, key=KEY)


X = np.random.default_rng(0).normal(1, 2, 300).astype(np.float32)


@pytest.mark.parametrize("how", [ELBO(5, sampled=("z",)), IWAE(1), IWAE(40)], ids=lambda how: how.name)
def test_every_score_is_the_evidence_at_the_exact_posterior(how):
    """With the KL sampled each draw is log p(x); in closed form its two parts cancel only on average."""
    estimate = lb.evaluate(linear(), {"x": X}, how, key=KEY, progress=False)
    truth = stats.norm.logpdf(X, 1, math.sqrt(4.25))
    np.testing.assert_allclose(estimate.values, truth, atol=64 * np.finfo(np.float32).eps * np.abs(truth).max())
    assert estimate.side is Side.LOWER
    assert estimate.mean == pytest.approx(truth.mean(), abs=1e-5)
    assert estimate.standard_error == pytest.approx(estimate.values.std(ddof=1) / math.sqrt(300))


def test_scores_are_in_original_units():
    """The reported density of standardized data is that of the raw rows."""
    data = Data(x=X).standardize()
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z: Normal(z * 0.0, 1.0))
    vae = lb.VAE(p, lb.Joint(z=lambda x: Normal(0.0 * x, 1.0)), key=KEY)
    estimate = lb.evaluate(vae, data, ELBO(), key=KEY, progress=False)
    truth = stats.norm.logpdf(X, X.mean(dtype=np.float64), X.std(dtype=np.float64))
    np.testing.assert_allclose(estimate.values, truth, rtol=1e-5)


def test_an_estimate_says_what_it_is_of():
    data = Data(x=X).named("waves", split="test")
    estimate = lb.evaluate(linear(), data, IWAE(40), key=jax.random.key(7), progress=False)
    assert estimate.about["name"] == "waves"
    assert estimate.about["split"] == "test"
    assert estimate.about["rows"] == 300
    assert estimate.about["key"] == [0, 7]
    words = dict(estimate.rows())
    assert words["estimator"] == "IWAE-40"
    assert words["side"] == "lower bound in expectation"
    assert str(estimate).startswith("IWAE-40 -2.")
    assert "300 data" in str(estimate)
    assert "<table>" in estimate._repr_html_()


def test_one_draw_cannot_tell_its_error():
    estimate = lb.evaluate(linear(), {"x": X}, ELBO(), key=KEY, progress=False)
    assert math.isnan(estimate.monte_carlo_error)
    assert "Monte Carlo" not in str(estimate)


def test_a_penalized_objective_bounds_nothing():
    how = ELBO(3) + Penalty(lambda x: jnp.abs(x), weight=2.0)
    plain = lb.evaluate(linear(), {"x": X}, ELBO(3), key=KEY, progress=False)
    penalized = lb.evaluate(linear(), {"x": X}, how, key=KEY, progress=False)
    assert penalized.side is Side.NONE
    assert penalized.estimator == "ELBO with 1 penalty"
    np.testing.assert_allclose(penalized.values, plain.values - 2 * np.abs(X), rtol=1e-5, atol=1e-5)


def test_samples_have_the_models_moments():
    draws = sample(linear(), 40_000, key=KEY)
    assert set(draws) == {"z", "x"}
    assert_mean(draws["x"], 1.0, resolves=0.2)
    assert_mean((np.asarray(draws["x"]) - 1) ** 2, 4.25, resolves=0.6)
    assert_mean((np.asarray(draws["x"]) - 1) * np.asarray(draws["z"]), 2.0, resolves=0.3)


def test_reconstructions_are_means_given_draws_of_q():
    """E[2 z + 1 | x] = 1 + 16/17 (x - 1), spread by 2 sd(z | x) = 2 / sqrt(17)."""
    means = np.asarray(reconstruct(linear(), {"x": X}, key=KEY)["x"])
    scaled = (means - 1 - 16 / 17 * (X - 1)) * math.sqrt(17) / 2
    assert_mean(scaled, 0.0, resolves=0.7)
    assert_mean(scaled**2, 1.0, resolves=1.0)


def test_what_cannot_be_drawn_is_refused():
    p = lb.Joint(s=lb.Input(), z=Normal(0.0, 1.0), x=lambda z, s: Normal(z + s, 1.0))
    vae = lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY)
    with pytest.raises(ValueError) as caught:
        sample(vae, 3, key=KEY)
    assert str(caught.value) == (
        "p conditions on `s`, of which the model has no distribution, so it cannot be sampled."
    )
    p = lb.Joint(c=Categorical(logits=np.zeros(3, np.float32)), x=lambda c: Normal(1.0 * c, 1.0))
    with pytest.raises(ValueError) as caught:
        reconstruct(lb.VAE(p, key=KEY), {"x": X}, key=KEY)
    assert str(caught.value) == "`c` is summed out, so there is no value of it to reconstruct from."


def test_independent_entries_are_smoothed_frequencies():
    train, test = Data(x=np.array([[0, 1], [0, 2], [1, 2]], np.uint8)), Data(x=np.array([[0, 0]], np.uint8))
    estimate = independent_counts(train, test, "x", 3)
    assert estimate.values[0] == pytest.approx(math.log(2.5 / 4.5) + math.log(0.5 / 4.5))
    assert estimate.side is Side.EXACT
