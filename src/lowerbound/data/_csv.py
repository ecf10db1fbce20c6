"""Tables as text: .csv with commas, .tsv with tabs, both with a first line of names."""

import csv
import os
import shlex
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from lowerbound.data._cells import is_number, numbers, shortened

_CELLS = 200_000  # that are text at one time

#: What else stands between columns, and what to do about it.
_MARKS = {
    ";": ("semicolons", "Save it with commas between columns, and points in numbers"),
    "\t": ("tabs", "Rename it to end in .tsv"),
    ",": ("commas", "Rename it to end in .csv"),
}


class Columns(NamedTuple):
    """What a CSV file holds: numbers, int64 if all are whole and none is missing; and one column as text."""

    rows: Int64[np.ndarray, "rows columns"] | Float64[np.ndarray, "rows columns"]
    text: list[str]


def csv_names(path: str) -> tuple[str, ...]:
    """Return the names of the columns, which are the first line.

    Raises:
        ValueError: That line holds no names, or one twice, or is parted by something else.
    """
    _, cells = next(_records(path), (1, []))
    names = tuple(cell.strip() for cell in cells)
    if not any(names):
        raise ValueError(f"`{path}` has a blank first line, but it is read as the names of columns. Write them there.")
    if "" in names:
        raise ValueError(
            f"`{path}` has no name for column {names.index('') + 1} in its first line. Name each column; if that one "
            "only counts rows, leave it out: `to_csv(..., index=False)` in pandas."
        )
    if all(map(is_number, names)):
        raise ValueError(
            f"`{path}` begins with the number {shortened(names[0])[1:-1]}, but its first line is read as the names of "
            "columns. Put a line of names above."
        )
    separator, between = ("\t", "tabs") if _is_tabbed(path) else (",", "commas")
    for mark, (word, cure) in _MARKS.items():
        if len(names) == 1 and mark != separator and mark in names[0]:
            raise ValueError(
                f"`{path}` is read with {between} between columns, but its first line has {word} there. {cure}."
            )
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ValueError(
                f"`{path}` names columns {names.index(name) + 1} and {position + 1} `{name}`. Rename one of them."
            )
    return names


def read_csv(path: str, names: Sequence[str], kept: Sequence[str], text: str | None) -> Columns:
    """Return some columns of a CSV file as numbers, and one as text.

    Args:
        path: A .csv or .tsv file.
        names: All of its columns, `csv_names(path)`.
        kept: Those to read as numbers, in their order.
        text: The one to read as text, or None for none.

    Raises:
        ValueError: A line has another number of cells than there are names; a cell of `kept` holds a text;
            there are no rows; or the file is no CSV in UTF-8.
    """
    records = _rows(path, len(names))
    at = [names.index(name) for name in kept]
    chunks, words = [], []
    while block := list(islice(records, max(1, _CELLS // len(names)))):
        columns = list(zip(*(cells for _, cells in block), strict=True))
        try:
            chunks.append(_stack([numbers(columns[i]) for i in at], len(block)))
        except ValueError as error:
            raise ValueError(_text_among_numbers(path, names, at, block)) from error
        if text is not None:
            words.extend(columns[names.index(text)])
    if not chunks:
        raise ValueError(f"`{path}` has names of columns in its first line, but no rows below. Save it again.")
    return Columns(np.concatenate(chunks), words)


def _stack(columns: list[np.ndarray], num_rows: int) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.empty((num_rows, 0))


def _text_among_numbers(path: str, names: Sequence[str], at: list[int], block: list[tuple[int, list[str]]]) -> str:
    line, name, cell = next((line, names[i], cells[i]) for line, cells in block for i in at if not is_number(cells[i]))
    word = shlex.quote(name)
    return (
        f"`{path}` has {shortened(cell)} in line {line}, column `{name}`, but rows are numbers. Take that column as "
        f"`labels` (`--labels {word}`), or leave it out with `drop` (`--drop {word}`)."
    )


def _rows(path: str, num_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row below the names with its line number; blank lines are gaps where there is one column."""
    blank = deque()
    for line, cells in islice(_records(path), 1, None):
        if not cells:
            if num_columns == 1:
                blank.append((line, [""]))
            continue
        if len(cells) != num_columns:
            raise ValueError(
                f"`{path}` has {_counted(len(cells), 'cell')} in line {line}, but {_counted(num_columns, 'name')} in "
                "its first line. Give each line one cell a column, in quotes if it holds a separator."
            )
        while blank:  # held back until a row follows: at the end of a file they mean nothing
            yield blank.popleft()
        yield line, cells


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _records(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line with the number of the line, or of the first of several that quotes join."""
    line = 1
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter="\t" if _is_tabbed(path) else ",", skipinitialspace=True, strict=True)
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except UnicodeDecodeError as error:
            raise ValueError(f"`{path}` is not UTF-8 {_undecoded(path)}. Save it as UTF-8.") from error
        except csv.Error as error:
            raise ValueError(
                f"`{path}` has a quote that is not closed, or not well, in the row that begins in line {line}. "
                "Write a quote within quotes twice."
            ) from error


def _undecoded(path: str) -> str:
    """Say where a file stops being UTF-8."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"in line {number}, byte 0x{line[error.start]:02x}"
    raise AssertionError("what failed to decode as a whole fails in a line")


def _is_tabbed(path: str) -> bool:
    return os.path.splitext(path)[1].lower() == ".tsv"
