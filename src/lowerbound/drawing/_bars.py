"""Bars: one positive number for each entry of a latent, in falling order."""

import math

import numpy as np
from jaxtyping import Array, Shaped

from lowerbound.drawing._chart import WIDTH, Panel, chart, legend, notes, numbers, words
from lowerbound.drawing._palette import color
from lowerbound.drawing._scale import Scale

#: Bars in a file, and those that stand above their own entry's number, at most.
_BARS, _NUMBERED = 240, 24


def bars(
    values: Shaped[np.ndarray | Array, "..."],
    *,
    threshold: float = 0.01,
    title: str = "Activity of the entries of a latent",
    axis: str = "variance of the posterior mean over data",
) -> str:
    """Draw the values in falling order on a logarithmic scale, with the threshold between used and unused entries.

    Args:
        values: One number that is not negative for each entry of a latent, flattened.
        threshold: An entry is used where its value is above it: 0.01 for the variance of the posterior mean.
        title: What the picture is called for those who do not see it.
        axis: What the numbers are.

    Returns:
        Inline SVG.

    Raises:
        ValueError: There are no values, one is negative or not finite, or `threshold` is not positive.

    References:
        Burda, Grosse and Salakhutdinov (2016), *Importance weighted autoencoders*, Section 5.1 (active units),
        https://arxiv.org/abs/1509.00519.
    """
    flat = np.asarray(values, float).reshape(-1)
    if not flat.size or not np.isfinite(flat).all() or flat.min() < 0:
        raise ValueError(f"`values` has shape {np.shape(values)}; finite numbers from 0 up were needed, at least one.")
    if not threshold > 0:
        raise ValueError(f"`threshold` is {threshold}; a positive number was needed.")
    order = np.argsort(-flat, kind="stable")
    shown = order[:_BARS]
    used = flat > threshold
    # Two decades below the threshold at most: what lies further down is as unused as can be.
    floor = min(threshold / 5, 0.8 * max(float(flat.min()), threshold / 100))
    low = 10.0 ** math.floor(math.log10(floor))
    high = 10.0 ** math.ceil(math.log10(max(float(flat.max()) * 1.05, threshold * 5)))
    panel = Panel(52, 24, WIDTH - 62, 150, Scale(0, len(shown)), Scale(low, high, log=True))
    pitch = panel.width / len(shown)
    width = min(pitch * 0.78, 34.0)
    parts = [panel.axes("", axis, ticks=(0, 4))]
    for place, entry in enumerate(shown):
        x = panel.left + (place + 0.5) * pitch
        y = float(panel.up(max(flat[entry], low)))
        fill = f'fill="{color(0)}"' if used[entry] else 'fill="currentColor" fill-opacity="0.35"'
        parts.append(
            f'<rect x="{numbers(x - width / 2)}" y="{numbers(y)}" width="{numbers(width)}" '
            f'height="{numbers(max(panel.bottom - y, 0.8))}" {fill}/>'
        )
        if len(shown) <= _NUMBERED:
            parts.append(words(str(entry + 1), x, panel.bottom + 16, size=10.5))
    dashes = f'stroke="{color(1)}" stroke-width="1.4" stroke-dasharray="5 3"'
    y = float(panel.up(threshold))
    parts.append(f'<path d="M{numbers(panel.left, y)}H{numbers(panel.right)}" {dashes}/>')
    name = "entry, the most active first" if len(shown) <= _NUMBERED else f"{len(shown)} entries, the most active first"
    parts.append(words(name, (panel.left + panel.right) / 2, panel.bottom + 36))
    items = [
        (f'<rect x="-6" y="-6" width="12" height="12" fill="{color(0)}"/>', f"used: {used.sum()} of {len(flat)}"),
        (
            '<rect x="-6" y="-6" width="12" height="12" fill="currentColor" fill-opacity="0.35"/>',
            f"unused: {(~used).sum()}",
        ),
        (
            f'<path d="M-9 0H9" {dashes}/>',
            f"threshold {threshold:g}",
        ),
    ]
    key, height = legend(items, 52, panel.bottom + 46, WIDTH)
    said = [f"The {_BARS} most active of {len(flat):,} entries are drawn."] if len(flat) > _BARS else []
    below, more = notes(said, panel.bottom + 46 + height)
    description = f"{used.sum()} of {len(flat)} entries are above {threshold:g}; the largest is {flat.max():.3g}."
    return chart(title, description, panel.bottom + 48 + height + more, [*parts, key, below])
