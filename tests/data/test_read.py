"""What is written to a file is what is read from it; whatever else lies there is refused in one sentence."""

import gzip
import io
import os
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lowerbound.data._read import Table, read_table

IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Work in a folder of one's own, so that messages hold short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(path, **how) -> str:
    with pytest.raises(ValueError) as raised:
        read_table(path, **how)
    return str(raised.value)


READ = "read"


def outcome(path) -> str:
    """Say how reading ends: well, or in which sentence."""
    try:
        read_table(path)
    except ValueError as error:
        return str(error)
    return READ


def idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, IDX_CODES[values.dtype.str[1:]], values.ndim]) + struct.pack(
        f">{values.ndim}I", *values.shape
    )
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def npy(values, **how) -> bytes:
    file = io.BytesIO()
    np.save(file, values, **how)
    return file.getvalue()


def assert_holds(table: Table, values: np.ndarray) -> None:
    assert (table.columns, table.labels, table.classes) == ((), None, ())
    assert table.rows.dtype == values.dtype.newbyteorder("=")
    assert table.rows.dtype.isnative
    assert not table.rows.flags.writeable
    np.testing.assert_array_equal(table.rows, values)


# Reading what was written.

arrays = npst.arrays(
    st.one_of(
        npst.boolean_dtypes(),
        *(kind(endianness="?") for kind in (npst.integer_dtypes, npst.floating_dtypes)),
        npst.unsigned_integer_dtypes(endianness="?"),
    ).filter(lambda dtype: dtype.itemsize <= 8),
    npst.array_shapes(max_dims=4, max_side=4),
)
idx_arrays = npst.arrays(st.sampled_from(sorted(IDX_CODES)), npst.array_shapes(max_dims=4, max_side=4))


@settings(deadline=None, max_examples=100)
@given(arrays, st.booleans())
def test_arrays_of_numpy_come_back(values, fortran):
    values = np.asfortranarray(values) if fortran else values
    with tempfile.TemporaryDirectory() as at:
        for save, name in ((np.save, "a.npy"), (np.savez, "a.npz"), (np.savez_compressed, "b.npz")):
            save(f"{at}/{name}", values)
            assert_holds(read_table(f"{at}/{name}"), values)


@settings(deadline=None, max_examples=100)
@given(idx_arrays)
def test_idx_comes_back_plain_and_packed(values):
    with tempfile.TemporaryDirectory() as at:
        for name, content in (("a-idx-ubyte", idx(values)), ("a-idx-ubyte.gz", gzip.compress(idx(values)))):
            Path(at, name).write_bytes(content)
            assert_holds(read_table(Path(at, name)), values)


def test_files_that_lie_as_arrays_do_are_mapped(folder):
    images = np.arange(5 * 28 * 28, dtype=np.uint8).reshape(5, 28, 28)
    np.save("a.npy", images)
    Path("train-images-idx3-ubyte").write_bytes(idx(images))
    for name in ("a.npy", "train-images-idx3-ubyte"):
        rows = read_table(name).rows
        assert type(rows) is np.ndarray
        assert isinstance(rows.base, np.memmap)
        assert (rows.shape, rows.dtype) == ((5, 28, 28), np.uint8)


def test_the_content_says_the_format_whatever_the_name():
    Path("a.dat").write_bytes(npy(np.arange(3)))
    Path("b").write_bytes(gzip.compress(idx(np.arange(3, dtype=np.uint8))))
    assert read_table("a.dat").rows.tolist() == [0, 1, 2]
    assert read_table("b").rows.tolist() == [0, 1, 2]


def test_an_array_that_python_2_saved_is_read():
    Path("a.npy").write_bytes(npy(np.arange(3)).replace(b"(3,), } ", b"(3L,), }"))
    assert read_table("a.npy").rows.tolist() == [0, 1, 2]


