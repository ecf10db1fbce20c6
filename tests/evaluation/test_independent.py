"""Each entry on its own: against SciPy's densities at statistics worked out entry by entry."""

import math

import jax
import numpy as np
import pytest
from scipy import stats

from lowerbound.data import Data, digits
from lowerbound.evaluation import _independent, independent
from lowerbound.objective import Side

KEY = jax.random.key(0)


def categorical(train: np.ndarray, test: np.ndarray, levels: int) -> np.ndarray:
    frequencies = [(np.sum(train == level) + 0.5) / (len(train) + levels / 2) for level in range(levels)]
    return np.log(frequencies)[test.astype(int)]


def counts(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    mean, variance = (train.sum() + 0.5) / len(train), train.astype(float).var()
    if variance <= mean:
        return stats.poisson.logpmf(test, mean)
    return stats.nbinom.logpmf(test, mean**2 / (variance - mean), mean / variance)


def cells(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    law = stats.norm(train.mean(), math.sqrt(max(train.var(), 1 / 12)))
    return np.log(law.cdf(test + 0.5) - law.cdf(test - 0.5))


def normal(train: np.ndarray, test: np.ndarray, floor: float) -> np.ndarray:
    return stats.norm.logpdf(test, train.mean(), train.std() if np.ptp(train) else floor)


def reals(rng: np.random.Generator) -> np.ndarray:
    """The last entry is constant."""
    return np.concatenate([rng.normal(size=(90, 3)) * [1, 10, 0.1] + [0, 100, 3], np.full((90, 1), 0.1)], axis=1)


#: Rows, how one entry is scored, and what is said of the family.
CASES = {
    "bits": (lambda rng: rng.random((90, 4)) < [0, 0.2, 0.5, 1], lambda a, b: categorical(a, b, 2), "Bernoulli"),
    "bits as floats": (
        lambda rng: (rng.random((90, 4)) < 0.3).astype(np.float32),
        lambda a, b: categorical(a, b, 2),
        "Bernoulli",
    ),
    "levels": (
        lambda rng: np.append(rng.integers(0, 7, (89, 4)), [[6, 0, 6, 0]], axis=0),
        lambda a, b: categorical(a, b, 7),
        "categorical, 7 levels",
    ),
    "bytes": (
        lambda rng: np.append(rng.integers(0, 250, (89, 4)), [[255, 0, 6, 0]], axis=0).astype(np.uint8),
        lambda a, b: categorical(a, b, 256),
        "categorical, 256 levels",
    ),
    "counts": (
        lambda rng: np.stack(
            [
                rng.negative_binomial(2, 0.01, 90),
                rng.poisson(3, 90),
                np.append(rng.negative_binomial(1, 0.2, 89), 400),
                np.zeros(90, int),
            ],
            axis=1,
        ),
        counts,
        "negative binomial, or Poisson where the variance is no larger than the mean",
    ),
    "whole numbers": (
        lambda rng: np.stack([rng.integers(-5, 6, 90), rng.integers(0, 900, 90), np.full(90, -3)], axis=1),
        cells,
        "normal, integrated over the cell of each integer",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("masked", [False, True])
def test_families_are_fitted_entry_by_entry(case, masked):
    """With 40 rows to score; missing entries are left out of both parts. Rounding of some thousand terms of float64."""
    make, score, words = CASES[case]
    rows = make(np.random.default_rng(1))
    seen = np.ones(rows.shape, bool)
    if masked and rows.dtype != bool:
        seen = np.random.default_rng(2).random(rows.shape) < 0.8
        seen[-1] = True
        rows = np.where(seen, rows, 77.0 if case != "bits as floats" else 3.0).astype(rows.dtype)
    data = Data(x=rows)
    data = data.missing(float(rows[~seen][0]), names="x") if (~seen).any() else data
    if (~seen).any():
        seen = data["m"]
    train, test = data[:50], data[50:]
    estimate = independent(train, test, "x", key=KEY)
    expected = np.zeros(40)
    for column in range(rows.shape[1]):
        here, there = seen[:50, column], seen[50:, column]
        expected[there] += score(rows[:50, column][here], rows[50:, column][there])
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-10, atol=1e-10)
    assert estimate.about["families"] == {"x": words}
    assert estimate.about["rows"] == 40
    assert (estimate.side, estimate.monte_carlo_error, estimate.estimator) == (Side.EXACT, 0.0, "independent entries")


@pytest.mark.parametrize("masked", [False, True])
def test_reals_are_normal_with_a_deviation_for_constants(masked):
    rows = reals(np.random.default_rng(3))
    seen = np.random.default_rng(4).random(rows.shape) < 0.7 if masked else np.ones(rows.shape, bool)
    data = Data(x=np.where(seen, rows, np.nan)).missing() if masked else Data(x=rows)
    estimate = independent(data[:50], data[50:], ["x"], key=KEY)
    columns = [rows[:50, c][seen[:50, c]] for c in range(4)]
    floor = 1e-3 * math.sqrt(np.mean([np.ptp(c) and c.var() for c in columns]))
    expected = np.zeros(40)
    for c, column in enumerate(columns):
        there = seen[50:, c]
        expected[there] += normal(column, rows[50:, c][there], floor)
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-10)
    assert estimate.about["families"] == {"x": f"normal, standard deviation {floor:.4g} where a column is constant"}


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_a_column_s_unit_moves_its_own_score_alone(unit):
    """In units c times as small, values are c times as large, and a density is 1 / c of what it was."""
    rows = np.random.default_rng(3).normal(size=(90, 3)) * [3e4, 0.01, 1.0]
    other = rows * [1, unit, 1]
    scores = [independent(Data(x=x)[:50], Data(x=x)[50:], "x", key=KEY).values for x in (rows, other)]
    np.testing.assert_allclose(scores[1], scores[0] - math.log(unit), rtol=1e-10)


def test_the_pixels_of_a_picture_share_their_unit():
    """A pixel that no training row lights up is given the variance of one more row, like the others'."""
    rng = np.random.default_rng(5)
    pictures = rng.normal(size=(60, 2, 2)) * [[1.0, 2.0], [0.5, 0.0]]
    pictures[55, 1, 1] = 1.0  # lit in one test row
    estimate = independent(Data(x=pictures)[:50], Data(x=pictures)[50:], "x", key=KEY)
    train, test = pictures[:50].reshape(50, 4), pictures[50:].reshape(10, 4)
    typical = train.var(axis=0).mean()
    scale = np.sqrt((50 * train.var(axis=0) + typical) / 51)
    expected = stats.norm.logpdf(test, train.mean(axis=0), scale).sum(axis=1)
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-10)


def test_a_model_s_density_is_compared_with_a_density():
    bits = (np.random.default_rng(6).random((90, 3)) < 0.4).astype(np.uint8)
    estimate = independent(Data(x=bits)[:50], Data(x=bits)[50:], "x", key=KEY, densities=["x"])
    train, test = bits[:50].astype(float), bits[50:].astype(float)
    expected = stats.norm.logpdf(test, train.mean(axis=0), train.std(axis=0)).sum(axis=1)
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-10)


