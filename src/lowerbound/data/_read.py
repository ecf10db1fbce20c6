"""Tables of numbers from files: .npy, .npz, IDX and CSV."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, Shaped

from lowerbound._suggest import suggest
from lowerbound.data._csv import csv_names, read_csv
from lowerbound.data._format import CALLED, format_of
from lowerbound.data._idx import read_idx
from lowerbound.data._labels import Labels, labels_of_array, labels_of_cells
from lowerbound.data._listed import listed
from lowerbound.data._npy import read_npy
from lowerbound.data._npz import npz_names, read_npz

Rows = Shaped[np.ndarray, "rows ..."]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds: rows, the names of their columns, and the labels beside them.

    Args:
        rows: The leading axis counts rows. Read-only, of the file's own dtype in this machine's byte order; the
            file's own memory where it allows that (.npy, plain IDX of bytes).
        columns: The names of a CSV file's columns, as many as `rows` has; else none.
        labels: One a row, or None where none were asked for; -1 where a row has none.
        classes: The words that the labels stand for, sorted: label i is word i. None where labels are numbers,
            which stay as they are.
    """

    rows: Shaped[np.ndarray, "rows ..."]
    columns: tuple[str, ...]
    labels: Int64[np.ndarray, " rows"] | None
    classes: tuple[str, ...]


def read_table(
    path: str | os.PathLike,
    *,
    array: str | None = None,
    labels: str | os.PathLike | None = None,
    drop: Sequence[str] = (),
) -> Table:
    r"""Return the rows of a data file, and the labels beside them.

    The first bytes of a file say which format it has: .npy, .npz, or IDX (as MNIST's), plain or packed by gzip.
    Text is told by its ending: .csv has commas between columns and .tsv tabs, and the names of columns in the
    first line. Cells that are empty or hold `NA`, `N/A`, `nan`, `null` or `?` are gaps, which make nan of rows
    and -1 of labels. A CSV file whose cells are all written as whole numbers gives int64, any other float64.

    Nothing in a file is run: Python objects are refused. Its sizes are held against what it declares before
    memory is taken.

    Args:
        path: The file.
        array: Which array of an .npz file holds the rows; needed where it has several.
        labels: A column of a CSV file, which is taken out of the rows; an array of an .npz file; or another
            file with one label a row, of any of these formats (a CSV file with one column). A column or an
            array goes before a file of the same name. Labels are words, which are numbered in sorted order,
            or whole numbers from 0, with -1 or nan for none.
        drop: Columns of a CSV file to leave out.

    Raises:
        TypeError: `drop` is one string.
        ValueError: There is nothing to read at `path`; the file is damaged, or holds something else than rows
            of numbers; `array`, `labels` or `drop` name something else than it holds; or there is another
            number of labels than of rows.

    References:
        Kern (2007), *A simple file format for NumPy arrays*, https://numpy.org/neps/nep-0001-npy-format.html;
        Shafranovich (2005), *Common format and MIME type for CSV files*, https://www.rfc-editor.org/rfc/rfc4180.
    """
    if isinstance(drop, str):
        raise TypeError(f'`drop` is the string "{drop}", but it is a list of columns. Write `drop=["{drop}"]`.')
    file = os.fspath(path)
    form = format_of(file)
    if array is not None and form != "npz":
        raise ValueError(
            f'`array` is "{array}", but `{file}` is {CALLED[form]}, and only an .npz file names its arrays. '
            "Leave `array` out."
        )
    if drop and form != "csv":
        raise ValueError(
            f"`drop` names {listed(drop)}, but `{file}` is {CALLED[form]}, and only a CSV file names its columns. "
            "Leave `drop` out."
        )
    if form == "csv":
        return _of_csv(file, labels, drop)
    if form == "npz":
        return _of_npz(file, array, labels)
    rows = read_npy(file) if form == "npy" else read_idx(file)
    return _table(file, rows, (), None if labels is None else _beside(os.fspath(labels)))


