"""A recipe: the same steps for other rows, from a file too, and the way back to raw units."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lowerbound.data import Data, Recipe

KEY = jax.random.key(3)
GREY = np.random.default_rng(0).integers(0, 256, (40, 6)).astype(np.uint8)
REAL = np.random.default_rng(1).normal(3.0, 10.0, (40, 3))
HOLES = np.where(np.random.default_rng(2).random((40, 3)) < 0.2, np.nan, REAL)

EXAMPLES = {
    "nothing": Data(x=REAL),
    "stochastic": Data(x=GREY).binarize("stochastic"),
    "fixed": Data(x=GREY).binarize("fixed", key=KEY),
    "threshold": Data(x=GREY / 255).binarize("threshold"),
    "dequantized": Data(x=GREY).dequantize().standardize(),
    "standardized twice": Data(x=REAL).standardize().scale(2.0).standardize(),
    "missing": Data(x=HOLES).missing().standardize("x"),
    "a marker": Data(x=np.where(np.isnan(HOLES), -999, HOLES)).missing(-999.0).standardize("x"),
    "two arrays": Data({"x": HOLES, "w": GREY, "y": np.arange(40)})
    .missing(names="x")
    .standardize("x")
    .binarize("stochastic", "w"),
    "outliers": Data(x=np.where(np.arange(120).reshape(40, 3) == 7, 1e9, REAL)).allow_outliers(),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recipe_survives_json_and_gives_the_same_bits(name):
    train = EXAMPLES[name].split(key=KEY, valid=0, test=5).train
    raw = {array: EXAMPLES[name][array] for array in train.recipe.arrays}
    if "missing" in name or "marker" in name:
        raw["x"] = HOLES if name == "missing" else np.where(np.isnan(HOLES), -999, HOLES)
    if name == "two arrays":
        raw["x"] = HOLES
    if name == "fixed":
        raw["x"] = GREY
    recipe = Recipe.from_json(json.loads(json.dumps(train.recipe.to_json(), allow_nan=False)))
    assert recipe.calls == train.recipe.calls or name in {
        "fixed",
        "missing",
        "two arrays",
    }  # keys and nan compare unequal
    here, there = train.like(raw).prepared(KEY), Data.following(recipe, raw).prepared(KEY)
    for array in here:
        np.testing.assert_array_equal(here[array], there[array])
    rows = {array: raw[array] for array in raw if not np.isnan(raw[array]).any()}
    one = {array: there[array] for array in rows}
    restored, again = recipe.restore(one), train.restore(one)
    for array in one:
        np.testing.assert_array_equal(restored[array], again[array])


@pytest.mark.parametrize("name", ["nothing", "standardized twice", "dequantized"])
def test_restoring_undoes_the_change_of_units(name):
    data = EXAMPLES[name]
    seen = data.prepared(KEY)["x"]
    raw = data.restore({"x": seen})["x"]
    if name == "dequantized":  # u is not known any more: the centre of the cell is within half a level
        assert np.abs(raw - GREY).max() <= 0.5 + 1e-3
    else:  # some ten rounded operations, on numbers up to the largest
        np.testing.assert_allclose(raw, REAL, atol=16 * np.finfo(np.float32).eps * np.abs(REAL).max(), rtol=0)


def test_bits_stay_bits():
    bits = EXAMPLES["stochastic"].prepared(KEY)["x"]
    np.testing.assert_array_equal(EXAMPLES["stochastic"].restore({"x": bits})["x"], bits)


def test_names_without_steps_pass_through():
    values = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(EXAMPLES["standardized twice"].restore({"z": values})["z"], values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: said.pop("calls"), "This is no recipe of data: KeyError('calls')."),
        (
            lambda said: said["calls"][0].update(method="__init__"),
            "This is no recipe of data: there is no step `__init__`.",
        ),
        (lambda said: said["calls"][0].update(positional=[3]), "This is no recipe of data: `standardize` is given 3."),
        (
            lambda said: said["calls"][0].update(keywords={"key": 1}),
            "This is no recipe of data: `standardize` is given other arguments.",
        ),
        (
            lambda said: said["calls"].pop(),
            "This is no recipe of data: its statistics are not those of what it standardizes.",
        ),
        (
            lambda said: said["statistics"]["x"][0].update(mean=[0.0]),
            "This is no recipe of data: the statistics of `x` do not fit its rows.",
        ),
        (
            lambda said: said["statistics"]["x"][0].update(rate=[1.0, 1.0, float("inf")]),
            "This is no recipe of data: the statistics of `x` do not fit its rows.",
        ),
    ],
)
def test_a_damaged_recipe_is_refused(change, message):
    said = Data(x=REAL).standardize().recipe.to_json()
    change(said)
    with pytest.raises(ValueError) as refusal:
        Recipe.from_json(said)
    assert str(refusal.value) == message


def test_only_keeps_arrays_with_their_masks_and_steps():
    data = EXAMPLES["two arrays"]
    kept = data.only("x")
    assert kept.names == ("x", "m")
    np.testing.assert_array_equal(kept.prepared(KEY)["x"], data.prepared(KEY)["x"])
    assert kept.description["steps"] == ["missing x, nan is not observed in m", "standardize x"]
    assert data.only("y").names == ("y",)
    np.testing.assert_array_equal(data[3:7].only("w").row_ids, [3, 4, 5, 6])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "`only` needs the names of the arrays to keep, out of `x`, `w`, `y`, `m`."),
        (("z",), "`z` is no array of this data, which has `x`, `w`, `y`, `m`."),
    ],
)
def test_only_refuses(names, message):
    with pytest.raises(ValueError) as refusal:
        EXAMPLES["two arrays"].only(*names)
    assert str(refusal.value) == message


def test_only_refuses_to_part_what_shares_a_mask():
    data = Data(a=HOLES, b=HOLES).missing(names=["a", "b"])
    with pytest.raises(ValueError) as refusal:
        data.only("a")
    assert str(refusal.value) == "`b` shares its mask with `a`. Keep `b` too."


def test_a_file_becomes_data(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text("height,width,species\n1.5,2,setosa\n2.5,,virginica\n3.5,4,\n")
    data = Data.read(path, labels="species")
    assert repr(data) == "Data(flowers.csv, 3 rows: x float64 (2,), y int64 ())"
    assert data.columns("x") == ("height", "width")
    assert data.classes == ("setosa", "virginica")
    np.testing.assert_array_equal(data["y"], [0, 1, -1])
    with pytest.raises(ValueError) as refusal:
        data.prepared(KEY)
    assert str(refusal.value) == (
        "`x` is nan in row 1, column 1 (`width`); 1 of its 6 entries are not finite. If they are missing, say so "
        "first: `.missing()`, `--missing nan` in the command line; else correct or drop those rows."
    )


def test_rows_are_shaped_and_stay_mapped(tmp_path):
    np.save(tmp_path / "flat.npy", GREY)
    data = Data.read(tmp_path / "flat.npy", "picture", shape=(2, 3))
    assert data["picture"].shape == (40, 2, 3)
    assert data["picture"].dtype == np.uint8
    base = data["picture"]
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError) as refusal:
        Data.read(tmp_path / "flat.npy", shape=(4, 2))
    assert str(refusal.value) == "`shape` is (4, 2), which is 8 numbers, but a row of `x` has shape (6,), which is 6."
