"""What a row becomes on the device, and how its density changes."""

import math
from statistics import NormalDist

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from lowerbound.data import Data

EPS = float(np.finfo(np.float32).eps)


@pytest.fixture
def key():
    return jax.random.key(0)


def row_of(data: Data, index: int = 0) -> dict:
    return {name: jnp.asarray(rows[index]) for name, rows in data.arrays.items()}


def row_key(key, step: int, row_id: int):
    return jax.random.fold_in(jax.random.fold_in(key, step), row_id)


@pytest.fixture(scope="module")
def everything() -> Data:
    """Rows with each kind of step."""
    rng = np.random.default_rng(0)
    gaps = rng.normal(3, 2, (50, 3))
    gaps[rng.random((50, 3)) < 0.2] = np.nan
    data = Data(
        bits=rng.integers(0, 256, (50, 7), dtype=np.uint8),
        cells=rng.integers(0, 16, (50, 5), dtype=np.uint8),
        gaps=gaps,
        plain=rng.normal(size=50).astype(np.float32),
    )
    data = data.missing(names="gaps").standardize("gaps").binarize("stochastic", "bits")
    return data.dequantize("cells", levels=16).scale(0.5, "cells").standardize("cells")


# What passes through.


def test_plain_floats_pass_through(key):
    transform = Data(x=np.ones((3, 2), np.float32)).transform
    row = {"x": jnp.arange(2.0)}
    assert transform(row, key)["x"] is row["x"]


@pytest.mark.parametrize(
    ("came", "becomes"),
    [("uint8", "int32"), ("int16", "int32"), ("float16", "float32"), ("bool", "bool"), ("int64", "int32")],
)
def test_narrow_types_are_widened_on_the_device_only(key, came, becomes):
    data = Data(x=np.array([0, 1], came))
    assert data["x"].dtype == came
    assert data.prepared(key)["x"].dtype == becomes


def test_a_byte_minus_one_does_not_wrap(key):
    assert (Data(x=np.zeros(3, np.uint8)).prepared(key)["x"] - 1).tolist() == [-1, -1, -1]


def test_the_transform_is_a_pytree_of_its_statistics_and_traces_once(key):
    data = Data(x=np.random.default_rng(0).normal(size=(10, 3))).standardize()
    assert [leaf.shape for leaf in jax.tree.leaves(data.transform)] == [(3,), (3,)]
    traces = []

    @jax.jit
    def run(transform, row):
        traces.append(1)
        return transform(row, key)

    run(data.transform, row_of(data))
    run((data[:5].like(x=np.ones((2, 3)))).transform, row_of(data, 1))
    assert len(traces) == 1


# Draws.


def test_a_draw_is_one_with_the_probability_of_its_grey_level(key):
    """z-test of each grey level's mean over rows; right code fails once in 10^6."""
    greys = np.array([0, 1, 64, 128, 254, 255], np.uint8)
    num = 20_000
    draws = np.asarray(Data(x=np.tile(greys, (num, 1))).binarize("stochastic").prepared(key)["x"], np.float64)
    assert set(np.unique(draws)) == {0.0, 1.0}
    z = NormalDist().inv_cdf(1 - 1e-6 / len(greys) / 2)
    grey = greys / 255
    standard_error = np.sqrt(grey * (1 - grey) / num)  # of the law: at 1 in 255 the sample's own is too rough
    assert np.all(np.abs(draws.mean(axis=0) - grey) <= z * standard_error)
    assert 2 * z * standard_error.max() <= 0.04  # greys out of place by an eighth would show


def test_fixed_draws_have_the_probability_of_the_grey_level(key):
    num = 20_000
    data = Data(x=np.full(num, 0.3)).binarize("fixed", key=key)
    z = NormalDist().inv_cdf(1 - 1e-6 / 2)
    assert abs(data["x"].mean() - 0.3) <= z * math.sqrt(0.3 * 0.7 / num)


def test_draws_depend_on_key_step_and_row_alone(everything, key):
    data = everything
    run = jax.jit(lambda transform, row, key: transform(row, key))
    row = row_of(data, 4)
    first = run(data.transform, row, row_key(key, 0, 4))
    again = run(data.transform, row, row_key(key, 0, 4))
    prepared = data.prepared(key)
    for name in data.names:
        assert np.array_equal(first[name], again[name])
        assert np.array_equal(first[name], prepared[name][4])
    for other in (row_key(key, 1, 4), row_key(key, 0, 5), row_key(jax.random.key(1), 0, 4)):
        assert not np.array_equal(first["cells"], run(data.transform, row, other)["cells"])


