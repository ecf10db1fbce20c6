"""What is refused at the door, and in which words."""

import jax
import jaxtyping
import numpy as np
import pytest
from scipy import sparse

from lowerbound.data import Data, as_data


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def untyped():
    """Run as users do, without the type checker that would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def message(error: type[Exception], call) -> str:
    with pytest.raises(error) as raised:
        call()
    return str(raised.value.args[0])


def with_one(value, shape=(4000, 20), at=(123, 5)) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=shape)
    rows[at] = value
    return rows


# The arrays.


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [[1, 2], [3]],
            "`x` is no array: setting an array element with a sequence. The requested array has an inhomogeneous shape "
            "after 1 dimensions. The detected shape was (2,) + inhomogeneous part. Give every row the same shape.",
        ),
        (
            np.array([1, None]),
            "`x` has dtype object, but data are booleans, integers or floats of up to 64 bits. Give words as integer "
            "codes, gaps as nan, and sparse arrays dense.",
        ),
        (
            sparse.csr_array(np.eye(3)),
            "`x` has dtype object, but data are booleans, integers or floats of up to 64 bits. Give words as integer "
            "codes, gaps as nan, and sparse arrays dense.",
        ),
        (
            ["a", "b"],
            "`x` has dtype <U1, but data are booleans, integers or floats of up to 64 bits. Give words as integer "
            "codes, gaps as nan, and sparse arrays dense.",
        ),
        (
            np.array([1j]),
            "`x` has dtype complex128, but data are booleans, integers or floats of up to 64 bits. Stack its real and "
            "imaginary parts on a new last axis.",
        ),
        (
            np.array(["2020-01-01"], "datetime64[D]"),
            "`x` has dtype datetime64[D], but data are booleans, integers or floats of up to 64 bits. Give times as "
            "numbers, in a unit of your choice.",
        ),
        (
            np.zeros(2, np.longdouble),
            f"`x` has dtype {np.dtype(np.longdouble)}, but data are booleans, integers or floats of up to 64 bits. "
            "Cast it to float64.",
        ),
        (1.5, "`x` is the single number 1.5, but the leading axis of an array counts rows."),
        (np.zeros((0, 3)), "`x` has shape (0, 3), which holds no entry."),
        ([], "`x` has shape (0,), which holds no entry."),
        (np.zeros((3, 0)), "`x` has shape (3, 0), which holds no entry."),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(rows, expected):
    assert message(ValueError, lambda: Data(x=rows)) == expected


def test_masked_arrays_are_refused_for_their_mask_would_be_lost():
    rows = np.ma.masked_array([1.0, 2.0], [True, False])
    assert message(TypeError, lambda: Data(x=rows)) == (
        "`x` is a masked array, whose mask would be lost. Fill it with a marker and declare that: "
        "`Data(x=values.filled(-999)).missing(-999)`."
    )


def test_every_array_has_the_same_rows():
    assert message(ValueError, lambda: Data(x=np.zeros((10, 2)), y=np.zeros(9))) == (
        "Every array has one entry a row, but `x` has 10 rows and `y` has 9."
    )


def test_data_has_arrays_by_name(untyped):
    assert message(ValueError, Data) == "`Data` needs at least one array. Write `Data(x=...)`."
    assert message(ValueError, lambda: Data({"x": [1]}, x=[1])) == (
        "`x` is given twice, in the mapping and by keyword."
    )
    expected = "`Data` wants arrays by name, but got a ndarray. Write `Data(x=...)`."
    assert message(TypeError, lambda: Data(np.zeros(3))) == expected
    assert message(TypeError, lambda: as_data(np.zeros(3))) == expected
    assert message(TypeError, lambda: Data({3: [1]})) == "The name of an array is a string, but one is 3."


# The values.


@pytest.mark.parametrize(
    ("value", "printed", "cure"),
    [(np.nan, "nan", ""), (np.inf, "inf", 'float("inf")'), (-np.inf, "-inf", 'float("-inf")')],
)
def test_values_that_are_not_finite_are_refused_at_first_use(key, value, printed, cure):
    data = Data(x=with_one(value))
    expected = (
        f"`x` is {printed} in row 123, column 5; 1 of its 80000 entries are not finite. If they are missing, say so "
        f"first: `.missing({cure})`, `--missing {printed}` in the command line; else correct or drop those rows."
    )
    for use in (
        lambda: data.arrays,
        lambda: data.prepared(key),
        lambda: data.split(key=key),
        lambda: data.standardize().transform,
        lambda: data.binarize("stochastic"),
        lambda: data.dequantize(),
    ):
        assert message(ValueError, use) == expected
    assert not data.missing(value)["m"][123, 5]


@pytest.mark.parametrize("value", [1e6, -1e6, 1e20, 1e300])
def test_one_value_that_would_destroy_a_run_is_refused(value):
    rows = with_one(value)
    distances = np.abs(rows - np.median(rows))
    usual = np.quantile(distances, 0.999, method="lower")
    expected = (
        f"`x` is {value:g} in row 123, column 5, but 99.9 % of its entries lie within {usual:g} of their median "
        f"{np.median(rows):g}. One such value destroys a run in one step. Correct it, mark it with "
        f'`.missing({value:g})`, or keep it with `.allow_outliers("x")`, `--allow-outliers` in the command line.'
    )
    assert message(ValueError, lambda: Data(x=rows).arrays) == expected
    assert not Data(x=rows).missing(value).arrays["m"][123, 5]


def test_rows_are_named_as_they_were_first():
    rows = with_one(1e20, (40, 2, 3), (30, 1, 2))
    assert message(ValueError, lambda: Data(x=rows)[20:].arrays).startswith(
        "`x` is 1e+20 in row 30, column (1, 2), but"
    )
    assert message(ValueError, lambda: Data(x=np.array([0.0, np.nan])).arrays).startswith("`x` is nan in row 1; 1 of")


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_search_for_outliers_does_not_overflow(dtype):
    big = np.finfo(dtype).max
    rows = np.array([0, 1, 2, 3, 4, -big, big], dtype)
    if dtype == np.float16:
        assert len(Data(x=rows).arrays["x"]) == 7  # 65504 is 10^4 times nothing here
    else:
        with pytest.raises(ValueError, match=r"but 99\.9 % of its entries lie within"):
            Data(x=np.concatenate([np.tile(rows[:5], 1000), rows[5:]])).arrays  # noqa: B018


def test_a_column_in_units_of_its_own_is_no_outlier_but_may_have_one():
    rows = np.random.default_rng(0).normal(size=(100, 2)) * [0.1, 1e4] + [0.3, 1e6]
    assert Data(x=rows).arrays["x"].shape == (100, 2)
    assert Data(x=rows[:1]).arrays["x"].shape == (1, 2)
    assert Data(x=np.hstack([np.zeros((100, 1999)) + rows[:, :1], rows[:, 1:]])).arrays["x"].shape == (100, 2000)
    rows[7, 1] = 1e20
    assert message(ValueError, lambda: Data(x=rows).arrays).startswith("`x` is 1e+20 in row 7, column 1, but")


def test_outliers_may_be_allowed():
    assert Data(x=with_one(1e6)).allow_outliers().arrays["x"][123, 5] == 1e6


def test_honest_data_have_no_outliers():
    """Rare ones among zeros, counts as integers, and heavy but human tails all pass."""
    rng = np.random.default_rng(0)
    data = Data(
        rare=np.eye(100)[:, :10] * 1.0,
        counts=np.append(np.zeros(99, int), 10**6),
        tails=rng.lognormal(size=(100, 5)),
        incomes=np.append(rng.normal(3e4, 1e4, 99), 1e7),
    )
    assert set(data.arrays) == set(data.names)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.array([1, 2**40]), "`x` is 1.09951e+12 in row 1, which int32 cannot hold."),
        (np.array([[1e300], [2e300]]), "`x` is 1e+300 in row 0, column 0, which float32 cannot hold."),
    ],
)
def test_values_that_the_device_cannot_hold_are_refused(rows, expected):
    assert message(ValueError, lambda: Data(x=rows).arrays) == (
        expected + ' Rescale it, or enable 64 bits: jax.config.update("jax_enable_x64", True).'
    )
    with jax.enable_x64(True):
        assert np.array_equal(Data(x=rows).arrays["x"], rows)


def test_the_device_sees_64_bits_where_jax_does(key):
    with jax.enable_x64(True):
        data = Data(x=np.array([1.7e9, 1.7e9 + 10])).standardize()
        assert data.prepared(key)["x"].dtype == np.float64
        assert data.prepared(key)["x"].tolist() == [-1, 1]


# The steps.


@pytest.fixture
def data():
    return Data(x=np.full((20, 4), 0.5), labels=np.arange(20))


@pytest.mark.parametrize(
    ("how", "cure"),
    [
        ("dynamic", " Did you mean `stochastic`?"),
        ("static", " Did you mean `fixed`?"),
        ("treshold", " Did you mean `threshold`?"),
        ("x", ""),
    ],
)
def test_another_word_for_a_binarization_is_refused(data, how, cure):
    assert message(ValueError, lambda: data.binarize(how)) == (
        f'`how` is "{how}", but data are binarized by "stochastic", "fixed" or "threshold".{cure}'
    )


def test_keys_go_with_fixed_bits_only(data, key):
    assert message(ValueError, lambda: data.binarize("fixed", "x")) == (
        '"fixed" draws once and for all, so it needs a key: `.binarize("fixed", key=key)`.'
    )
    assert message(ValueError, lambda: data.binarize("stochastic", "x", key=key)) == (
        '"stochastic" takes no key: only "fixed" draws here.'
    )


def test_grey_levels_lie_between_black_and_white():
    def refused(rows, **settings):
        return message(ValueError, lambda: Data(x=rows).binarize("stochastic", **settings))

    cure = "Rescale it, or declare how many levels it has, `levels=256` for bytes."
    assert refused([0.0, 255.0]) == f"`x` runs from 0 to 255, but `binarize` takes 0 to 1. {cure}"
    assert refused([-1, 5]) == f"`x` runs from -1 to 5, but `binarize` takes 0 to 5. {cure}"
    assert refused([0, 16], levels=16) == f"`x` runs from 0 to 16, but `binarize` takes 0 to 15. {cure}"
    assert refused([0, 1], levels=1) == "`levels` is 1, but there are at least 2."


def test_dequantization_is_of_integers():
    assert message(ValueError, lambda: Data(x=[0, 256]).dequantize()) == (
        "`x` runs from 0 to 256, but `dequantize` takes 0 to 255. Rescale it, or declare how many levels it has, "
        "`levels=256` for bytes."
    )
    assert message(ValueError, lambda: Data(x=[0, 0.5]).dequantize()) == (
        "`dequantize` spreads integers, but `x` has values between them."
    )


@pytest.mark.parametrize("verb", ["standardize", "binarize", "dequantize", "scale", "missing", "allow_outliers", "[]"])
def test_unknown_names_are_refused(data, verb):
    calls = {
        "standardize": lambda name: data.standardize(name),
        "binarize": lambda name: data.binarize("threshold", name),
        "dequantize": lambda name: data.dequantize(name),
        "scale": lambda name: data.scale(2.0, name),
        "missing": lambda name: data.missing(names=name),
        "allow_outliers": lambda name: data.allow_outliers(name),
        "[]": lambda name: data[name],
    }
    error = KeyError if verb == "[]" else ValueError
    assert message(error, lambda: calls[verb]("lables")) == (
        "`lables` is no array of this data, which has `x`, `labels`. Did you mean `labels`?"
    )


def test_a_step_names_its_array_where_there_are_several(data):
    assert message(ValueError, data.standardize) == "`standardize` needs a name, for there are 2 arrays: `x`, `labels`."
    # Whole numbers have no nan, so it is clear which array may: but no number says so of itself.
    assert message(ValueError, lambda: data.missing(-1)) == (
        "`missing` needs a name, for there are 2 arrays: `x`, `labels`."
    )
    assert data.missing().names == ("x", "labels", "m")
    assert message(TypeError, lambda: data.missing("x")) == (
        "`marker` is 'x'; a number was needed. For an array: `.missing(names='x')`."
    )
    assert message(ValueError, lambda: data.scale(2, "x", "x")) == "`x` is named twice in `scale`."


def test_steps_that_read_raw_values_come_first(data):
    scaled = data.scale(2.0, "x")
    for verb, call in (
        ("missing", lambda: scaled.missing(names="x")),
        ("binarize", lambda: scaled.binarize("threshold", "x")),
        ("dequantize", lambda: scaled.dequantize("x")),
    ):
        expected = f"`{verb}` reads the raw values of `x`, so it goes before its other steps."
        assert message(ValueError, call) == expected
    assert message(ValueError, lambda: data.binarize("threshold", "x").scale(2.0, "x")) == (
        "`x` is binarized, so `scale` cannot follow."
    )


@pytest.mark.parametrize("factor", [0, 0.0, float("nan"), float("inf")])
def test_a_scale_is_finite_and_not_0(data, factor):
    assert message(ValueError, lambda: data.scale(factor, "x")) == (
        f"`factor` is {factor}, but a scale is finite and not 0."
    )


def test_masks_have_names_of_their_own(data):
    assert message(ValueError, lambda: data.missing(mask="labels", names="x")) == (
        "`labels` is an array already. Choose another name for the mask: `mask=...`."
    )
    masked = data.missing(names="x")
    assert message(ValueError, lambda: masked.missing(-1, "m2", "x")) == "`x` has the mask `m` already."
    assert message(ValueError, lambda: masked.scale(2.0, "m")) == "`m` is a mask, which `scale` leaves alone."


def test_statistics_are_not_taken_from_test_rows(data, key):
    splits = data.split(key=key)
    for part, word in ((splits.valid, "valid"), (splits.test, "test"), (data.named("d", split="test"), "test")):
        assert message(ValueError, lambda part=part: part.standardize("x")) == (
            f"`standardize` would take its statistics from the {word} rows. Declare it before `split`, or bring these "
            "rows in with `train.like(...)`."
        )


def test_a_column_that_is_never_observed_has_no_statistics():
    rows = np.array([[1.0, np.nan], [2.0, np.nan]])
    assert message(ValueError, lambda: Data(x=rows).missing().standardize().transform) == (
        "`x` has no observed entry in column 1 in the 2 rows that it is standardized by. Drop that column."
    )


def test_columns_that_float32_would_blur_are_refused():
    """Seconds since 1970 are 128 apart in float32; a day of them has a few values left."""
    rows = np.stack([np.zeros(10), 1.7e9 + np.arange(10)], axis=1)
    assert message(ValueError, lambda: Data(x=rows).standardize().transform) == (
        "`x` in column 1 varies by 2.87228 around 1.7e+09, where float32 tells only values 202.656 apart. Subtract a "
        'constant first, or enable 64 bits: jax.config.update("jax_enable_x64", True).'
    )


# Rows.


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"valid": 0.01}, "`valid` is 0.01, which of 20 rows is none. Ask for a larger part, or for 0."),
        ({"test": 20, "valid": 0}, "0 rows for `valid` and 20 for `test` leave none of 20 to train on."),
        ({"valid": 0.5, "test": 0.5}, "10 rows for `valid` and 10 for `test` leave none of 20 to train on."),
        (
            {"valid": -1},
            "`valid` is -1, but a part is a fraction from 0 to below 1, or a whole number of rows.",
        ),
        (
            {"test": 1.5},
            "`test` is 1.5, but a part is a fraction from 0 to below 1, or a whole number of rows.",
        ),
    ],
)
def test_empty_parts_are_refused(data, key, parts, expected):
    assert message(ValueError, lambda: data.split(key=key, **parts)) == expected


def test_rows_are_taken_by_slice_or_array(data):
    assert message(TypeError, lambda: data[3]) == "`data[3]` is no row of its own; write `data[3:4]` for `Data`."
    assert message(ValueError, lambda: data[30:]) == "No row is left of 20."
    assert message(ValueError, lambda: data[np.zeros(20, bool)]) == "No row is left of 20."
    assert "index 20 is out of bounds" in message(IndexError, lambda: data[[20]])


def test_other_rows_are_like_these(data):
    x, labels = np.zeros((2, 4)), np.arange(2)
    assert message(ValueError, lambda: data.like(x=x)) == (
        "`labels` is not given, but rows like these have `x`, `labels`."
    )
    assert message(ValueError, lambda: data.like(x=x, lables=labels)) == (
        "`lables` is no array of this data, which has `x`, `labels`. Did you mean `labels`?"
    )
    assert message(ValueError, lambda: data.like(x=np.zeros((2, 2, 2)), labels=labels)) == (
        "`x` has rows of shape (2, 2), but rows like these have shape (4,)."
    )
    assert message(ValueError, lambda: data.like(x=np.zeros((2, 4), np.uint8), labels=labels)) == (
        "`x` is uint8, but rows like these are float64: the steps would misread it. Give both in one type."
    )
