"""NumPy's archives of named arrays."""

import os
import zipfile

import numpy as np
from jaxtyping import Shaped

from lowerbound.data._layout import damaged, opening
from lowerbound.data._npy import HEADER_BYTES, npy_layout

_ENDING = ".npy"


def npz_names(path: str) -> tuple[str, ...]:
    """Return the names of the arrays in an .npz file, as they lie there.

    Raises:
        ValueError: It is damaged, or a zip archive of other things.
    """
    with _opened(path) as archive:
        members = dict.fromkeys(archive.namelist())
    names = tuple(member.removesuffix(_ENDING) for member in members if member.endswith(_ENDING))
    if not names:
        raise ValueError(
            f"`{path}` is a zip archive without arrays of NumPy. Unpack it, or save a spreadsheet as .csv."
        )
    return names


def read_npz(path: str, name: str, *, words: bool = False) -> Shaped[np.ndarray, "rows ..."]:
    """Return one array of an .npz file, read-only.

    Args:
        path: An .npz file.
        name: One of `npz_names(path)`.
        words: Whether it may hold words.

    Raises:
        ValueError: It is damaged, holds no rows of numbers, or would fill memory.
    """
    what = f"`{name}` in `{path}`"
    with _opened(path) as archive:
        try:
            stream = archive.open(name + _ENDING)
        except Exception as error:  # encrypted, packed in another way, or not where the archive says
            raise ValueError(damaged(what)) from error
        with stream:
            layout = npy_layout(what, opening(what, stream, HEADER_BYTES), words=words)
            return layout.unpack(stream, os.path.getsize(path))


def _opened(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # a damaged directory may fail in any way
        raise ValueError(damaged(f"`{path}`")) from error