def test_one_array_needs_no_name_and_one_of_several_does():
    np.savez("one.npz", a=[1, 2])
    np.savez("three.npz", a=[1, 2], b=[3], c=["x", "y"])
    assert read_table("one.npz").rows.tolist() == [1, 2]
    assert read_table("one.npz", array="a").rows.tolist() == [1, 2]
    assert read_table("three.npz", array="b").rows.tolist() == [3]
    assert refused("three.npz") == (
        "`three.npz` holds 3 arrays, `a`, `b` and `c`. Choose one with `array` (`--array a`)."
    )
    assert refused("three.npz", labels="c") == (
        "`three.npz` holds 2 arrays beside the labels `c`, `a` and `b`. Choose one with `array` (`--array a`)."
    )
    assert refused("three.npz", array="bb") == (
        "`bb` is no array of `three.npz`, which has `a`, `b` and `c`. Did you mean `b`?"
    )
    assert refused("one.npz", labels="a") == (
        "`one.npz` has no array beside the labels `a`. Name a file that holds rows too."
    )


def test_many_names_are_cut_short():
    np.savez("many.npz", *([i] for i in range(20)))
    assert refused("many.npz") == (
        "`many.npz` holds 20 arrays, `arr_0`, `arr_1`, `arr_2`, `arr_3`, `arr_4`, `arr_5`, `arr_6` and 13 more. Choose "
        "one with `array` (`--array arr_0`)."
    )


# Labels.


def save_labels(kind: str, values: list) -> str:
    """Write labels to a file of their own, and name it."""
    if kind == "idx":
        Path("y.idx").write_bytes(idx(np.array(values, np.int8)))
    elif kind == "npy":
        np.save("y.npy", values)
    elif kind == "npz":
        np.savez("y.npz", values)
    else:
        Path("y.csv").write_text("y\n" + "".join(f"{value}\n" for value in values))
    return f"y.{kind}"


@pytest.mark.parametrize("kind", ["npy", "npz", "idx", "csv"])
@pytest.mark.parametrize("rows", ["npy", "csv"])
def test_labels_may_lie_in_a_file_of_their_own(kind, rows):
    np.save("x.npy", np.zeros((4, 2)))
    Path("x.csv").write_text("a,b\n" + "0,1\n" * 4)
    for labels in (save_labels(kind, [3, 0, -1, 0]), Path(f"y.{kind}")):
        table = read_table(f"x.{rows}", labels=labels)
        assert table.labels is not None
        assert (table.labels.tolist(), table.classes) == ([3, 0, -1, 0], ())
        assert table.labels.dtype == np.int64
        assert not table.labels.flags.writeable
        assert table.columns == (("a", "b") if rows == "csv" else ())


