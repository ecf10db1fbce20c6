"""Tables as text: what they hold, and what is said of a line that is wrong."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lowerbound.data._read import Table, read_table


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Work in a folder of one's own, so that messages hold short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str | bytes, name: str = "a.csv", **how) -> Table:
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(name, **how)


def refused(text: str | bytes, name: str = "a.csv", **how) -> str:
    with pytest.raises(ValueError) as raised:
        read(text, name, **how)
    return str(raised.value)


# What a table holds.

shapes = st.tuples(st.integers(1, 5), st.integers(2, 5))
names = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=5, max_size=5, unique=True)


@settings(deadline=None)
@given(
    st.one_of(npst.arrays(np.float64, shapes), npst.arrays(np.int64, shapes)), names, st.sampled_from(["csv", "tsv"])
)
def test_numbers_and_names_come_back_exactly(tmp_path_factory, rows, names, ending):
    names = [f"{name}!" for name in names[: rows.shape[1]]]  # so that none is a number
    path = tmp_path_factory.mktemp("tables") / f"a.{ending}"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="," if ending == "csv" else "\t")
        writer.writerows([names, *rows.tolist()])
    table = read_table(path)
    assert table.columns == tuple(names)
    assert table.rows.dtype == rows.dtype
    assert not table.rows.flags.writeable
    assert repr(table.rows.tolist()) == repr(rows.tolist())  # with the sign of 0, and nan


def test_whole_numbers_without_gaps_are_int64():
    assert read("a,b\n1,-2\n3,4\n").rows.dtype == np.int64
    assert read("a,b\n1,-2\n3,4.0\n").rows.dtype == np.float64
    assert read("a,b\n1,-2\n3,\n").rows.dtype == np.float64
    assert read(f"a\n{2**63}\n").rows.tolist() == [[2.0**63]]


def test_a_long_table_is_of_one_type(monkeypatch):
    """It is read in pieces, of which only the last has a gap here."""
    monkeypatch.setattr("lowerbound.data._csv._CELLS", 10)
    rows = [[i, -i] for i in range(33)]
    lines = "".join(f"{a},{b}\n" for a, b in rows)
    assert np.array_equal(read("a,b\n" + lines).rows, rows)
    table = read("a,b\n" + lines + ",7\n")
    assert table.rows.dtype == np.float64
    assert np.array_equal(table.rows, [*rows, [np.nan, 7]], equal_nan=True)
    assert refused("a,b\n" + lines + "8,x\n") == (
        '`a.csv` has "x" in line 35, column `b`, but rows are numbers. Take that column as `labels` '
        "(`--labels b`), or leave it out with `drop` (`--drop b`)."
    )


@pytest.mark.parametrize("gap", ["", " ", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "?", '""'])
def test_a_cell_without_a_value_is_nan(gap):
    assert np.array_equal(read(f"a,b\n1,{gap}\n").rows, [[1, np.nan]], equal_nan=True)


def test_a_spreadsheet_is_read_as_it_comes():
    """A byte order mark, Windows' line ends, quotes, spaces, and blank lines in between and at the end."""
    table = read(b'\xef\xbb\xbf"weight (kg)", height\r\n"1.5", 2\r\n\r\n3,4\r\n\r\n')
    assert table.columns == ("weight (kg)", "height")
    assert table.rows.tolist() == [[1.5, 2.0], [3.0, 4.0]]


def test_a_blank_line_in_one_column_is_a_gap():
    table = read('a\n1\n\n2\n""\n\n\n')
    assert np.array_equal(table.rows, [[1], [np.nan], [2], [np.nan]], equal_nan=True)


def test_tabs_part_the_columns_of_a_tsv():
    table = read("a\tb, c\n1\t2\n", "a.TSV")
    assert (table.columns, table.rows.tolist()) == (("a", "b, c"), [[1, 2]])


def test_a_column_of_labels_is_taken_out():
    table = read("a,species,b,who\n1,iris,2,me\n3,,4,you\n5, aster ,6,me\n", labels="species", drop=["who"])
    assert (table.columns, table.rows.tolist()) == (("a", "b"), [[1, 2], [3, 4], [5, 6]])
    assert table.labels is not None
    assert (table.labels.tolist(), table.classes) == ([1, -1, 0], ("aster", "iris"))


def test_labels_that_are_numbers_stay():
    table = read("a,y\n1,7\n2,?\n3,0.0\n", labels="y")
    assert table.labels is not None
    assert (table.labels.tolist(), table.classes) == ([7, -1, 0], ())
    assert read("a,y\n1,7\n2,b\n3,0\n", labels="y").classes == ("0", "7", "b")