def test_densities_are_in_the_raw_rows_units():
    """Whatever the steps are: standardized, scaled or dequantized."""
    rows = reals(np.random.default_rng(3))
    plain, standard = Data(x=rows), Data(x=rows).standardize().scale(3.0)
    np.testing.assert_array_equal(
        independent(plain[:50], plain[50:], "x", key=KEY).values,
        independent(standard[:50], standard[50:], "x", key=KEY).values,
    )
    grey = np.random.default_rng(3).integers(0, 256, (90, 4), np.uint8)
    plain, spread = Data(x=grey), Data(x=grey).dequantize()
    np.testing.assert_array_equal(
        independent(plain[:50], plain[50:], "x", key=KEY).values,
        independent(spread[:50], spread[50:], "x", key=KEY).values,
    )


@pytest.mark.parametrize("how", ["stochastic", "threshold", "fixed"])
def test_what_is_binarised_is_scored_as_the_bits_of_the_key(how, monkeypatch):
    monkeypatch.setattr(_independent, "BLOCK_ROWS", 16)
    grey = Data(x=np.random.default_rng(3).integers(0, 256, (90, 4), np.uint8))
    data = grey.binarize(how, key=KEY) if how == "fixed" else grey.binarize(how)
    key = jax.random.key(9)
    estimate = independent(data[:50], data[50:], "x", key=key)
    train, test = (np.asarray(part.prepared(key)["x"]) for part in (data[:50], data[50:]))
    expected = sum(categorical(train[:, c], test[:, c], 2) for c in range(4))
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-12)
    assert estimate.about["families"] == {"x": "Bernoulli"}
    assert estimate.about["key"] == [0, 9]


@pytest.mark.parametrize("case", CASES)
def test_blocks_of_columns_change_nothing(case, monkeypatch):
    rows = Data(x=CASES[case][0](np.random.default_rng(1)))
    whole = independent(rows[:50], rows[50:], "x", key=KEY).values
    monkeypatch.setattr(_independent, "BLOCK_ENTRIES", 1)
    np.testing.assert_allclose(independent(rows[:50], rows[50:], "x", key=KEY).values, whole, rtol=1e-13)


