"""Bars: in falling order, used or not, whatever the numbers."""

import re

import numpy as np
import pytest
from charts import SVG, read_chart, texts

from lowerbound.drawing import bars


@pytest.mark.parametrize("values", [[1.0], [0.0], [0.0, 0.0], [1e-9, 3.0], [1e4, 0.011, 0.009], list(range(1, 300))])
def test_any_values_give_a_chart(values):
    root = read_chart(bars(np.array(values)))
    heights = [float(r.get("height")) for r in root.findall(f"{SVG}rect")]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == min(len(values), 240)
    assert min(heights) > 0


def test_it_counts_the_used_entries_and_names_them():
    words = texts(read_chart(bars(np.array([[0.5, 0.0], [0.02, 0.01]]), axis="variance & more")))
    assert "used: 2 of 4" in words
    assert "unused: 2" in words
    assert "threshold 0.01" in words
    assert "variance & more" in words
    assert [w for w in words if w in "1234"][-4:] == ["1", "3", "4", "2"]


def test_many_entries_are_cut_and_it_says_so():
    assert "The 240 most active of 1,000 entries are drawn." in texts(read_chart(bars(np.ones(1000))))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bars(np.zeros(0)), "`values` has shape (0,); finite numbers from 0 up were needed, at least one."),
        (
            lambda: bars(np.array([-1.0])),
            "`values` has shape (1,); finite numbers from 0 up were needed, at least one.",
        ),
        (lambda: bars(np.ones(2), threshold=0.0), "`threshold` is 0.0; a positive number was needed."),
    ],
)
def test_mistakes_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
