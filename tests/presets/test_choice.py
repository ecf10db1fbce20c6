"""The rule that chooses a likelihood, what it refuses, and what a Normal cannot be fitted to."""

import jax
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.presets import Likelihood, check_columns, choose_likelihood

BYTES = np.array([[0, 255], [17, 3]], np.uint8)
LEVELS = np.array([[0, 16], [3, 4]], np.uint8)
REALS = np.array([[0.25, 1.0], [0.5, 0.0]])


@pytest.mark.parametrize(
    ("x", "expected", "reason"),
    [
        ([[0, 1], [1, 1]], ("bernoulli", 0, 1), "x holds bits, 0 and 1, so its likelihood is a Bernoulli."),
        ([[True, False]], ("bernoulli", 0, 1), "x holds bits, 0 and 1, so its likelihood is a Bernoulli."),
        (
            LEVELS,
            ("beta-binomial", 0, 16),
            "x holds whole numbers from 0 to 16, so its likelihood is a beta-binomial, a mass on 0..16.",
        ),
        (
            [[0.0, 63.0], [np.nan, 2.0]],
            ("beta-binomial", 0, 63),
            "x holds whole numbers from 0 to 63, so its likelihood is a beta-binomial, a mass on 0..63.",
        ),
        (
            BYTES,
            ("logistic", 0, 255),
            "x holds whole numbers from 0 to 255, so its likelihood is a discretised logistic, a mass on 0..255.",
        ),
        (
            np.array([[0, 64]], np.uint8),
            ("logistic", 0, 255),
            "x holds whole numbers from 0 to 64, so its likelihood is a discretised logistic, a mass on 0..255.",
        ),
        (
            [[0.0, 255.0]],  # bytes that were made floats
            ("logistic", 0, 255),
            "x holds whole numbers from 0 to 255, so its likelihood is a discretised logistic, a mass on 0..255.",
        ),
        (
            [[0, 64]],
            ("negative-binomial", 0, 0),
            "x holds whole numbers from 0 to 64, so its likelihood is a negative binomial, a mass on 0, 1, 2 and so "
            "on.",
        ),
        (
            [[0, 256]],
            ("negative-binomial", 0, 0),
            "x holds whole numbers from 0 to 256, so its likelihood is a negative binomial, a mass on 0, 1, 2 and so "
            "on.",
        ),
        (
            [[-3, 12]],
            ("logistic", -3, 12),
            "x holds whole numbers from -3 to 12, so its likelihood is a discretised logistic, a mass on -3..12.",
        ),
        (
            [[-1, 1023]],
            ("normal", 0, 0),
            "x holds whole numbers from -1 to 1023, so its likelihood is a Normal, whose scale is learned.",
        ),
        (
            [[-1e12, 5.0]],
            ("normal", 0, 0),
            "x holds whole numbers from -1000000000000 to 5, so its likelihood is a Normal, whose scale is learned.",
        ),
        (
            [[0.0, 1e12]],
            ("normal", 0, 0),
            "x holds whole numbers from 0 to 1000000000000, so its likelihood is a Normal, whose scale is learned.",
        ),
        (
            REALS,
            ("normal", 0, 0),
            "x holds real numbers from 0 to 1, grey levels perhaps, of which `--binarize` makes bits, so its "
            "likelihood is a Normal, whose scale is learned.",
        ),
    ],
)
def test_the_rule(x, expected, reason):
    found = choose_likelihood(lb.Data(x=x))
    assert (found.word, found.low, found.high) == expected
    assert found.reason == reason


def test_steps_are_seen():
    greys = lb.Data(x=BYTES)
    bits = Likelihood("bernoulli", 0, 1)
    for binarised in (
        greys.binarize("stochastic"),
        greys.binarize("threshold"),
        greys.binarize("fixed", key=jax.random.key(0)),
        lb.Data(x=REALS).binarize("stochastic"),
    ):
        assert choose_likelihood(binarised) == bits
    assert choose_likelihood(greys.binarize("threshold")).reason == "x is binarised, so its likelihood is a Bernoulli."
    for real in (greys.dequantize(), greys.standardize(), greys.scale(2)):
        assert choose_likelihood(real).word == "normal"


def test_missing_entries_are_not_looked_at():
    assert choose_likelihood(lb.Data(x=[[5, -99], [3, 2]]).missing(-99)) == Likelihood("beta-binomial", 0, 5)
    both = lb.Data(a=[[1, -9]], b=[[-9, 7]]).missing(-9, names=("a", "b"))
    assert choose_likelihood(both, "b") == Likelihood("beta-binomial", 0, 7)
    with pytest.raises(ValueError) as error:
        choose_likelihood(lb.Data(x=[[np.nan], [np.nan]]))
    assert str(error.value) == "`x` has no observed entry, so no likelihood can be chosen for it."


def test_large_data_are_looked_at_to_the_end():
    x = np.zeros((20_000, 100), np.float32)
    x[-1, -1] = 0.5
    assert choose_likelihood(lb.Data(x=x)).word == "normal"


@pytest.mark.parametrize(
    ("x", "asked", "expected"),
    [
        (LEVELS, "logistic", Likelihood("logistic", 0, 16)),
        (BYTES, "logistic", Likelihood("logistic", 0, 255)),
        (BYTES, "beta-binomial", Likelihood("beta-binomial", 0, 255)),
        (LEVELS, "negative-binomial", Likelihood("negative-binomial")),
        ([[0, 900]], "logistic", Likelihood("logistic", 0, 900)),
        ([[5000, 5010]], "logistic", Likelihood("logistic", 5000, 5010)),
        ([[0, 1]], "beta-binomial", Likelihood("beta-binomial", 0, 1)),
        ([[0, 0]], "logistic", Likelihood("logistic", 0, 1)),
        (LEVELS, "normal", Likelihood("normal")),
        (REALS, "normal", Likelihood("normal")),
    ],
)
def test_what_is_asked_for_and_fits(x, asked, expected):
    assert choose_likelihood(lb.Data(x=x), asked=asked) == expected