# What is refused.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a,species\n1,iris\n",
            '`a.csv` has "iris" in line 2, column `species`, but rows are numbers. Take that column as `labels` '
            "(`--labels species`), or leave it out with `drop` (`--drop species`).",
        ),
        (
            'a,the species,b\n1,2,3\n"\n4","5\n6",x\n',
            '`a.csv` has "5�6" in line 3, column `the species`, but rows are numbers. Take that column as `labels` '
            "(`--labels 'the species'`), or leave it out with `drop` (`--drop 'the species'`).",
        ),
        (
            "a,b\n1,1_000\n",
            '`a.csv` has "1_000" in line 2, column `b`, but rows are numbers. Take that column as `labels` '
            "(`--labels b`), or leave it out with `drop` (`--drop b`).",
        ),
        (
            "a\n" + "long" * 20 + "\n",
            f'`a.csv` has "{"long" * 9}lon…" in line 2, column `a`, but rows are numbers. Take that column as `labels` '
            "(`--labels a`), or leave it out with `drop` (`--drop a`).",
        ),
        (
            "a,b\n1,2\n\n3\n",
            "`a.csv` has 1 cell in line 4, but 2 names in its first line. Give each line one cell a column, in quotes "
            "if it holds a separator.",
        ),
        (
            "a\n1,2\n",
            "`a.csv` has 2 cells in line 2, but 1 name in its first line. Give each line one cell a column, in quotes "
            "if it holds a separator.",
        ),
        (
            "5.1,3.5\n1,2\n",
            "`a.csv` begins with the number 5.1, but its first line is read as the names of columns. Put a line of "
            "names above.",
        ),
        ("a,b,a\n1,2,3\n", "`a.csv` names columns 1 and 3 `a`. Rename one of them."),
        (
            ",a\n0,1\n",
            "`a.csv` has no name for column 1 in its first line. Name each column; if that one only counts rows, leave "
            "it out: `to_csv(..., index=False)` in pandas.",
        ),
        (
            "\na,b\n1,2\n",
            "`a.csv` has a blank first line, but it is read as the names of columns. Write them there.",
        ),
        (" , \n", "`a.csv` has a blank first line, but it is read as the names of columns. Write them there."),
        (
            b"\xef\xbb\xbf",
            "`a.csv` has a blank first line, but it is read as the names of columns. Write them there.",
        ),
        ("a,b\n\n", "`a.csv` has names of columns in its first line, but no rows below. Save it again."),
        (
            "a;b\n1,5;2\n",
            "`a.csv` is read with commas between columns, but its first line has semicolons there. Save it with commas "
            "between columns, and points in numbers.",
        ),
        (
            "a\tb\n1\t2\n",
            "`a.csv` is read with commas between columns, but its first line has tabs there. Rename it to end in .tsv.",
        ),
        (
            'a,b\n1,2\n3,"4\n5,6\n',
            "`a.csv` has a quote that is not closed, or not well, in the row that begins in line 3. Write a quote "
            "within quotes twice.",
        ),
        (
            'a,b\n"1"2,3\n',
            "`a.csv` has a quote that is not closed, or not well, in the row that begins in line 2. Write a quote "
            "within quotes twice.",
        ),
        ("a,größe\n1,2\n".encode("latin-1"), "`a.csv` is not UTF-8 in line 1, byte 0xf6. Save it as UTF-8."),
        (b"a,b\n1,2\n3,\xe9\n", "`a.csv` is not UTF-8 in line 3, byte 0xe9. Save it as UTF-8."),
        ("a,b\n1,2\n".encode("utf-16"), "`a.csv` is not UTF-8 in line 1, byte 0xff. Save it as UTF-8."),
    ],
)
def test_a_table_that_is_wrong_is_refused(text, expected):
    assert refused(text) == expected


def test_commas_in_a_tsv_are_refused():
    assert refused("a,b\n1,2\n", "a.tsv") == (
        "`a.tsv` is read with tabs between columns, but its first line has commas there. Rename it to end in .csv."
    )


def test_columns_that_are_not_there_are_refused():
    text = "length,width,species\n1,2,iris\n"
    assert refused(text, drop=["specie"]) == (
        "`specie` is no column of `a.csv`, which has `length`, `width` and `species`. Did you mean `species`?"
    )
    assert refused(text, labels="specie") == (
        "`specie` is no column of `a.csv`, which has `length`, `width` and `species`; nor is there such a file. "
        "Did you mean `species`?"
    )
    assert refused(text, labels="species", drop=["length", "width"]) == (
        "`a.csv` has no column left for rows beside `length`, `width` and `species`. Drop fewer of them."
    )


def test_labels_that_are_none_are_refused():
    assert refused("a,y\n1,0.5\n", labels="y") == (
        "`y` in `a.csv` is 0.5 in row 0, but labels are words or whole numbers from 0, with -1 for none. Number the "
        "classes from 0, or name another column."
    )
    assert refused("a,y\n1,-1\n2,1\n", labels="y") == (
        "`y` in `a.csv` holds -1 and 1, but -1 is no label. If these are two classes, write 0 and 1; if not, write "
        "nan, or an empty cell, for no label."
    )
