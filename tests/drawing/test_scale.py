"""Axes: round numbers, about as many as were asked for, and never an axis of no length."""

import numpy as np
import pytest

from lowerbound.drawing._scale import Scale, around, number


@pytest.mark.parametrize("low", [-1e5, -87.3, 0.0, 1e-7, 12.0])
@pytest.mark.parametrize("length", [1e-6, 0.02, 1.0, 17.0, 9e6])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_ticks_are_round_and_within(low, length, count):
    scale = Scale(low, low + length)
    values = np.array([value for value, _ in scale.ticks(count)])
    assert 1 <= len(values) <= count + 3
    assert (scale(values) >= -1e-6).all()
    assert (scale(values) <= 1 + 1e-6).all()
    assert len({text for _, text in scale.ticks(count)}) == len(values) or abs(low) / length > 1e6


def test_logarithmic_ticks_are_powers_of_ten():
    assert [text for _, text in Scale(1e-5, 10, log=True).ticks(4)] == ["1e−5", "0.001", "0.1", "10"]
    assert Scale(0.01, 1, log=True)(np.array([0.1])) == pytest.approx(0.5)


def test_no_ticks_where_none_are_asked_for():
    assert Scale(0, 1).ticks(0) == []


def test_a_range_holds_its_values_and_has_a_length():
    assert around(np.array([1.0, np.nan, 3.0]), margin=0.5) == Scale(0.0, 4.0)
    for values in ([], [0.0], [1e9, 1e9 + 1e-3], [np.nan]):
        scale = around(np.array(values))
        assert scale.low < scale.high


def test_numbers_have_a_true_minus():
    assert number(-1234.5, 1) == "−1,234.5"
    assert number(-0.0001, 2) == "0.00"