def names_in(path: str | os.PathLike) -> tuple[str, ...]:
    """Return the names of a CSV file's columns or of an .npz file's arrays; () for a file of one plain array.

    Raises:
        ValueError: As `read_table`.
    """
    file = os.fspath(path)
    match format_of(file):
        case "csv":
            return csv_names(file)
        case "npz":
            return npz_names(file)
        case _:
            return ()


def _of_csv(path: str, labels: str | os.PathLike | None, drop: Sequence[str]) -> Table:
    names = csv_names(path)
    for name in drop:
        if name not in names:
            raise ValueError(f"{_unknown(path, 'column', name, names)}{suggest(name, names)}")
    column, others = _inside_or_beside(path, "column", labels, names)
    kept = tuple(name for name in names if name != column and name not in drop)
    if not kept:
        raise ValueError(f"`{path}` has no column left for rows beside {listed(names)}. Drop fewer of them.")
    rows, text = read_csv(path, names, kept, column)
    rows.flags.writeable = False
    found = others if column is None else labels_of_cells(f"`{column}` in `{path}`", text)
    return _table(path, rows, kept, found)


def _of_npz(path: str, array: str | None, labels: str | os.PathLike | None) -> Table:
    names = npz_names(path)
    if array is not None and array not in names:
        raise ValueError(f"{_unknown(path, 'array', array, names)}{suggest(array, names)}")
    column, others = _inside_or_beside(path, "array", labels, names)
    left = [name for name in names if name != column] if array is None else [array]
    if not left:
        raise ValueError(f"`{path}` has no array beside the labels `{column}`. Name a file that holds rows too.")
    if len(left) > 1:
        beside = "" if column is None else f" beside the labels `{column}`"
        raise ValueError(
            f"`{path}` holds {len(left)} arrays{beside}, {listed(left)}. "
            f"Choose one with `array` (`--array {shlex.quote(left[0])}`)."
        )
    rows = read_npz(path, left[0])
    found = others if column is None else labels_of_array(f"`{column}` in `{path}`", read_npz(path, column, words=True))
    return _table(path, rows, (), found)


def _inside_or_beside(
    path: str, kind: str, labels: str | os.PathLike | None, names: Sequence[str]
) -> tuple[str | None, Labels | None]:
    """Return the name under which the file itself has the labels, or the labels of another file; one or both None."""
    if labels is None:
        return None, None
    if isinstance(labels, str) and labels in names:
        return labels, None
    if isinstance(labels, str) and not os.path.exists(labels):
        known = _unknown(path, kind, labels, names)
        raise ValueError(f"{known.removesuffix('.')}; nor is there such a file.{suggest(labels, names)}")
    return None, _beside(os.fspath(labels))


def _unknown(path: str, kind: str, name: str, names: Sequence[str]) -> str:
    return f"`{name}` is no {kind} of `{path}`, which has {listed(names)}."


def _beside(path: str) -> Labels:
    """Return the labels that a file of their own holds."""
    form, what = format_of(path), f"`{path}`"
    if form == "csv":
        names = csv_names(path)
        if len(names) != 1:
            raise ValueError(
                f"{what} has {len(names)} columns, {listed(names)}, but a file of labels has one. Save that alone."
            )
        return labels_of_cells(what, read_csv(path, names, (), names[0]).text)
    if form == "npz":
        names = npz_names(path)
        if len(names) != 1:
            raise ValueError(
                f"{what} holds {len(names)} arrays, {listed(names)}, but a file of labels holds one. Save that alone."
            )
        return labels_of_array(what, read_npz(path, names[0], words=True))
    return labels_of_array(what, read_npy(path, words=True) if form == "npy" else read_idx(path))


def _table(path: str, rows: Rows, columns: tuple[str, ...], found: Labels | None) -> Table:
    if found is None:
        return Table(rows, columns, None, ())
    if len(found.codes) != len(rows):
        raise ValueError(f"`{path}` has {len(rows)} rows, but there are {len(found.codes)} labels. Give each row one.")
    found.codes.flags.writeable = False
    return Table(rows, columns, *found)