def test_several_arrays_are_summed():
    rng = np.random.default_rng(0)
    data = Data(x=rng.integers(0, 9, (90, 2, 3)), y=rng.normal(size=90))
    train, test = data[:50], data[50:]
    both = independent(train, test, ("x", "y"), key=KEY)
    parts = [independent(train, test, name, key=KEY) for name in "xy"]
    np.testing.assert_allclose(both.values, parts[0].values + parts[1].values, rtol=1e-13)
    assert both.about["families"] == {**parts[0].about["families"], **parts[1].about["families"]}


def test_levels_that_no_row_shows_can_be_declared():
    train, test = Data(x=np.array([[0, 1], [0, 2], [1, 2]], np.uint8)), Data(x=np.array([[0, 0]], np.uint8))
    estimate = independent(train, test, "x", key=KEY, levels={"x": 4})
    assert estimate.values[0] == pytest.approx(math.log(2.5 / 5) + math.log(0.5 / 5))


def test_counts_far_beyond_their_fit_have_a_finite_score():
    """A column without any count in training, one nearly Poisson, and an integer 10^4 deviations off."""
    train, test = np.zeros((90, 2), int), np.array([[0, 0], [3, 300]])
    train[:, 1] = np.random.default_rng(0).poisson(280, 90)
    assert np.isfinite(independent(Data(x=train), Data(x=test), "x", key=KEY).values).all()
    far = independent(Data(x=np.array([-1, 0, 1])), Data(x=np.array([8000, 0])), "x", key=KEY)
    scale = math.sqrt(2 / 3)  # Φ(-a) is φ(a) / a, but for a part of 1 / a²
    a = 7999.5 / scale
    assert far.values[0] == pytest.approx(stats.norm.logpdf(a) - math.log(a), rel=1e-7)


def test_the_digits_have_the_number_that_is_printed_for_them():
    """-106.32 nats, with the split of seed 0."""
    split = digits().split(key=jax.random.split(jax.random.key(0), 4)[0], valid=0.1, test=0.1)
    estimate = independent(split.train, split.test, "x", key=KEY, levels={"x": 17})
    expected = sum(categorical(split.train["x"][:, c], split.test["x"][:, c], 17) for c in range(64))
    np.testing.assert_allclose(estimate.values, expected, rtol=1e-12)
    assert round(estimate.mean, 2) == -106.32


BYTES = Data(x=np.arange(12, dtype=np.uint8).reshape(4, 3), y=np.zeros(4))
HOLES = Data(x=np.array([[np.nan, 1.5], [np.nan, 2.5], [3.0, 1.0]])).missing()


@pytest.mark.parametrize(
    ("train", "test", "names", "levels", "message"),
    [
        (BYTES, BYTES, "z", {}, "`z` is no array of `train`, which has `x`, `y`."),
        (BYTES, Data(xs=np.zeros(3)), "x", {}, "`x` is no array of `test`, which has `xs`. Did you mean `xs`?"),
        (BYTES, BYTES, (), {}, "`names` is empty; the name of at least one array was needed."),
        (BYTES, BYTES, ("x", "x"), {}, "`names` has `x` twice."),
        (HOLES, HOLES, "m", {}, "`m` is a mask, which tells what is missing and is not scored. Leave it out."),
        (
            HOLES[:2],
            HOLES[2:],
            "x",
            {},
            "`x` has no observed entry in column 0 of the 2 training rows, so nothing can be fitted to it. Drop that "
            "column.",
        ),
        (
            BYTES,
            Data(x=np.zeros((4, 2))),
            "x",
            {},
            "`x` has rows of shape (3,) in `train`, but (2,) in `test`.",
        ),
        (
            BYTES.binarize("threshold", "x"),
            BYTES,
            "x",
            {},
            "`x` goes through other steps in `train` than in `test`. Take `test` from `train.like(...)` or from the "
            "same split.",
        ),
        (
            BYTES,
            BYTES,
            "x",
            {"x": 11},
            "`levels` says that `x` is 0 to 10, but its values are 0 to 11. Leave it out, or give it as many levels.",
        ),
        (BYTES, BYTES, "x", {"y": 2}, "`levels` names `y`, which is not among `names`."),
    ],
)
def test_what_cannot_be_scored_is_refused(train, test, names, levels, message):
    with pytest.raises(ValueError) as caught:
        independent(train, test, names, key=KEY, levels=levels)
    assert str(caught.value) == message