@pytest.mark.parametrize("kind", ["npy", "npz", "csv"])
def test_words_are_numbered_in_sorted_order(kind):
    np.save("x.npy", np.zeros((4, 2)))
    table = read_table("x.npy", labels=save_labels(kind, ["rose", "", "iris", " rose"]))
    assert table.labels is not None
    assert (table.labels.tolist(), table.classes) == ([1, -1, 0, 1], ("iris", "rose"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, np.nan, 0.0]), [1, -1, 0]),
        (np.array([1.0, np.nan, 0.0], np.float16), [1, -1, 0]),
        (np.array([1, np.nan, -1]), [1, -1, -1]),
        (np.array([True, False, True]), [1, 0, 1]),
        (np.array([[2], [0], [7]], np.uint8), [2, 0, 7]),
        (np.array(["1", "", "0"]), [1, -1, 0]),
        (np.array([0, 2**62, 1]), [0, 2**62, 1]),
    ],
)
def test_labels_that_are_numbers_stay(values, expected):
    np.savez("a.npz", x=np.zeros((3, 2)), y=values)
    table = read_table("a.npz", labels="y")
    assert table.labels is not None
    assert (table.labels.tolist(), table.classes) == (expected, ())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            np.array([1, 0.5, 2]),
            "`y` in `a.npz` is 0.5 in row 1, but labels are words or whole numbers from 0, with -1 for none. Number "
            "the classes from 0, or name another column.",
        ),
        (
            np.array([0, 1, -2]),
            "`y` in `a.npz` is -2 in row 2, but labels are words or whole numbers from 0, with -1 for none. Number the "
            "classes from 0, or name another column.",
        ),
        (
            np.array([0, np.inf, 1]),
            "`y` in `a.npz` is inf in row 1, but labels are words or whole numbers from 0, with -1 for none. Number "
            "the classes from 0, or name another column.",
        ),
        (
            np.array([2**63, 0, 1], np.uint64),
            "`y` in `a.npz` is 9223372036854775808 in row 0, but labels are words or whole numbers from 0, with -1 for "
            "none. Number the classes from 0, or name another column.",
        ),
        (
            np.array([-1, 1, 1]),
            "`y` in `a.npz` holds -1 and 1, but -1 is no label. If these are two classes, write 0 and 1; if not, write "
            "nan, or an empty cell, for no label.",
        ),
        (
            np.full(3, np.nan),
            "`y` in `a.npz` has no label in any row. Leave `labels` out, or name other ones.",
        ),
        (
            np.eye(3),
            "`y` in `a.npz` has shape (3, 3), but labels are one a row. If it marks each row's class with a 1, save "
            "`y.argmax(axis=1)`.",
        ),
        (np.zeros(4), "`a.npz` has 3 rows, but there are 4 labels. Give each row one."),
        (
            np.zeros(3, complex),
            "`y` in `a.npz` has dtype complex128, but labels are whole numbers or words. Convert it before "
            "you save it.",
        ),
        (
            np.frombuffer(b"\xff" * 12, "<U1"),
            "`y` in `a.npz` holds words that are no Unicode text. Save it again.",
        ),
    ],
)
def test_what_is_no_label_is_refused(values, expected):
    np.savez("a.npz", x=np.zeros((3, 2)), y=values)
    assert refused("a.npz", labels="y") == expected


def test_labels_that_are_nowhere_are_refused():
    np.savez("a.npz", images=[1, 2], targets=[0, 1])
    np.save("x.npy", [1, 2])
    assert refused("a.npz", labels="target") == (
        "`target` is no array of `a.npz`, which has `images` and `targets`; nor is there such a file. "
        "Did you mean `targets`?"
    )
    assert refused("x.npy", labels="y.npy") == "There is no file `y.npy`. Did you mean `x.npy`?"
    assert refused("a.npz", array="images", labels=Path("targets")) == "There is no file `targets`. Check the path."


def test_a_file_of_labels_holds_nothing_else():
    np.save("x.npy", [1, 2])
    np.savez("y.npz", a=[1, 2], b=[1, 2])
    Path("y.csv").write_text("a,b\n1,2\n3,4\n")
    assert refused("x.npy", labels="y.npz") == (
        "`y.npz` holds 2 arrays, `a` and `b`, but a file of labels holds one. Save that alone."
    )
    assert refused("x.npy", labels="y.csv") == (
        "`y.csv` has 2 columns, `a` and `b`, but a file of labels has one. Save that alone."
    )


# Paths.


def test_a_missing_file_brings_its_neighbour_to_mind(folder):
    np.save("train.npy", [1])
    assert refused("trian.npy") == "There is no file `trian.npy`. Did you mean `train.npy`?"
    assert refused("zzz") == "There is no file `zzz`. Check the path."
    assert refused(f"{folder}/trian.npy") == f"There is no file `{folder}/trian.npy`. Did you mean `train.npy`?"
    assert refused("no/trian.npy") == "There is no file `no/trian.npy`, nor a folder `no`. Check the path."
    assert refused("train.npy/x") == "There is no file `train.npy/x`, nor a folder `train.npy`. Check the path."


def test_a_folder_is_refused(folder):
    Path("data").mkdir()
    formats = ".npy, .npz, IDX (plain or gzip), .csv and .tsv"
    assert refused("data") == f"`data` is a folder, but data are read from one file: {formats}. Name a file."
    np.save("data/b.npy", [1])
    assert refused(Path("data")) == (
        f"`data` is a folder, but data are read from one file: {formats}. Name one of its files, such as `data/b.npy`."
    )