def test_two_arrays_have_draws_of_their_own(key):
    rows = np.full((1, 1000), 0.5)
    prepared = Data(a=rows, b=rows).binarize("stochastic", "a", "b").prepared(key)
    assert not np.array_equal(prepared["a"], prepared["b"])


def test_a_step_on_one_array_leaves_the_draws_of_another(key):
    rows = np.full((4, 100), 0.5)
    alone = Data(b=rows).binarize("stochastic").prepared(key)["b"]
    data = Data(a=rows, b=rows).scale(2.0, "a").binarize("stochastic", "b")
    assert np.array_equal(data.prepared(key)["b"], alone)


@pytest.mark.parametrize("index", [slice(10, 13), np.arange(50) % 7 == 2])
def test_neighbours_change_nothing(everything, key, index):
    """Bitwise: a row is the same datum in whatever company, draws and statistics included."""
    data = everything
    whole, part = data.prepared(key), data[index].prepared(key)
    for name in data.names:
        assert np.array_equal(whole[name][np.arange(50)[index]], part[name])


def test_parts_of_a_split_keep_the_draws_of_the_whole(key):
    data = Data(x=np.random.default_rng(0).random((30, 4))).binarize("stochastic")
    whole = data.prepared(key)["x"]
    for part in data.split(key=key, valid=10, test=10):
        assert np.array_equal(part.prepared(key)["x"], whole[part.row_ids])


# Binarization without draws.


def test_threshold_is_at_half(key):
    data = Data(x=np.array([0, 127, 128, 255], np.uint8)).binarize("threshold")
    assert data.prepared(key)["x"].tolist() == [0, 0, 1, 1]
    data = Data(x=np.array([0.0, 0.49, 0.5, 1.0])).binarize("threshold")
    assert data.prepared(key)["x"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (np.array([0, 1, 1], np.uint8), None),  # bits that came as bytes
        (np.array([0, 16, 16], np.uint8), None),
        (np.array([0, 255, 255], np.uint8), None),
        (np.array([0, 7, 7]), None),
        (np.array([0, 255.0, 255.0]), 256),
        (np.array([False, True, True]), None),
    ],
)
def test_the_top_level_is_white(key, values, levels):
    data = Data(x=values).binarize("stochastic", levels=levels)
    assert data.prepared(key)["x"].tolist() == [0, 1, 1]
    assert data.prepared(key)["x"].dtype == jnp.float32


def test_fixed_bits_are_stored_and_the_same_for_every_key(key):
    data = Data(x=np.full((20, 5), 0.5)).binarize("fixed", key=key)
    assert data["x"].dtype == np.uint8
    assert np.array_equal(data.prepared(jax.random.key(1))["x"], data["x"])
    assert data.prepared(key)["x"].dtype == jnp.float32
    other = Data(x=np.full((20, 5), 0.5)).binarize("fixed", key=jax.random.key(1))
    assert data.fingerprint != other.fingerprint


def test_binarized_data_has_no_jacobian():
    data = Data(x=np.full((2, 3), 0.5)).binarize("stochastic")
    assert data.transform.log_det(row_of(data))["x"] == 0


# Dequantization.


def test_dequantized_integers_lie_in_their_cells(key):
    values = np.arange(256, dtype=np.uint8)
    cells = np.asarray(Data(x=np.tile(values, (200, 1))).dequantize().prepared(key)["x"])
    assert cells.min() >= 0
    assert cells.max() < 1
    assert np.all(cells * 256 >= values)
    assert np.all(cells * 256 <= values.astype(int) + 1)  # where x + u rounds up, it is to the border


def test_no_draw_rounds_up_to_one():
    """255 + (1 - 2^-24) is 256 in float32; the support of many likelihoods ends before 1."""
    step = Data(x=np.array([255], np.uint8)).dequantize().transform.steps["x"][0]
    with jax.numpy_rank_promotion("raise"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.random, "uniform", lambda key, shape, dtype: jnp.full(shape, 1 - 2**-24, dtype))
        assert step(jnp.array(255.0), jax.random.key(0)) < 1


