"""What is refused at the door, before it can spoil a run."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int64, Shaped


def as_rows(name: str, values: Any) -> Shaped[np.ndarray, "rows ..."]:
    """Return `values` as a read-only NumPy array of numbers or booleans with a leading axis of rows.

    Raises:
        ValueError: The array is ragged, holds something else than numbers, has no axis of rows, or is empty.
        TypeError: It is a masked array.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(
            f"`{name}` is a masked array, whose mask would be lost. Fill it with a marker and declare that: "
            f"`Data({name}=values.filled(-999)).missing(-999)`."
        )
    try:
        rows = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"`{name}` is no array: {error} Give every row the same shape.") from error
    numeric = any(jnp.issubdtype(rows.dtype, kind) for kind in (np.bool_, np.integer, np.floating))
    if not numeric or rows.dtype.itemsize > 8:
        raise ValueError(
            f"`{name}` has dtype {rows.dtype}, but data are booleans, integers or floats of up to 64 bits. "
            f"{_cure(rows.dtype)}"
        )
    if rows.ndim == 0:
        raise ValueError(f"`{name}` is the single number {rows}, but the leading axis of an array counts rows.")
    if rows.size == 0:
        raise ValueError(f"`{name}` has shape {rows.shape}, which holds no entry.")
    rows = rows.astype(rows.dtype.newbyteorder("="), copy=rows.flags.writeable)
    rows.flags.writeable = False
    return rows


def shaped(name: str, rows: Shaped[np.ndarray, "rows ..."], shape: tuple[int, ...]) -> Shaped[np.ndarray, "rows ..."]:
    """Return the rows in another shape of the same size.

    Raises:
        ValueError: The sizes differ.
    """
    if min(shape, default=1) < 1 or math.prod(shape) != math.prod(rows.shape[1:]):
        raise ValueError(
            f"`shape` is {shape}, which is {math.prod(shape)} numbers, but a row of `{name}` has shape "
            f"{rows.shape[1:]}, which is {math.prod(rows.shape[1:])}."
        )
    return rows.reshape(len(rows), *shape)


def _cure(dtype: np.dtype) -> str:
    if dtype.kind == "c":
        return "Stack its real and imaginary parts on a new last axis."
    if dtype.kind in "mM":
        return "Give times as numbers, in a unit of your choice."
    if dtype.kind == "f":
        return "Cast it to float64."
    return "Give words as integer codes, gaps as nan, and sparse arrays dense."


def check_values(
    name: str,
    rows: Shaped[np.ndarray, "rows ..."],
    observed: Bool[np.ndarray, "rows ..."] | None,
    row_ids: Int64[np.ndarray, " rows"],
    allow_outliers: bool,
    columns: tuple[str, ...] = (),
) -> None:
    """Refuse what would destroy a training run in one step.

    Raises:
        ValueError: An entry is not finite; or lies further from the median than 10^4 times the 99.9 % quantile
            of that distance, both by the array's observed entries and by its column's; or the dtype that JAX
            gives it on the device cannot hold it.
    """
    if jnp.issubdtype(rows.dtype, np.floating):
        _check_finite(name, rows, row_ids, columns)
        if not allow_outliers:
            _check_outliers(name, rows, observed, row_ids, columns)
    _check_device_range(name, rows, row_ids, columns)


def _check_finite(name: str, rows: np.ndarray, row_ids: np.ndarray, columns: tuple[str, ...]) -> None:
    finite = np.isfinite(rows)
    if finite.all():
        return
    first = tuple(np.argwhere(~finite)[0])
    value = rows[first]
    marker = "" if np.isnan(value) else f'float("{value}")'
    raise ValueError(
        f"`{name}` is {value} in {_row(first, row_ids, columns)}; {rows.size - finite.sum()} of its {rows.size} "
        f"entries are not finite. If they are missing, say so first: `.missing({marker})`, `--missing {value}` in the "
        "command line; else correct or drop those rows."
    )


def _check_outliers(
    name: str, rows: np.ndarray, observed: np.ndarray | None, row_ids: np.ndarray, columns: tuple[str, ...]
) -> None:
    seen = np.broadcast_to(True, rows.shape) if observed is None else observed
    median, usual = _spread(rows[seen])
    if usual == 0:
        return
    far = seen & (_distances(rows, median) > 1e4 * usual)
    for index in np.argwhere(far.any(axis=0)):
        # A column in units of its own (seconds among fractions) is far from the rest, yet it has no outlier.
        column = (slice(None), *index)
        own_median, own_usual = _spread(rows[column][seen[column]])
        own = np.where(far[column], _distances(rows[column], own_median), 0)
        worst = (own.argmax(), *index)
        if own.max() > 1e4 * own_usual:
            raise ValueError(
                f"`{name}` is {rows[worst]:g} in {_row(worst, row_ids, columns)}, but 99.9 % of its entries lie within "
                f"{usual:g} of their median {median:g}. One such value destroys a run in one step. Correct it, mark it "
                f'with `.missing({rows[worst]:g})`, or keep it with `.allow_outliers("{name}")`, `--allow-outliers` in '
                "the command line."
            )


def _spread(values: Shaped[np.ndarray, " entries"]) -> tuple[float, np.float64]:
    """Return the median, and the 99.9 % quantile of the distances from it; zeros if there is no entry."""
    if not values.size:
        return 0.0, np.float64(0)
    with np.errstate(over="ignore"):
        median = float(np.median(values))
    # "lower": between the last two entries of a short array the quantile would be the outlier itself.
    return median, np.float64(np.quantile(_distances(values, median), 0.999, method="lower"))


def _distances(values: Shaped[np.ndarray, "*shape"], median: float) -> Shaped[np.ndarray, "*shape"]:
    wide = np.promote_types(values.dtype, np.float32)  # half precision overflows easily
    with np.errstate(over="ignore"):  # to inf, which is far enough
        return np.abs(values.astype(wide, copy=False) - wide.type(median))


def _check_device_range(name: str, rows: np.ndarray, row_ids: np.ndarray, columns: tuple[str, ...]) -> None:
    device = jax.dtypes.canonicalize_dtype(rows.dtype)
    if device == rows.dtype:
        return
    info = jnp.finfo(device) if jnp.issubdtype(device, np.floating) else jnp.iinfo(device)
    outside = (rows < info.min) | (rows > info.max)
    if outside.any():
        first = tuple(np.argwhere(outside)[0])
        raise ValueError(
            f"`{name}` is {rows[first]:g} in {_row(first, row_ids, columns)}, which {device} cannot hold. Rescale it, "
            'or enable 64 bits: jax.config.update("jax_enable_x64", True).'
        )


def _row(index: tuple, row_ids: np.ndarray, columns: tuple[str, ...]) -> str:
    row, *column = (int(i) for i in index)
    return f"row {row_ids[row]}" + place(tuple(column), ", ", columns)


def place(column: tuple[int, ...], lead: str = "", columns: tuple[str, ...] = ()) -> str:
    """Name a column of a row's entries, after `lead`; "" where a row is one number."""
    if not column:
        return ""
    word = f" (`{columns[column[0]]}`)" if columns and len(column) == 1 else ""
    return f"{lead}column {column[0] if len(column) == 1 else column}{word}"