def test_an_empty_file_is_refused():
    Path("a.npy").touch()
    assert refused("a.npy") == "`a.npy` is empty. Save or download it again."


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no named pipes")
def test_a_pipe_is_refused():
    os.mkfifo("pipe")
    assert refused("pipe") == ("`pipe` is a pipe or a device, but data are read from a file. Write it to a file first.")


def test_a_closed_file_is_refused(monkeypatch):
    np.save("a.npy", [1])

    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", closed)
        sentence = refused("a.npy")
    assert sentence == "`a.npy` may not be read by you. Change its permissions, or copy it as its owner."


def test_a_name_that_no_system_takes_is_refused():
    name = "x" * 5000
    assert refused(name) == f"`{name}` cannot be opened: File name too long. Check the path."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.npy", b"numbers", "`a.npy` does not begin like an .npy file, for all its name. Save or download it again."),
        ("a.npz", b"numbers", "`a.npz` does not begin like an .npz file, for all its name. Save or download it again."),
        ("a.idx", b"numbers", "`a.idx` does not begin like an IDX file, for all its name. Save or download it again."),
        ("a.gz", b"numbers", "`a.gz` does not begin like a gzip file, for all its name. Save or download it again."),
        ("a.gz", b"\n<!DOCTYPE HTML>", "`a.gz` is a web page, not data: the download failed. Download it again."),
        (
            "iris.data",
            b"5.1,3.5\n",
            "`iris.data` is text, which is read from .csv (commas) or .tsv (tabs) with a first line of names. Rename "
            "it: `iris.csv`.",
        ),
        (
            "a.bin",
            b"\x01\x00\x02",
            "`a.bin` has no format that is read here: .npy, .npz, IDX (plain or gzip), .csv and .tsv. Save it as one "
            "of these.",
        ),
        (
            "a.parquet",
            b"PAR1\x15\x04",
            "`a.parquet` is a Parquet file, but data are read from .npy, .npz, IDX (plain or gzip), .csv and .tsv. "
            "Save it as one of these.",
        ),
        (
            "a.npy",
            b"\x80\x04\x95",
            "`a.npy` is a Python pickle, which could run code when read, but data are read from .npy, .npz, IDX (plain "
            "or gzip), .csv and .tsv. Save it as one of these.",
        ),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n1,2\n", mtime=0),
            "`a.csv.gz` is packed by gzip, but only IDX files are read so. Unpack it first: `gunzip a.csv.gz`.",
        ),
    ],
)
def test_another_format_is_refused(name, content, expected):
    Path(name).write_bytes(content)
    assert refused(name) == expected


def test_a_zip_of_other_things_is_refused():
    for name, members in (("a.xlsx", ["sheet.xml"]), ("b.npz", [])):
        with zipfile.ZipFile(name, "w") as archive:
            for member in members:
                archive.writestr(member, "")
        assert refused(name) == (
            f"`{name}` is a zip archive without arrays of NumPy. Unpack it, or save a spreadsheet as .csv."
        )


def test_names_are_for_files_that_have_some():
    np.save("a.npy", [1, 2])
    Path("b.csv").write_text("a,b\n1,2\n")
    Path("c.idx").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    assert refused("a.npy", array="x") == (
        '`array` is "x", but `a.npy` is an .npy file, and only an .npz file names its arrays. Leave `array` out.'
    )
    assert refused("b.csv", array="a") == (
        '`array` is "a", but `b.csv` is a CSV file, and only an .npz file names its arrays. Leave `array` out.'
    )
    assert refused("c.idx", drop=["a", "b"]) == (
        "`drop` names `a` and `b`, but `c.idx` is an IDX file, and only a CSV file names its columns. Leave `drop` out."
    )
    with pytest.raises(TypeError) as raised:
        read_table("b.csv", drop="ab")
    assert str(raised.value) == '`drop` is the string "ab", but it is a list of columns. Write `drop=["ab"]`.'