def test_a_uniform_density_of_dequantized_data_integrates_to_one(key):
    """U(0, 1) of (x + u) / levels is a density of 1 / levels over the levels' original range."""
    data = Data(x=np.arange(5)).dequantize(levels=5)
    log_density = float(data.transform.log_det(row_of(data))["x"])  # log U(0, 1) is 0
    total, _ = integrate.quad(lambda _: math.exp(log_density), 0, 5)
    assert total == pytest.approx(1, rel=4 * EPS)


# Standardization.


def log_density_in_original_units(data: Data, index: int, key) -> float:
    row = row_of(data, index)
    standard = jax.scipy.stats.norm.logpdf(data.transform(row, key)["x"]).sum()
    return float(standard + data.transform.log_det(row)["x"])


def test_density_of_standardized_data_is_reported_in_original_units(key):
    """N(0, 1) of the standardized row and its log-determinant are SciPy's N(mean, sd) of the raw one."""
    rows = np.random.default_rng(0).normal([10, -3, 0.1], [50, 2, 0.01], (200, 3))
    data = Data(x=rows).standardize()
    expected = stats.norm.logpdf(rows[7], rows.mean(axis=0), rows.std(axis=0)).sum()
    terms = np.abs(stats.norm.logpdf(rows[7], rows.mean(axis=0), rows.std(axis=0))).sum() + 3 * math.log(50)
    rounding = 64 * EPS  # some sixty rounded operations, times the size of the terms
    assert abs(log_density_in_original_units(data, 7, key) - expected) <= rounding * terms


def test_three_pixels_cost_twelve_nats(key):
    """Standardized, this datum's density is -8.88 nats; in the units of its pixels it is -20.61."""
    deviation = math.exp((20.61 - 8.88) / 3)  # about 50 grey levels
    distance = math.sqrt((2 * 8.88 - 3 * math.log(2 * math.pi)) / 3)
    data = Data(x=128 + deviation * np.array([[-1.0] * 3, [1.0] * 3])).standardize()
    datum = data.like(x=np.full((1, 3), 128 + deviation * distance))
    assert float(jax.scipy.stats.norm.logpdf(datum.prepared(key)["x"]).sum()) == pytest.approx(-8.88, abs=1e-4)
    assert log_density_in_original_units(datum, 0, key) == pytest.approx(-20.61, abs=1e-4)


def test_log_det_is_that_of_the_jacobian(everything, key):
    """For each array, against the determinant that automatic differentiation finds."""
    data = everything
    row = row_of(data, 3)
    log_det = data.transform.log_det(row)
    assert set(log_det) == set(data.names)
    cells = row | {"cells": row["cells"].astype(jnp.float32)}
    for name, at in (("cells", cells), ("plain", row)):
        jacobian = jax.jacobian(lambda value, at=at, name=name: data.transform(at | {name: value}, key)[name])(at[name])
        expected = np.linalg.slogdet(np.atleast_2d(np.asarray(jacobian, np.float64)))[1]
        assert log_det[name] == pytest.approx(expected, rel=64 * EPS)


def test_scale_has_its_log_det(key):
    data = Data(x=np.full((2, 3), 4, np.uint8)).scale(-0.5)
    assert data.prepared(key)["x"].tolist() == [[-2.0] * 3] * 2
    assert float(data.transform.log_det(row_of(data))["x"]) == pytest.approx(3 * math.log(0.5), rel=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e6, 0])
def test_a_constant_column_keeps_its_scale(key, value):
    """By comparison of its values: the float64 mean of many 0.1 is not 0.1."""
    rows = np.random.default_rng(0).normal(size=(77, 2))
    rows[:, 1] = value
    data = Data(x=rows).standardize()
    assert np.all(data.prepared(key)["x"][:, 1] == 0)
    expected = -math.log(rows[:, 0].std())
    assert float(data.transform.log_det(row_of(data))["x"]) == pytest.approx(expected, rel=1e-6)


