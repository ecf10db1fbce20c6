"""The nearest known name."""

from lowerbound._suggest import suggest


def test_the_nearest_name_is_suggested():
    assert suggest("lables", ["x", "labels", "table"]) == " Did you mean `labels`?"


def test_nothing_is_suggested_where_nothing_is_near():
    assert suggest("q", ["labels"]) == ""
    assert suggest("q", []) == ""