# What arrays may not be.


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array(["a", "bc"]), "has dtype <U2, but data are numbers of up to 64 bits. Convert it before you save it."),
        (
            np.zeros(2, complex),
            "has dtype complex128, but data are numbers of up to 64 bits. Convert it before you save it.",
        ),
        (
            np.zeros(2, "f4,i4"),
            "has dtype [('f0', '<f4'), ('f1', '<i4')], but data are numbers of up to 64 bits. Convert it "
            "before you save it.",
        ),
        (np.array(3.5), "is a single number, but the leading axis of an array counts rows."),
        (np.zeros((3, 0)), "has shape (3, 0), which holds no entry."),
        (
            np.array([{}, None]),
            "holds Python objects, which could run code when read, so it is not read. Save numbers: `x.astype(float)`.",
        ),
    ],
)
def test_an_array_of_numpy_holds_rows_of_numbers(values, expected):
    np.save("a.npy", values, allow_pickle=True)
    np.savez("a.npz", x=values, allow_pickle=True)
    assert refused("a.npy") == f"`a.npy` {expected}"
    assert refused("a.npz", array="x") == f"`x` in `a.npz` {expected}"


def test_an_idx_file_holds_rows():
    Path("a.idx").write_bytes(bytes([0, 0, 8, 0, 7]))
    Path("b.idx").write_bytes(bytes([0, 0, 8, 2]) + struct.pack(">II", 0, 2**32 - 1))
    assert refused("a.idx") == "`a.idx` is a single number, but the leading axis of an array counts rows."
    assert refused("b.idx") == "`b.idx` has shape (0, 4294967295), which holds no entry."


# Damage.


def test_an_npy_file_is_as_long_as_it_declares():
    whole = npy(np.zeros((10, 3)))
    declares = "`a.npy` declares shape (10, 3) of float64, 368 bytes with its header, but it has"
    Path("a.npy").write_bytes(whole[:300])
    assert refused("a.npy") == f"{declares} 300. It was cut short: save or download it again."
    Path("a.npy").write_bytes(whole + b"\0")
    assert refused("a.npy") == f"{declares} 369. Something was added to it: save or download it again."


@pytest.mark.parametrize(
    "content",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x01",
        b"\x93NUMPY\x09\x00" + npy([1])[8:],
        npy([1])[:50],
        npy([1]).replace(b"'shape'", b"'shade'"),
        npy([1]).replace(b"(1,)", b"(-1,"),
        npy([1]).replace(b"(1,), ", b"(-1,),"),
        npy([1]).replace(b"<i8", b"<q9"),
        npy([1]).replace(b"{", b"("),
        b"\x93NUMPY\x02\0" + struct.pack("<I", 9000) + b"-" * 9000,
        b"\x93NUMPY\x02\0" + struct.pack("<I", 2**31) + b" " * 20000,
    ],
)
def test_a_damaged_header_is_refused(content):
    Path("a.npy").write_bytes(content)
    assert refused("a.npy") == "`a.npy` has a damaged header, so it cannot be read. Save it again with NumPy."


