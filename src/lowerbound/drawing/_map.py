"""A map of the latent space: where each datum lies, by the mean of its posterior."""

import numpy as np
from jaxtyping import Array, Shaped

from lowerbound.drawing._chart import WIDTH, Panel, chart, dots, legend, notes, numbers, text_width, words
from lowerbound.drawing._palette import COLORS, color, ink_on
from lowerbound.drawing._scale import around

#: Points in a file, and names of classes in the legend, at most.
_POINTS, _NAMES = 3000, 40
#: Classes that are named on the map itself, at most, and the letters of such a name.
_ON_MAP, _LETTERS = 12, 16
_NO_LABEL = "currentColor"


def latent_map(
    points: Shaped[np.ndarray | Array, "..."],
    *,
    labels: Shaped[np.ndarray | Array, "..."] | None = None,
    classes: tuple[str, ...] = (),
    axes: tuple[str, str] = ("z1", "z2"),
    title: str = "Map of the latent space",
) -> str:
    """Draw points of the plane, coloured by label; up to 3000, beyond which they are thinned at random by a fixed seed.

    Args:
        points: Shape (num, 2).
        labels: A whole number for each point: an index into `classes`, or -1 where there is none.
        classes: Their names; the numbers themselves where left out.
        axes: What stands along the two axes.
        title: What the picture is called for those who do not see it.

    Returns:
        Inline SVG; a line in it says how many points are shown if not all.

    Raises:
        ValueError: Shapes that do not fit, or a label without a class.
    """
    points, classes, labels = _checked(points, labels, classes)
    finite = np.isfinite(points).all(axis=1)
    shown = np.flatnonzero(finite)
    if len(shown) > _POINTS:
        shown = np.sort(np.random.default_rng(0).choice(shown, _POINTS, replace=False))
    said = (
        [f"{len(shown):,} of {len(points):,} points are shown, chosen at random."] if len(shown) < finite.sum() else []
    )
    if not finite.all():
        said.append(f"{(~finite).sum():,} of {len(points):,} points are not finite and left out.")

    scales = [around(points[finite, axis], margin=0.04) for axis in (0, 1)]
    panel = Panel(44, 22, WIDTH - 54, 380, scales[0], scales[1])
    places, shown_labels = panel.points(points[shown, 0], points[shown, 1]), labels[shown]
    present = [int(k) for k in np.unique(shown_labels) if k >= 0]
    size = 6 if len(shown) <= 300 else 4.5 if len(shown) <= 1000 else 3.6
    parts = [panel.axes(axes[0], axes[1])]
    grey = places[shown_labels < 0]
    if len(grey):
        parts.append(dots(grey, _NO_LABEL if labels.max() >= 0 else color(0), size, opacity=0.35))
    # In several layers, so that the last class does not cover the others.
    for layer in range(6):
        for k in present:
            here = places[layer::6][shown_labels[layer::6] == k]
            if len(here):
                parts.append(dots(here, color(k), size, mark=k // len(COLORS), opacity=0.8))
    parts += _names_on_map(panel, places, shown_labels, [(k, classes[k]) for k in present])
    key, used = legend(_legend(present, classes, bool(len(grey))), 44, panel.bottom + 52, WIDTH)
    below, height = notes(said, panel.bottom + 48 + used)
    words_for = ", ".join(classes[k] for k in present[:_NAMES]) if present else "no labels"
    description = f"{len(shown):,} points in the plane of {axes[0]} and {axes[1]}; {words_for}."
    return chart(title, description, panel.bottom + 50 + used + height, [*parts, key, below])


def _checked(
    points: object, labels: object, classes: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    array = np.asarray(points, float)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise ValueError(f"`points` has shape {array.shape}; (num, 2) was needed, with at least one point.")
    numbered = np.full(len(array), -1) if labels is None else np.asarray(labels)
    if numbered.shape != (len(array),) or not np.issubdtype(numbered.dtype, np.integer):
        raise ValueError(
            f"`labels` is {numbered.dtype} of shape {numbered.shape}; one whole number for each of {len(array)} points "
            "was needed, -1 where there is none."
        )
    highest = int(numbered.max())
    if not classes:
        classes = tuple(str(k) for k in range(highest + 1))
    if highest >= len(classes):
        raise ValueError(f"`labels` goes up to {highest}, but `classes` names {len(classes)}, from 0 on.")
    return array, classes, numbered


def _legend(present: list[int], classes: tuple[str, ...], some_without: bool) -> list[tuple[str, str]]:
    def mark(k: int) -> str:
        return dots(np.zeros((1, 2)), color(k), 7, mark=k // len(COLORS))

    items = [(mark(k), classes[k]) for k in present[:_NAMES]]
    if len(present) > _NAMES:
        items.append(("", f"and {len(present) - _NAMES} more"))
    if present and some_without:
        items.append((dots(np.zeros((1, 2)), _NO_LABEL, 7, opacity=0.4), "no label"))
    return items


def _names_on_map(panel: Panel, places: np.ndarray, labels: np.ndarray, present: list[tuple[int, str]]) -> list[str]:
    """Set the name of each class amid its points, on its colour: nothing has to be told by colour alone."""
    if not 1 < len(present) <= _ON_MAP or max(len(name) for _, name in present) > _LETTERS:
        return []
    # From the top down, each below those that it would cover.
    middles = sorted(((np.median(places[labels == k], axis=0), k, name) for k, name in present), key=lambda m: m[0][1])
    taken: list[tuple[float, float, float]] = []
    parts = []
    for (x, y), k, name in middles:
        half = max(text_width(name, 11.5) / 2 + 5, 9)
        x = float(np.clip(x, panel.left + half, panel.right - half))
        for other_x, other_y, other_half in taken:
            if abs(other_x - x) < half + other_half + 2 and abs(other_y - y) < 19:
                y = other_y + 19
        taken.append((x, float(y), half))
        place = f'x="{numbers(x - half)}" y="{numbers(y - 9)}" width="{numbers(2 * half)}"'
        parts.append(
            f'<rect {place} height="18" rx="9" fill="{color(k)}" stroke="{ink_on(color(k))}" stroke-width="0.8"/>'
            + words(name, x, float(y) + 4, size=11.5, color=ink_on(color(k)))
        )
    return parts
