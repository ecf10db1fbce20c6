"""Labels, one a row, as codes."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped

from lowerbound.data._cells import is_gap, numbers

_EXACT = 2**53  # from here on, floats skip whole numbers


class Labels(NamedTuple):
    """Codes from 0, with -1 where a row has no label; and the words that they stand for, if they stand for words."""

    codes: Int64[np.ndarray, " rows"]
    classes: tuple[str, ...]


def labels_of_cells(what: str, cells: Sequence[str]) -> Labels:
    """Return the labels in cells of text: numbers if every cell is one or a gap, else words, coded in sorted order.

    Args:
        what: What a message calls them.
        cells: One a row; a gap is no label.

    Raises:
        ValueError: A number is no label, or no row has one.
    """
    try:
        values = numbers(cells)
    except ValueError:
        words = [None if is_gap(cell) else cell.strip() for cell in cells]
        classes = tuple(sorted({word for word in words if word is not None}))
        codes = {word: code for code, word in enumerate(classes)} | {None: -1}
        return Labels(np.array([codes[word] for word in words], np.int64), classes)
    return Labels(_codes(what, values), ())


def labels_of_array(what: str, values: Shaped[np.ndarray, "rows ..."]) -> Labels:
    """Return the labels in an array of numbers, where -1 and nan are no label, or of words.

    Args:
        what: What a message calls it.
        values: Of shape (rows,) or (rows, 1).

    Raises:
        ValueError: There is more than one entry a row, a number is no label, or no row has one.
    """
    if values.size != len(values):
        raise ValueError(
            f"{what} has shape {values.shape}, but labels are one a row. If it marks each row's class with a 1, save "
            "`y.argmax(axis=1)`."
        )
    values = values.reshape(-1)
    if values.dtype.kind != "U":
        return Labels(_codes(what, values), ())
    if (np.ascontiguousarray(values).view(np.uint32) > sys.maxunicode).any():
        raise ValueError(f"{what} holds words that are no Unicode text. Save it again.")
    return labels_of_cells(what, values.tolist())


def _codes(what: str, values: Shaped[np.ndarray, " rows"]) -> Int64[np.ndarray, " rows"]:
    """Return whole numbers from -1 as they are, and -1 for nan."""
    if values.dtype.kind == "f":
        values = values.astype(np.float64)  # half precision could not be held against 2^53
        none = np.isnan(values)
        right = none | ((values >= -1) & (values < _EXACT) & (np.floor(values) == values))
    else:
        none = np.zeros(len(values), bool)
        right = (values >= -1) & (values <= np.iinfo(np.int64).max) if values.dtype.kind != "b" else ~none
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(
            f"{what} is {values[row]} in row {row}, but labels are words or whole numbers from 0, with -1 for none. "
            "Number the classes from 0, or name another column."
        )
    codes = np.where(none, 0, values).astype(np.int64)
    codes[none] = -1
    found = np.unique(codes)
    if found.tolist() == [-1]:
        raise ValueError(f"{what} has no label in any row. Leave `labels` out, or name other ones.")
    if found.tolist() == [-1, 1] and not none.any():
        raise ValueError(
            f"{what} holds -1 and 1, but -1 is no label. If these are two classes, write 0 and 1; if not, write nan, "
            "or an empty cell, for no label."
        )
    return codes
