"""Columns of a table, each in its own small panel: what a model makes of data that are no images."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Array, Shaped

from lowerbound.drawing._chart import WIDTH, Panel, chart, dots, legend, line, notes, shortened
from lowerbound.drawing._palette import color
from lowerbound.drawing._scale import Scale, around

Table = Shaped[np.ndarray | Array, "..."]

#: Columns in a picture, and points in a panel, at most.
_COLUMNS, _POINTS = 12, 400
_BINS = 24
_ACROSS, _PITCH, _SIDE = 3, 158.0, 112.0
_FLAT = 84.0  # the height of a histogram


def column_comparison(
    originals: Table, reconstructions: Table, names: Sequence[str], *, observed: Table | None = None
) -> str:
    """Draw the mean of each reconstruction over its input, column by column; on the diagonal they are equal.

    Args:
        originals: The instances, shape (rows, columns).
        reconstructions: The mean of p(x | z) for each.
        names: The columns'.
        observed: Which entries were observed; only these are drawn.

    Returns:
        Inline SVG of at most 12 columns and 400 rows, which says how many there are.

    Raises:
        ValueError: Shapes that do not fit.
    """
    x, y = _table("originals", originals, names), _table("reconstructions", reconstructions, names)
    known = np.ones(x.shape, bool) if observed is None else np.asarray(observed, bool)
    for name, array in (("reconstructions", y), ("observed", known)):
        if array.shape != x.shape:
            raise ValueError(
                f"`originals` has shape {x.shape}, but `{name}` {array.shape}. Pass the same rows of both."
            )
    rows = np.sort(np.random.default_rng(0).permutation(len(x))[:_POINTS])

    def panel(column: int, left: float, top: float) -> str:
        use = rows[known[rows, column]]
        a, b = x[use, column], y[use, column]
        both = around(a, b, margin=0.06)
        place = Panel(left, top, _SIDE, _SIDE, both, both)
        ends = np.array([both.low, both.high])
        diagonal = line(place.points(ends, ends), 'stroke="currentColor" stroke-opacity="0.45" stroke-dasharray="4 3"')
        title = shortened(names[column], _SIDE + 30, 12)
        marks = dots(place.points(a, b), color(0), 3.4, opacity=0.7)
        return place.axes(title=title, ticks=(3, 3), size=10.5) + place.clipped(diagonal, marks)

    said = ["Across: the input. Up: the mean of its reconstruction. Dashed: where both are equal."]
    if len(rows) < len(x):
        said.append(f"{len(rows):,} of {len(x):,} rows are shown, chosen at random.")
    if observed is not None:
        said.append("Missing entries are left out.")
    return _panels("Reconstructions by column", "reconstruction over input", names, panel, [], said)


def column_histograms(data: Table, samples: Table, names: Sequence[str]) -> str:
    """Draw how the data and how samples of the model are distributed, column by column.

    Args:
        data: Rows of data, shape (rows, columns); entries that are not finite are left out.
        samples: Rows that the model made, with the same columns.
        names: The columns'.

    Returns:
        Inline SVG of at most 12 columns, which says so if there are more.

    Raises:
        ValueError: Shapes that do not fit.
    """
    real, made = _table("data", data, names), _table("samples", samples, names)
    outside = np.zeros(2, int)

    def panel(column: int, left: float, top: float) -> str:
        a, b = (v[np.isfinite(v)] for v in (real[:, column], made[:, column]))
        edges = _edges(a, b)
        outside[:] += [((v < edges[0]) | (v > edges[-1])).sum() for v in (a, b)]
        heights = [np.histogram(v, edges)[0] / max(v.size, 1) / np.diff(edges) for v in (a, b)]
        place = Panel(
            left, top, _SIDE, _FLAT, Scale(edges[0], edges[-1]), Scale(0, max(map(np.max, heights)) * 1.08 or 1.0)
        )
        x = np.repeat(edges, 2)
        steps = [place.points(x, np.concatenate([[0], np.repeat(h, 2), [0]])) for h in heights]
        title = shortened(names[column], _SIDE + 30, 12)
        return place.axes(title=title, ticks=(3, 0), size=10.5) + place.clipped(
            line(steps[0], f'fill="{color(0)}" fill-opacity="0.5" stroke="none"'),
            line(steps[1], f'stroke="{color(1)}" stroke-width="1.6"'),
        )

    items = [
        (f'<rect x="-8" y="-6" width="16" height="12" fill="{color(0)}" fill-opacity="0.5"/>', "filled: the data"),
        (f'<path d="M-9 0H9" stroke="{color(1)}" stroke-width="1.6"/>', "line: samples of the model"),
    ]

    def said() -> list[str]:
        lost = f"Outside of the panels: {outside[0]:,} of the data's values, {outside[1]:,} of the samples'."
        return [lost] if outside.any() else []

    return _panels("Distribution of each column", "data and samples of the model", names, panel, items, said, _FLAT)


def _panels(
    title: str,
    what: str,
    names: Sequence[str],
    panel: Callable[[int, float, float], str],
    items: list[tuple[str, str]],
    said: list[str] | Callable[[], list[str]],
    height: float = _SIDE,
) -> str:
    """Set the panels in rows of three below the legend, and the notes below them."""
    shown = min(len(names), _COLUMNS)
    key, used = legend(items, 30, 0, WIDTH)
    top = used + 26
    parts = [key] + [panel(c, 34 + c % _ACROSS * _PITCH, top + c // _ACROSS * (height + 54)) for c in range(shown)]
    bottom = top + -(-shown // _ACROSS) * (height + 54) - 24
    lines = said if isinstance(said, list) else said()
    if shown < len(names):
        lines = [*lines, f"The first {shown} of {len(names):,} columns are shown."]
    below, more = notes(lines, bottom)
    listed = ", ".join(names[:shown])
    return chart(title, f"{what.capitalize()} for {listed}.", bottom + more, [*parts, below])


def _table(name: str, values: Table, names: Sequence[str]) -> np.ndarray:
    array = np.asarray(values, float)
    if array.ndim != 2 or array.shape[1] != len(names) or 0 in array.shape:
        raise ValueError(f"`{name}` has shape {array.shape}; (rows, {len(names)}) was needed: one column a name.")
    return array


def _edges(data: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Choose the bins: one a value for a few whole numbers, otherwise equal ones between the outer quantiles."""
    both = np.concatenate([data, samples])
    values = np.unique(data)
    if values.size and np.array_equal(values, np.round(values)) and values[-1] - values[0] <= 30:
        return np.arange(values[0] - 0.5, values[-1] + 1)
    low, high = np.quantile(both, [0.005, 0.995]) if both.size else (0.0, 1.0)
    scale = around(np.array([low, high]), margin=0.0)
    return np.linspace(scale.low, scale.high, _BINS + 1)
