"""Which format a file has, by its first bytes; by its ending only where they do not say."""

import os
from typing import Literal

from lowerbound.data._path import FORMATS, check_path

Format = Literal["npy", "npz", "idx", "csv"]

#: What a sentence calls a file of each format.
CALLED: dict[Format, str] = {"npy": "an .npy file", "npz": "an .npz file", "idx": "an IDX file", "csv": "a CSV file"}

_OPENINGS: dict[bytes, Format] = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # a zip archive without members
    b"\x1f\x8b": "idx",  # gzip
    b"\0\0": "idx",
}
_OTHERS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"PAR1": "a Parquet file",
    b"MATLAB 5.0 MAT-file": "a MATLAB file",
    b"\x80": "a Python pickle, which could run code when read",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}
_WEB = (b"<!doctype html", b"<html")


def format_of(path: str) -> Format:
    """Return the format of the file at `path`.

    Raises:
        ValueError: There is no file to read, or it has none of the formats.
    """
    check_path(path)
    with open(path, "rb") as file:
        head = file.read(512)
    for opening, known in _OPENINGS.items():
        if head.startswith(opening):
            return known
    if head.lstrip().lower().startswith(_WEB):
        raise ValueError(f"`{path}` is a web page, not data: the download failed. Download it again.")
    for opening, other in _OTHERS.items():
        if head.startswith(opening):
            raise ValueError(f"`{path}` is {other}, but data are read from {FORMATS}. Save it as one of these.")
    stem, ending = os.path.splitext(path)
    ending = ending.lower()
    if ending in (".csv", ".tsv"):
        return "csv"
    if ending in (".npy", ".npz", ".idx", ".gz"):
        kind = {".npy": CALLED["npy"], ".npz": CALLED["npz"], ".idx": CALLED["idx"], ".gz": "a gzip file"}[ending]
        raise ValueError(f"`{path}` does not begin like {kind}, for all its name. Save or download it again.")
    if head.isascii() and b"\0" not in head:
        raise ValueError(
            f"`{path}` is text, which is read from .csv (commas) or .tsv (tabs) with a first line of names. "
            f"Rename it: `{stem}.csv`."
        )
    raise ValueError(f"`{path}` has no format that is read here: {FORMATS}. Save it as one of these.")
