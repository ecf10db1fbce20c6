"""Arrays into a file of the user's choice: .npy, .npz, .csv, or .png for pictures."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lowerbound.drawing import image_png
from lowerbound.training import write_whole

#: Pictures in a row of a PNG, and in all.
COLUMNS, MOST = 10, 400


def check_output(out: Path, *, pictures: bool) -> None:
    """Refuse a file that cannot be written, before anything is worked out.

    Raises:
        ValueError: Its ending is none of those that there are, or its folder is not there.
    """
    endings = [".npy", ".npz", ".csv", *([".png"] if pictures else [])]
    if out.suffix.lower() not in endings:
        hint = " The rows are no pictures; `--shape` of `fit` says so if they are." if out.suffix == ".png" else ""
        raise ValueError(f"`--out` is {out}; a file that ends in {' or '.join(endings)} was needed.{hint}")
    if not out.parent.is_dir():
        raise ValueError(f"`--out` is {out}, but there is no folder `{out.parent}`. Make it first.")


def write_rows(
    out: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    columns: Mapping[str, tuple[str, ...]],
    rows: np.ndarray | None = None,
) -> None:
    """Write arrays by name, each with a leading axis of rows; an .npz and a CSV say which `rows` of a file these are.

    An .npy holds one array, an .npz each by its name, a CSV all of them side by side, a PNG a grid of pictures.

    Raises:
        ValueError: There are several arrays, and the file holds one.
    """
    kind = out.suffix.lower()
    if kind in (".npy", ".png") and len(arrays) > 1:
        names = ", ".join(f"`{name}`" for name in arrays)
        raise ValueError(f"`--out` is {out}, which holds one array, but there are {names}. Write an .npz or a .csv.")
    file = io.BytesIO()
    match kind:
        case ".npy":
            np.save(file, *arrays.values(), allow_pickle=False)
        case ".npz":
            named = dict(arrays) if rows is None else {"row": rows, **arrays}
            np.savez(file, allow_pickle=False, **named)  # pyright: ignore[reportArgumentType]  names are arrays
        case ".png":
            (images,) = arrays.values()
            file.write(image_png(images[:MOST], COLUMNS, low=float(images.min()), high=_above(images)))
        case _:
            named = dict(arrays) if rows is None else {"row": rows, **arrays}
            file.write(_csv(named, columns).encode())
    try:
        write_whole(out, file.getvalue())
    except OSError as error:
        raise ValueError(f"`--out` is {out}, which cannot be written: {error.strerror}. Choose another.") from error


def _above(images: np.ndarray) -> float:
    return max(float(images.max()), float(images.min()) + 1e-9)


def _csv(arrays: Mapping[str, np.ndarray], columns: Mapping[str, tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    flat = {name: array.reshape(len(array), -1) for name, array in arrays.items()}
    heads = [
        columns[name]
        if len(columns.get(name, ())) == values.shape[1]
        else _numbered(name, arrays[name], values.shape[1])
        for name, values in flat.items()
    ]
    writer.writerow([head for names in heads for head in names])
    # repr gives the shortest decimal that reads back as the same number of that precision.
    for row in zip(*flat.values(), strict=True):
        writer.writerow([str(value) for values in row for value in values])
    return text.getvalue()


def _numbered(name: str, array: np.ndarray, count: int) -> tuple[str, ...]:
    return (name,) if array.ndim == 1 else tuple(f"{name}[{i}]" for i in range(count))