def member(content: bytes, archive: str | io.BytesIO = "a.npz") -> str | io.BytesIO:
    """Write an archive of one array, and return it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
    return archive


def test_an_array_in_an_archive_is_as_long_as_it_declares():
    whole = npy(np.zeros((10, 3)))
    declares = "`x` in `a.npz` declares shape (10, 3) of float64, 368 bytes with its header, but it unpacks to"
    assert refused(member(whole[:300])) == f"{declares} 300. It was cut short: save or download it again."
    assert refused(member(whole + b"\0")) == f"{declares} more. Something was added to it: save or download it again."
    assert refused(member(b"\x93NUMPY")) == (
        "`x` in `a.npz` has a damaged header, so it cannot be read. Save it again with NumPy."
    )


def test_a_damaged_archive_is_refused():
    member(npy(np.random.default_rng(0).normal(size=(100, 10))))
    content = Path("a.npz").read_bytes()
    Path("a.npz").write_bytes(content[:4000])
    assert refused("a.npz") == (
        "`a.npz` is damaged or was cut short, so it cannot be unpacked. Save or download it again."
    )
    for at in (6, 8, 14, 200, 4000):  # a flag of encryption, the way of packing, the checksum, and what is packed
        broken = bytearray(content)
        broken[at] ^= 0xFF
        Path("a.npz").write_bytes(broken)
        assert outcome("a.npz") in (
            READ,
            "`x` in `a.npz` is damaged or was cut short, so it cannot be unpacked. Save or download it again.",
        )


def test_what_would_fill_memory_is_refused_before_it_does():
    claim = bytearray(npy(np.zeros(1)))
    at = claim.index(b"(1,), }            ")
    claim[at : at + 19] = b"(1250000000000,), }"
    member(bytes(claim))
    size = os.path.getsize("a.npz")
    assert refused("a.npz") == (
        f"`x` in `a.npz` declares 10000000000128 bytes, but its file has only {size}, so it is damaged or made to fill "
        "memory. If it is sound, save it unpacked, as .npy or plain IDX."
    )
    packed = gzip.compress(bytes([0, 0, 8, 2]) + struct.pack(">II", 2**31, 2**31))
    Path("a.gz").write_bytes(packed)
    assert refused("a.gz") == (
        f"`a.gz` declares 4611686018427387916 bytes, but its file has only {len(packed)}, so it is damaged or made to "
        "fill memory. If it is sound, save it unpacked, as .npy or plain IDX."
    )


def test_an_idx_file_is_as_long_as_it_declares():
    whole = idx(np.zeros((10, 28, 28), np.uint8))
    declares = "`a.idx` declares shape (10, 28, 28) of uint8, 7856 bytes with its header, but it"
    for pack, verb in ((bytes, "has"), (gzip.compress, "unpacks to")):
        Path("a.idx").write_bytes(pack(whole[:7000]))
        assert refused("a.idx") == f"{declares} {verb} 7000. It was cut short: save or download it again."
        Path("a.idx").write_bytes(pack(whole + b"\0"))
        more = "7857" if verb == "has" else "more"
        assert refused("a.idx") == f"{declares} {verb} {more}. Something was added to it: save or download it again."


@pytest.mark.parametrize("head", ["00 00 07 01", "00 00 08 41", "00 00"])
def test_a_header_that_is_none_of_idx_is_refused(head):
    Path("a.idx").write_bytes(bytes.fromhex(head))
    assert refused("a.idx") == (
        f"`a.idx` begins with the bytes {head}, but an IDX file begins with 00 00, its type (08, 09, 0b, 0c, 0d or 0e) "
        "and its number of axes. Save it as .npy, or download it again."
    )


def test_an_idx_header_that_ends_too_early_is_refused():
    Path("a.idx").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1]))
    assert refused("a.idx") == "`a.idx` ends within its header. It was cut short: save or download it again."


def test_a_damaged_gzip_file_is_refused():
    content = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (100, 50), np.uint8)))
    for broken in (
        content[:4000],
        content[:12],
        content[:-4],
        content[:2000] + b"\xff\xff" + content[2002:],
        content[:-6] + b"\0" + content[-5:],
    ):
        Path("a.gz").write_bytes(broken)
        assert refused("a.gz") == (
            "`a.gz` is damaged or was cut short, so it cannot be unpacked. Save or download it again."
        )


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damage_of_any_kind_is_read_or_refused_in_a_sentence(data):
    """Whatever bytes change, nothing but ValueError comes out, and nothing without the file's name."""
    packed = io.BytesIO()
    member(npy(np.arange(12.0).reshape(4, 3)), packed)
    kinds = {
        "a.npy": npy(np.arange(12.0).reshape(4, 3)),
        "a.npz": packed.getvalue(),
        "a.idx": idx(np.arange(12, dtype=np.int16).reshape(4, 3)),
        "a.gz": gzip.compress(idx(np.arange(12, dtype=np.int16).reshape(4, 3)), mtime=0),
        "a.csv": b'a,b,"c d"\n1,2.5,3\n4,,6\n"7",8,9\n',
    }
    name = data.draw(st.sampled_from(sorted(kinds)))
    content = bytearray(kinds[name])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))] if data.draw(st.booleans()) else content
    with tempfile.TemporaryDirectory() as at:
        path = Path(at, name)
        path.write_bytes(content)
        said = outcome(path)
    assert said == READ or (f"`{path}`" in said and said.endswith((".", "?")))
