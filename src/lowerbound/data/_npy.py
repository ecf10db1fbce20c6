"""NumPy's files of one array."""

import io
import warnings

import numpy as np
from jaxtyping import Shaped

from lowerbound.data._layout import Layout

#: More than the longest header that NumPy reads.
HEADER_BYTES = 2**14


def read_npy(path: str, *, words: bool = False) -> Shaped[np.ndarray, "rows ..."]:
    """Return the array of an .npy file, mapped into memory and read-only.

    Args:
        path: An .npy file.
        words: Whether it may hold words.

    Raises:
        ValueError: It is damaged, or holds no rows of numbers.
    """
    with open(path, "rb") as file:
        return npy_layout(f"`{path}`", file.read(HEADER_BYTES), words=words).map(file)


def npy_layout(what: str, head: bytes, *, words: bool = False) -> Layout:
    """Return what the first bytes of an .npy file declare.

    Raises:
        ValueError: They are no header, or declare no rows of numbers.
    """
    stream = io.BytesIO(head)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            version = np.lib.format.read_magic(stream)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, fortran, dtype = read(stream)
            if any(length < 0 for length in shape):
                raise ValueError("negative lengths")
    except Exception as error:  # a header is a Python literal: a damaged one may fail in any way
        raise ValueError(f"{what} has a damaged header, so it cannot be read. Save it again with NumPy.") from error
    shape = tuple(int(length) for length in shape)
    return Layout(what, shape, dtype, stream.tell(), "F" if fortran else "C", words)
