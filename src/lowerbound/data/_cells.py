"""Cells of text as numbers."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

#: What stands in a cell that has no value, beside "nan" in any case; "?" is the UCI repository's.
GAPS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"})


def numbers(cells: Sequence[str]) -> Int64[np.ndarray, " cells"] | Float64[np.ndarray, " cells"]:
    """Return the numbers that cells hold: int64 if all are written as whole numbers, else float64, gaps as nan.

    Raises:
        ValueError: A cell holds a text.
    """
    if "_" in "".join(cells):  # Python reads 1_000 as a number
        raise ValueError
    try:
        return np.array(list(map(int, cells)), np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        return np.array(list(map(float, cells)), np.float64)
    except ValueError:
        return np.array([np.nan if is_gap(cell) else float(cell) for cell in cells], np.float64)


def is_gap(cell: str) -> bool:
    """Say whether a cell has no value."""
    return cell.strip() in GAPS


def is_number(cell: str) -> bool:
    """Say whether a cell holds a number or has no value."""
    try:
        numbers([cell])
    except ValueError:
        return False
    return True


def shortened(cell: str) -> str:
    """Return a cell in quotes for a message, on one line and not longer than one reads."""
    cell = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cell.strip())
    return f'"{cell}"' if len(cell) <= 40 else f'"{cell[:39]}…"'
