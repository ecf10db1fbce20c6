"""Data holds rows, takes rows, and says what it is."""

import json

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.data import Data, Splits, as_data


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return Data(x=rng.integers(0, 256, (20, 4), dtype=np.uint8), y=np.arange(20))


# Holding.


def test_arrays_keep_their_type():
    came = {"a": np.zeros(2, np.uint8), "b": np.zeros(2), "c": np.zeros(2, np.int64), "d": np.zeros(2, bool)}
    kept = Data(came).arrays
    assert {name: rows.dtype for name, rows in kept.items()} == {name: rows.dtype for name, rows in came.items()}


def test_names_that_are_no_identifiers_go_through_the_mapping():
    data = Data({"age (y)": [30.0, 40.0]}, self=[1, 2], arrays=[3, 4])
    assert data.names == ("age (y)", "self", "arrays")
    assert len(data) == 2
    assert "age (y)" in data
    assert "age" not in data


@pytest.mark.parametrize("rows", [[[1.0, 2.0]], ((1.0, 2.0),), np.array([[1.0, 2.0]]), jax.numpy.array([[1.0, 2.0]])])
def test_anything_that_numpy_takes_is_taken(rows):
    assert Data(x=rows)["x"].tolist() == [[1.0, 2.0]]


def test_columns_of_data_frames_are_taken():
    class Column:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0])

    assert Data(x=Column())["x"].tolist() == [1.0, 2.0]


def test_foreign_byte_order_is_made_native(key):
    data = Data(x=np.array([1.0, 2.0], ">f4"))
    assert data.prepared(key)["x"].tolist() == [1.0, 2.0]


def test_data_does_not_change_with_what_it_was_made_of():
    rows = np.zeros(3)
    data = Data(x=rows)
    rows[0] = 1
    assert data["x"].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        data["x"][0] = 1
    with pytest.raises(AttributeError, match="does not change"):
        data.name = "y"


def test_steps_make_new_data(data):
    data.binarize("stochastic", "x").named("mnist")
    assert repr(data) == "Data(20 rows: x uint8 (4,), y int64 ())"


def test_as_data_takes_both(data):
    assert as_data(data) is data
    assert as_data({"x": [1.0]})["x"].tolist() == [1.0]


# Taking rows.


@pytest.mark.parametrize(
    "index", [slice(5, 9), slice(None, None, -3), [3, 3, 1], np.arange(20) % 2 == 0, np.array([-1])]
)
def test_rows_keep_their_identity(data, index):
    part = data[index]
    assert part.row_ids.dtype == np.int64
    assert part.row_ids.tolist() == np.arange(20)[index].tolist()
    assert np.array_equal(part["x"], data["x"][index])
    assert part[:1].row_ids[0] == part.row_ids[0]


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 40), st.integers(0, 2**32 - 1), st.floats(0, 0.4), st.floats(0, 0.4))
def test_a_split_partitions_the_rows(num, seed, valid, test):
    data = Data(x=np.arange(num))
    if 0 in (round(valid * num), round(test * num)):
        valid = test = 1
    splits = data.split(key=jax.random.key(seed), valid=valid, test=test)
    assert sorted(np.concatenate([part.row_ids for part in splits]).tolist()) == list(range(num))
    assert all(part["x"].tolist() == part.row_ids.tolist() for part in splits)


def test_a_split_has_the_sizes_that_were_asked_for(data, key):
    assert [len(part) for part in data.split(key=key)] == [16, 2, 2]
    assert [len(part) for part in data.split(key=key, valid=5, test=0.25)] == [10, 5, 5]


def test_a_part_that_is_not_asked_for_is_none(data, key):
    splits = data.split(key=key, valid=0)
    assert isinstance(splits, Splits)
    assert splits.valid is None
    assert len(splits.test) == 2
    assert data.split(key=key, valid=0, test=0)[1:] == (None, None)


def test_a_split_is_decided_by_its_key(data, key):
    first, again, other = (data.split(key=k).train.row_ids.tolist() for k in (key, key, jax.random.key(1)))
    assert first == again
    assert first != other


def test_rows_and_row_ids_follow_through_two_splits(data, key):
    part = data.split(key=key).train.split(key=key, valid=0.5, test=0)
    assert np.array_equal(part.valid["y"], part.valid.row_ids)


