"""How an array lies in a file: what its header declares, held against the bytes that follow."""

import math
import os
from dataclasses import dataclass
from typing import IO, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

_CHUNK = 2**20
_ROOM = 2**30  # what any file may unpack to
_RATIO = 100  # and beyond that, how many times its packed size


@runtime_checkable
class Stream(Protocol):
    """What unpacks as it is read."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, fewer than `size` only at the end."""
        ...

    def seek(self, offset: int, /) -> int:
        """Go to a place counted from the beginning."""
        ...


@dataclass(frozen=True)
class Layout:
    """The declaration of an array in a file.

    Args:
        what: What a message calls it: "`a.npy`", or "`x` in `a.npz`".
        shape: Its shape.
        dtype: Its dtype, of any byte order.
        offset: How many bytes come before it.
        order: Whether its last axis ("C") or its first ("F") varies fastest.
        words: Whether it may hold words.

    Raises:
        ValueError: It holds something else than numbers, no axis of rows, or no entry.
    """

    what: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    order: Literal["C", "F"] = "C"
    words: bool = False

    def __post_init__(self):
        if self.dtype.hasobject:
            raise ValueError(
                f"{self.what} holds Python objects, which could run code when read, so it is not read. "
                "Save numbers: `x.astype(float)`."
            )
        is_number = self.dtype.kind in "biuf" and self.dtype.itemsize <= 8
        if not (is_number or (self.words and self.dtype.kind == "U")):
            wanted = "labels are whole numbers or words" if self.words else "data are numbers of up to 64 bits"
            raise ValueError(f"{self.what} has dtype {self.dtype}, but {wanted}. Convert it before you save it.")
        if not self.shape:
            raise ValueError(f"{self.what} is a single number, but the leading axis of an array counts rows.")
        if not self.num_bytes - self.offset:
            raise ValueError(f"{self.what} has shape {self.shape}, which holds no entry.")

    @property
    def num_bytes(self) -> int:
        """The size of header and array."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize

    def map(self, file: IO[bytes]) -> Shaped[np.ndarray, "rows ..."]:
        """Return the array as the file's own memory, read-only; a copy where the bytes must be swapped.

        Raises:
            ValueError: The file is shorter or longer than the declaration.
        """
        size = os.fstat(file.fileno()).st_size
        if size != self.num_bytes:
            raise ValueError(self._mismatch(f"but it has {size}", size < self.num_bytes))
        mapped = np.memmap(file, self.dtype, mode="r", offset=self.offset, shape=self.shape, order=self.order)
        return self._native(mapped.view(np.ndarray))

    def unpack(self, stream: Stream, packed_bytes: int) -> Shaped[np.ndarray, "rows ..."]:
        """Return the array that a packed stream holds, reading one byte more than declared at most.

        Args:
            stream: What unpacks as it is read, from the header on.
            packed_bytes: The size of its file.

        Raises:
            ValueError: Stream and declaration differ in size; the stream is damaged; or the declaration is
                beyond 1 GiB and beyond a hundred times the size of the file, so that unpacking may fill memory.
        """
        if self.num_bytes > max(_ROOM, _RATIO * packed_bytes):
            raise ValueError(
                f"{self.what} declares {self.num_bytes} bytes, but its file has only {packed_bytes}, so it is damaged "
                "or made to fill memory. If it is sound, save it unpacked, as .npy or plain IDX."
            )
        flat = np.empty(self.num_bytes - self.offset, np.uint8)
        num_read, more = _fill(self.what, stream, self.offset, memoryview(flat.data))
        if num_read < flat.size:
            raise ValueError(self._mismatch(f"but it unpacks to {self.offset + num_read}", True))
        if more:
            raise ValueError(self._mismatch("but it unpacks to more", False))
        return self._native(flat.view(self.dtype).reshape(self.shape, order=self.order))

    def _native(self, array: np.ndarray) -> np.ndarray:
        array = array.astype(self.dtype.newbyteorder("="), copy=False)
        array.flags.writeable = False
        return array

    def _mismatch(self, actual: str, short: bool) -> str:
        cure = "It was cut short" if short else "Something was added to it"
        return (
            f"{self.what} declares shape {self.shape} of {self.dtype.name}, {self.num_bytes} bytes with its header, "
            f"{actual}. {cure}: save or download it again."
        )


def opening(what: str, stream: Stream, num_bytes: int) -> bytes:
    """Return the first bytes of a packed stream; fewer where it ends before.

    Raises:
        ValueError: The stream is damaged.
    """
    try:
        return stream.read(num_bytes)
    except Exception as error:  # each way of packing raises errors of its own
        raise ValueError(damaged(what)) from error


def damaged(what: str) -> str:
    """Say that what is packed cannot be unpacked."""
    return f"{what} is damaged or was cut short, so it cannot be unpacked. Save or download it again."


def _fill(what: str, stream: Stream, offset: int, room: memoryview) -> tuple[int, bool]:
    """Fill `room` from a packed stream; return how many bytes came, and whether there were more."""
    try:
        stream.seek(offset)
        num_read = 0
        while num_read < len(room) and (chunk := stream.read(min(_CHUNK, len(room) - num_read))):
            room[num_read : num_read + len(chunk)] = chunk
            num_read += len(chunk)
        return num_read, bool(stream.read(1))
    except Exception as error:  # each way of packing raises errors of its own
        raise ValueError(damaged(what)) from error