def test_standardized_columns_after_other_steps_have_mean_0_and_deviation_1(key):
    """The statistics of dequantized and scaled cells are known in closed form; z-test over 2000 rows."""
    rows = np.random.default_rng(0).integers(0, 256, (2000, 3), dtype=np.uint8)
    data = Data(x=rows).dequantize().scale(-3.0).standardize()
    standard = np.asarray(data.prepared(key)["x"], np.float64)
    # The cells' means are exact; what is left is the mean of u, of deviation 1/sqrt(12) in 74 grey levels.
    z = NormalDist().inv_cdf(1 - 1e-6 / 12)
    error = z * math.sqrt(1 / 12 / 2000) / rows.std(axis=0)
    assert np.all(np.abs(standard.mean(axis=0)) <= error)
    assert np.all(np.abs(standard.std(axis=0) - 1) <= 2 * error)


def test_statistics_are_of_the_training_rows(key):
    rows = np.random.default_rng(0).normal(size=(100, 2))
    splits = Data(x=rows).standardize().split(key=key, valid=0.2, test=0.2)
    train = rows[splits.train.row_ids]
    step = splits.test.transform.steps["x"][0]
    assert np.asarray(step.mean) == pytest.approx(train.mean(axis=0), rel=1e-5)
    assert 1 / np.asarray(step.rate) == pytest.approx(train.std(axis=0), rel=1e-5)
    assert eqx.tree_equal(splits.train.transform, splits.valid.transform, splits.test.transform)


def test_statistics_do_not_depend_on_what_was_looked_at_before(key):
    rows = np.random.default_rng(0).normal(size=(100, 2))
    data = Data(x=rows).standardize()
    unseen = data.split(key=key).train.transform
    data.prepared(key)
    data[:3].prepared(key)
    assert eqx.tree_equal(data.split(key=key).train.transform, unseen)


def test_a_split_of_taken_rows_fits_anew(key):
    rows = np.random.default_rng(0).normal(size=(100, 2))
    train = Data(x=rows).standardize()[:40].split(key=key).train
    expected = rows[train.row_ids].mean(axis=0)
    assert np.asarray(train.transform.steps["x"][0].mean) == pytest.approx(expected, rel=1e-5)


def test_a_second_split_keeps_the_statistics_of_the_first(key):
    train = Data(x=np.random.default_rng(0).normal(size=(100, 2))).standardize().split(key=key).train
    assert eqx.tree_equal(train.split(key=key).test.transform, train.transform)


# Missing entries.


def test_missing_entries_stay_zero_and_are_not_counted(key):
    rows = np.random.default_rng(0).normal(5, 2, (50, 3))
    gaps = np.random.default_rng(1).random((50, 3)) < 0.3
    rows[gaps] = np.nan
    data = Data(x=rows).missing().standardize()
    prepared = data.prepared(key)
    assert np.array_equal(prepared["m"], ~gaps)
    assert np.all(np.asarray(prepared["x"])[gaps] == 0)
    expected = (rows - np.nanmean(rows, axis=0)) / np.nanstd(rows, axis=0)
    assert np.asarray(prepared["x"])[~gaps] == pytest.approx(expected[~gaps], abs=1e-5)
    for index in range(5):
        log_det = -np.log(np.nanstd(rows, axis=0))[~gaps[index]].sum()
        assert float(data.transform.log_det(row_of(data, index))["x"]) == pytest.approx(log_det, rel=1e-5, abs=1e-6)


def test_missing_cells_are_neither_spread_nor_counted(key):
    data = Data(x=np.array([[3, 99], [99, 2]], np.uint8)).missing(99).dequantize(levels=4)
    prepared = np.asarray(data.prepared(key)["x"])
    assert prepared[0, 1] == 0
    assert prepared[1, 0] == 0
    assert np.floor(prepared * 4).tolist() == [[3, 0], [0, 2]]
    assert float(data.transform.log_det(row_of(data))["x"]) == pytest.approx(-math.log(4), rel=1e-6)


def test_masks_of_several_arrays_are_one_vector_in_order(key):
    nan = np.nan
    data = Data({"age (y)": [30.0, nan], "b": [[[1.0, nan]], [[nan, 2.0]]], "y": [0, 1]})
    data = data.missing(mask="seen", names=["b", "age (y)"]).standardize("age (y)")
    assert data.names == ("age (y)", "b", "y", "seen")
    assert data["seen"].tolist() == [[True, False, True], [False, True, False]]
    prepared = data.prepared(key)
    assert prepared["age (y)"].tolist() == [0, 0]
    assert prepared["b"].tolist() == [[[1, 0]], [[0, 2]]]
