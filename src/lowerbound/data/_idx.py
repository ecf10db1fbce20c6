"""The IDX format of the MNIST files, plain or packed by gzip."""

import gzip
import os
import shlex
import struct

import numpy as np
from jaxtyping import Shaped

from lowerbound.data._layout import Layout, opening

#: By the third byte of a file; all are big-endian.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_MOST_AXES = 64  # of a NumPy array


def read_idx(path: str) -> Shaped[np.ndarray, "rows ..."]:
    """Return the array of an IDX file, read-only.

    The type code in the header decides the dtype: uint8, int8, int16, int32, float32 or float64. A plain file
    of bytes is mapped into memory.

    Raises:
        ValueError: The header is no IDX header, the sizes that it declares are not those of the file, or the
            file is damaged.

    References:
        LeCun, Cortes and Burges, *The MNIST database of handwritten digits*, http://yann.lecun.com/exdb/mnist/.
    """
    what = f"`{path}`"
    with open(path, "rb") as file:
        if file.read(2) != _GZIP:
            file.seek(0)
            return _layout(what, file.read(4 + 4 * 255)).map(file)
    with gzip.open(path, "rb") as stream:
        head = opening(what, stream, 4 + 4 * 255)
        if head[:2] != b"\0\0":
            raise ValueError(
                f"{what} is packed by gzip, but only IDX files are read so. "
                f"Unpack it first: `gunzip {shlex.quote(path)}`."
            )
        return _layout(what, head).unpack(stream, os.path.getsize(path))


def _layout(what: str, head: bytes) -> Layout:
    """Return what the first bytes declare: 0, 0, type, number of axes, and their lengths as four bytes each."""
    if len(head) < 4 or head[2] not in _TYPES or head[3] > _MOST_AXES:
        raise ValueError(
            f"{what} begins with the bytes {head[:4].hex(' ')}, but an IDX file begins with 00 00, its type (08, 09, "
            "0b, 0c, 0d or 0e) and its number of axes. Save it as .npy, or download it again."
        )
    offset = 4 + 4 * head[3]
    if len(head) < offset:
        raise ValueError(f"{what} ends within its header. It was cut short: save or download it again.")
    shape = struct.unpack(f">{head[3]}I", head[4:offset])
    return Layout(what, shape, np.dtype(_TYPES[head[2]]), offset)
