"""What a Normal likelihood with a learned scale for each column cannot be fitted to."""

import math
from collections.abc import Sequence

import numpy as np

from lowerbound.data import Data


def check_columns(data: Data, name: str = "x", *, columns: Sequence[str] | None = None) -> None:
    """Refuse a column with one value in all rows: the smaller its scale, the larger its density, without end.

    Rows with two axes or more share one scale in the presets, so a constant pixel does no harm there, and they pass.

    Args:
        data: The rows that are trained on. Entries that are missing or not finite are not looked at.
        name: The array.
        columns: The columns' names, for the message.

    Raises:
        KeyError: There is no array of that name.
        ValueError: A column, counted from 0, is constant over the rows.
    """
    rows = data[name]
    if rows.ndim > 2:
        return
    table = rows.reshape(len(rows), -1)
    kept = data.observed(name)
    seen = np.ones(table.shape, bool) if kept is None else kept.reshape(table.shape)
    for column in range(table.shape[1]):
        values = table[:, column][seen[:, column]]
        if values.dtype.kind not in "biu":
            values = values[np.isfinite(values)]
        if values.size and (values == values[0]).all():
            raise ValueError(_message(data, name, values, column if rows.ndim == 2 else None, columns))


def _message(data: Data, name: str, values: np.ndarray, column: int | None, columns: Sequence[str] | None) -> str:
    kind = "rows" if len(values) == len(data) else "observed rows"
    where = f"all {len(values)} {kind}" if len(values) > 1 else f"its one {kind[:-1]}"
    cure = "Leave it out."
    size = data[name].shape[-1]
    side = math.isqrt(size)
    picture = f"{side}x{side}" if side > 2 and side**2 == size else "HEIGHTxWIDTH"
    if column is not None:
        where += f" of column {column}" + (f" (`{columns[column]}`)" if columns else "")
        cure = f"Leave the column out: `--drop {columns[column]}`." if columns else "Leave the column out"
        if not columns:
            cure += f"; or, if the rows are pictures, give their shape, `--shape {picture}`."
    return f"`{name}` has the one value {values[0]:g} in {where}, where a Normal's density has no maximum. {cure}"
