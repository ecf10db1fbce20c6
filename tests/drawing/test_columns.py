"""Panels of columns: at most twelve, missing entries left out, and every cut is said."""

import re

import numpy as np
import pytest
from charts import read_chart, texts

from lowerbound.drawing import column_comparison, column_histograms

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(50, 3))
NAMES = ("age", "<b>", "a name that is longer than a panel is wide")


def num_points(text: str) -> int:
    return text.count("h0")


def test_every_row_of_every_column_is_compared():
    text = column_comparison(TABLE, TABLE + 1, NAMES)
    assert num_points(text) == 150
    words = texts(read_chart(text))
    assert {"age", "<b>"} <= set(words)
    assert any(word.endswith("…") for word in words)


def test_missing_entries_are_left_out():
    observed = np.ones((50, 3), bool)
    observed[:20, 1] = False
    text = column_comparison(TABLE, TABLE, NAMES, observed=observed)
    assert num_points(text) == 130
    assert "Missing entries are left out." in texts(read_chart(text))
    read_chart(column_comparison(TABLE, TABLE, NAMES, observed=np.zeros((50, 3), bool)))


def test_many_columns_and_rows_are_cut_and_it_says_so():
    wide = RNG.normal(size=(900, 30))
    names = [f"c{i}" for i in range(30)]
    words = " ".join(texts(read_chart(column_comparison(wide, wide, names), max_bytes=150_000)))
    assert "The first 12 of 30 columns are shown." in words
    assert "400 of 900 rows are shown, chosen at random." in words
    words = " ".join(texts(read_chart(column_histograms(wide, wide, names))))
    assert "The first 12 of 30 columns are shown." in words


@pytest.mark.parametrize("column", [RNG.normal(size=40), np.zeros(40), RNG.integers(0, 5, 40), np.full(40, np.nan)])
def test_any_column_has_a_histogram(column):
    table = np.asarray(column, float)[:, None]
    words = texts(read_chart(column_histograms(table, table, ("x",))))
    assert {"filled: the data", "line: samples of the model", "x"} <= set(words)


def test_samples_far_out_are_counted():
    made = np.array([[1.0]] * 49 + [[1e9]] * 1)
    words = texts(read_chart(column_histograms(np.arange(50.0)[:, None] % 7, made, ("x",))))
    assert "Outside of the panels: 0 of the data's values, 1 of the samples'." in words


def test_mistakes_get_one_sentence():
    message = "`data` has shape (50, 3); (rows, 1) was needed: one column a name."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        column_histograms(TABLE, TABLE, ("x",))
    message = "`originals` has shape (50, 3), but `reconstructions` (49, 3). Pass the same rows of both."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        column_comparison(TABLE, TABLE[1:], NAMES)
