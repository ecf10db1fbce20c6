"""Scores carry what they depend on."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import lowerbound as lb
from lowerbound.data import Data
from lowerbound.dist import Normal
from lowerbound.evaluation._rows import one_data
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


X_SETS = [Data(x=X), Data(x=X[:10])]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            X_SETS,
            "`data` is a list of 2 data sets, but `evaluate` takes one `Data` or a mapping of arrays by name. Call it "
            "for each of them: `[evaluate(vae, each, ...) for each in data]`.",
        ),
        (
            X,
            "`data` is an array of shape (300,), but `evaluate` takes one `Data` or a mapping of arrays by name. "
            'Write `{"x": ...}`.',
        ),
        (
            [1.0, 2.0],
            "`data` is of type list, but `evaluate` takes one `Data` or a mapping of arrays by name. "
            'Write `{"x": ...}`.',
        ),
        (
            None,
            '`data` is None, but `evaluate` takes one `Data` or a mapping of arrays by name. Write `{"x": ...}`.',
        ),
    ],
    ids=["data sets", "array", "numbers", "None"],
)
def test_what_is_no_data_is_refused(data, message):
    """By the check behind the public verb, in front of which this test run checks the types already."""
    with pytest.raises(TypeError) as caught:
        one_data(linear(), data, "evaluate")
    assert str(caught.value) == message


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError) as caught:
        one_data({"vae": 1}, Data(x=X), "evaluate")
    assert str(caught.value) == "`vae` is of type dict; a `VAE` was needed, such as `run.vae`."
