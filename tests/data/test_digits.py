"""The embedded digits."""

import jax
import numpy as np

from lowerbound.data import digits


def test_digits_are_the_counts_that_they_are():
    data = digits()
    assert repr(data) == "Data(digits, 1797 rows: x uint8 (64,))"
    assert data["x"].min() == 0
    assert data["x"].max() == 16


def test_digits_come_with_labels_on_demand():
    data = digits(labels=True)
    assert data.names == ("x", "y")
    assert data["y"].dtype == np.int64
    assert sorted(set(data["y"].tolist())) == list(range(10))


def test_sixteen_is_white():
    """A threshold at half of 255 would leave no digit at all."""
    data = digits().binarize("threshold")
    assert repr(data) == "Data(digits, 1797 rows: x uint8 (64,); binarize threshold x, 16 is 1)"
    bits = np.asarray(data.prepared(jax.random.key(0))["x"])
    assert np.array_equal(bits, data["x"] >= 8)