def test_like_repeats_every_step_on_other_rows(key):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 3))
    rows[0, 0] = -999
    data = Data(x=rows, b=rng.random(30), y=np.arange(30) % 8, far=np.append(np.arange(29.0), 1e20))
    data = data.missing(-999, names="x").standardize("x").scale(2.0, "x")
    data = data.binarize("fixed", "b", key=key).dequantize("y", levels=8).allow_outliers("far").named("patients")
    splits = data.split(key=key, test=0)
    other = splits.train.like(x=[[-999.0, 1, 2]], b=[0.5], y=[7], far=[1.0])
    assert other["m"].tolist() == [[False, True, True]]
    assert other["b"].tolist() in ([0], [1])
    assert other.description["steps"] == data.description["steps"]
    assert (other.description["name"], other.description["split"]) == ("patients", "other")
    expected = jax.jit(lambda transform, row: transform(row, key))(
        splits.train.transform, {name: rows[0] for name, rows in other.arrays.items()}
    )
    step = splits.train.transform.steps["x"][0]
    assert expected["x"][1:].tolist() == pytest.approx(
        (2 * (np.array([1, 2]) - step.mean[1:]) * step.rate[1:]).tolist()
    )
    assert jax.tree.structure(other.transform) == jax.tree.structure(splits.train.transform)


def test_like_scales_by_the_same_white(key):
    data = Data(x=np.array([0, 4])).binarize("stochastic")
    assert data.like(x=np.array([0, 0, 4])).prepared(key)["x"].tolist() == [0, 0, 1]
    assert repr(data.like(x=[0, 1])) == "Data(other, 2 rows: x int64 (); binarize stochastic x, 4 is 1)"


# Saying what it is.


def test_description_is_plain(data, key):
    train = data.binarize("stochastic", "x").named("tiny").split(key=key).train
    description = train.description
    assert json.loads(json.dumps(description)) == description
    assert description == {
        "name": "tiny",
        "split": "train",
        "rows": 16,
        "shapes": {"x": [4], "y": []},
        "dtypes": {"x": "uint8", "y": "int64"},
        "steps": ["binarize stochastic x, 255 is 1"],
        "fingerprint": train.fingerprint,
    }


def test_each_step_says_what_it_does(key):
    data = Data(a=np.zeros(4), b=np.array([0, 1, 2, 3]), c=np.zeros(4), d=np.array([0.0, 1, 1, 0]))
    data = data.missing(names=["a", "c"]).standardize("a").scale(1 / 3, "c").dequantize("b", levels=4)
    data = data.binarize("threshold", "d").allow_outliers("a")
    assert data.description["steps"] == [
        "missing a, c, nan is not observed in m",
        "standardize a",
        "scale c by 0.333333",
        "dequantize b, 4 levels",
        "binarize threshold d",
        "allow outliers a",
    ]


def test_fingerprint_is_of_names_types_shapes_and_bytes():
    rows = np.arange(4, dtype=np.int32)
    same = [Data(x=rows, y=rows), Data(y=rows, x=rows.copy()), Data(x=rows, y=rows).named("other")]
    assert len({data.fingerprint for data in same}) == 1
    others = [
        Data(x=rows),
        Data(z=rows),
        Data(x=rows.view(np.float32)),
        Data(x=rows.reshape(2, 2)),
        Data(x=rows.reshape(4, 1)),
        Data(x=rows[::-1]),
        Data(x=rows)[:2],
    ]
    assert len({data.fingerprint for data in others}) == len(others)
    assert all(set(data.fingerprint) <= set("0123456789abcdef") for data in others)


def test_repr_is_one_line(data, key):
    test = data.binarize("threshold", "x").named("bytes").split(key=key).test
    assert repr(test) == "Data(bytes, test, 2 rows: x uint8 (4,), y int64 (); binarize threshold x, 255 is 1)"
    assert repr(data.named("mnist", split="official")) == "Data(mnist, official, 20 rows: x uint8 (4,), y int64 ())"


def test_html_is_a_small_table_with_names_escaped():
    html = Data({"<b>": [1.0]})._repr_html_()
    assert html == (
        "<table><caption>data, all: 1 rows</caption><tr><th>array</th><th>type</th><th>row</th>"
        "<th>first rows, as stored</th></tr><tr><td>&lt;b&gt;</td><td>float64</td><td>()</td>"
        '<td><table><tr><td style="text-align:right">1</td></tr></table></td></tr></table>'
    )
