"""Mean and standard deviation of the observed entries, column by column."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Shaped

from lowerbound.data._checks import place
from lowerbound.data._steps import Moments


def column_moments(
    name: str,
    rows: Shaped[np.ndarray, "rows ..."],
    observed: Bool[np.ndarray, "rows ..."] | None,
    columns: tuple[str, ...] = (),
) -> Moments:
    """Return mean and standard deviation over the rows, in float64, of the observed entries alone.

    The deviation divides by the number of observed rows, and is exactly 0 for a column with one value.

    Raises:
        ValueError: A column has no observed entry, or varies less than the device's floats can tell.
    """
    if observed is not None and (empty := np.asarray(~observed.any(axis=0))).any():
        raise ValueError(
            f"`{name}` has no observed entry{_column(empty, columns)} in the {len(rows)} rows that it is standardized "
            "by. Drop that column."
        )
    where = True if observed is None else observed
    mean = np.asarray(np.mean(rows, axis=0, dtype=np.float64, where=where))
    deviation = np.std(rows, axis=0, dtype=np.float64, where=where)
    # Constancy is judged by comparison: the mean of many 0.1 is not 0.1, so the deviation is not 0.
    first = rows[0] if observed is None else np.take_along_axis(rows, observed.argmax(axis=0)[None], axis=0)[0]
    constant = (rows == first).all(axis=0) if observed is None else ((rows == first) | ~observed).all(axis=0)
    deviation = np.asarray(np.where(constant, 0.0, deviation))
    device = jnp.result_type(float)
    spacing = float(jnp.finfo(device).eps) * np.abs(mean)
    if (blurred := np.asarray(~constant & (deviation < 16 * spacing))).any():  # under four bits of it would be left
        raise ValueError(
            f"`{name}`{_column(blurred, columns)} varies by {deviation[blurred][0]:g} around {mean[blurred][0]:g}, "
            f"where {device} tells only values {spacing[blurred][0]:g} apart. Subtract a constant first, or enable 64 "
            'bits: jax.config.update("jax_enable_x64", True).'
        )
    return mean, deviation


def _column(flags: Bool[np.ndarray, "*entries"], columns: tuple[str, ...]) -> str:
    return place(tuple(int(i) for i in np.argwhere(flags)[0]), " in ", columns)
