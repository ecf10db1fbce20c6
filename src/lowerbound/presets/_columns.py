"""What a Normal likelihood with a learned scale for each column cannot be fitted to."""

from collections.abc import Sequence

import numpy as np

from lowerbound.data import Data
from lowerbound.presets._choice import observed_entries


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
    kept = observed_entries(data, name)
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
    if column is not None:
        where += f" of column {column}" + (f" (`{columns[column]}`)" if columns else "")
        cure = "Leave the column out" + (f": `--drop {columns[column]}`." if columns else ".")
    return f"`{name}` has the one value {values[0]:g} in {where}, where a Normal's density has no maximum. {cure}"