def test_the_reason_says_what_was_asked():
    reason = choose_likelihood(lb.Data(x=LEVELS), asked="logistic").reason
    assert (
        reason
        == "x holds whole numbers from 0 to 16; its likelihood is a discretised logistic, a mass on 0..16, as asked."
    )


KNOWN = "`bernoulli`, `beta-binomial`, `logistic`, `negative-binomial`, `normal`"


@pytest.mark.parametrize(
    ("data", "asked", "message"),
    [
        (
            lb.Data(x=BYTES),
            "bernoulli",
            "`x` holds grey levels, whole numbers from 0 to 255, which a Bernoulli gives no mass. Binarise them, "
            "`--binarize stochastic`, or choose `--likelihood logistic`.",
        ),
        (
            lb.Data(x=REALS),
            "bernoulli",
            "`x` holds grey levels, real numbers from 0 to 1, which a Bernoulli gives no mass. Binarise them, "
            "`--binarize stochastic`, or choose `--likelihood normal`.",
        ),
        (
            lb.Data(x=[[0, 3000]]),
            "bernoulli",
            "`x` holds whole numbers from 0 to 3000, which a Bernoulli gives no mass. "
            "Choose `--likelihood negative-binomial`.",
        ),
        (
            lb.Data(x=BYTES).binarize("stochastic"),
            "logistic",
            "`x` is binarised, and bits have a Bernoulli likelihood, not a discretised logistic. "
            "Choose `--likelihood bernoulli`.",
        ),
        (
            lb.Data(x=BYTES).binarize("stochastic"),
            "normal",
            "`x` is binarised, and bits have a Bernoulli likelihood, not a Normal. Choose `--likelihood bernoulli`.",
        ),
        (
            lb.Data(x=REALS + 0.5),
            "beta-binomial",
            "`x` holds real numbers from 0.5 to 1.5, which a beta-binomial, a mass on whole numbers, does not score. "
            "Choose `--likelihood normal`.",
        ),
        (
            lb.Data(x=BYTES).standardize(),
            "logistic",
            "`x` holds real numbers once its steps are done, which a discretised logistic, a mass on whole numbers, "
            "does not score. Choose `--likelihood normal`.",
        ),
        (
            lb.Data(x=[[-3, 12]]),
            "negative-binomial",
            "`x` holds whole numbers from -3 to 12, but a negative binomial begins at 0. "
            "Choose `--likelihood logistic`.",
        ),
        (
            lb.Data(x=[[0, 3000]]),
            "logistic",
            "`x` holds whole numbers from 0 to 3000, more than the 1023 steps that a discretised logistic takes. "
            "Choose `--likelihood negative-binomial`.",
        ),
        (lb.Data(x=REALS), "gaussian", f"`gaussian` is no likelihood; there are {KNOWN}. Did you mean `normal`?"),
        (lb.Data(x=REALS), "bernouli", f"`bernouli` is no likelihood; there are {KNOWN}. Did you mean `bernoulli`?"),
    ],
)
def test_what_is_asked_for_and_does_not_fit(data, asked, message):
    with pytest.raises(ValueError) as error:
        choose_likelihood(data, asked=asked)
    assert str(error.value) == message


def test_an_unknown_array_is_refused():
    with pytest.raises(KeyError):
        choose_likelihood(lb.Data(x=BYTES), "y")


# Columns.


def test_a_constant_column_is_refused():
    x = np.random.default_rng(0).normal(size=(200, 5))
    x[:, 3] = 5
    with pytest.raises(ValueError) as error:
        check_columns(lb.Data(x=x), columns=["a", "b", "c", "height", "e"])
    assert str(error.value) == (
        "`x` has the one value 5 in all 200 rows of column 3 (`height`), where a Normal's density has no maximum. "
        "Leave the column out: `--drop height`."
    )
    with pytest.raises(ValueError) as error:
        check_columns(lb.Data(x=x))
    assert str(error.value) == (
        "`x` has the one value 5 in all 200 rows of column 3, where a Normal's density has no maximum. "
        "Leave the column out; or, if the rows are pictures, give their shape, `--shape HEIGHTxWIDTH`."
    )


def test_a_column_is_constant_by_its_observed_entries():
    with pytest.raises(ValueError) as error:
        check_columns(lb.Data(x=[[1.0, 2.0], [np.nan, 3.0], [1.0, 4.0]]).missing())
    assert str(error.value) == (
        "`x` has the one value 1 in all 2 observed rows of column 0, where a Normal's density has no maximum. "
        "Leave the column out; or, if the rows are pictures, give their shape, `--shape HEIGHTxWIDTH`."
    )


def test_what_varies_and_pictures_pass():
    check_columns(lb.Data(x=[[1.0, 2.0], [3.0, 4.0]]))
    check_columns(lb.Data(x=np.zeros((3, 4, 4))))
    with pytest.raises(ValueError) as error:
        check_columns(lb.Data(x=[2.5, 2.5]))
    assert str(error.value) == (
        "`x` has the one value 2.5 in all 2 rows, where a Normal's density has no maximum. Leave it out."
    )
