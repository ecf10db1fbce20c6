"""Grids of images: what a model reconstructs and what it makes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float, Shaped

if TYPE_CHECKING:
    import matplotlib.figure

#: (num, height, width) or (num, height, width, channels), as `shades` checks.
Images = Shaped[np.ndarray | Array, "..."]
_DPI = 100
#: Inches above the images for each line of the title, and the least width of a figure.
_LINE, _MIN_WIDTH, _EDGE = 0.22, 3.4, 0.08


def image_grid(
    images: Images, columns: int, *, low: float = 0.0, high: float = 1.0, title: str = "", gap: int = 1
) -> "matplotlib.figure.Figure":
    """Lay images out in a grid, row by row, each pixel as a square of whole screen pixels.

    Args:
        images: Grey, or with a last axis of 3 channels (or of 1, as grey).
        columns: How many stand in a row.
        low: The value shown as black; smaller ones too.
        high: The value shown as white; larger ones too.
        title: Lines above the grid.
        gap: Pixels between images, in those of the images.

    Returns:
        A figure that matplotlib's `pyplot` does not know of.

    Raises:
        ValueError: The images have other axes, there are none, `columns` is below 1, or `low` is not below `high`.
    """
    from matplotlib.figure import Figure  # takes a third of a second to import, which diagrams need not wait for

    whole = mosaic(shades("images", images, low, high), columns, gap)
    height, width = whole.shape[:2]
    scale = max(1, round(64 / np.shape(images)[2]))  # an image is about 64 screen pixels wide
    lines = title.splitlines()
    inches = np.array([width, height]) * scale / _DPI
    total = np.array([max(inches[0], _MIN_WIDTH if lines else 0), inches[1] + _LINE * len(lines)]) + 2 * _EDGE
    figure = Figure(figsize=(float(total[0]), float(total[1])), dpi=_DPI, facecolor="white")
    left = (total[0] - inches[0]) / 2
    axes = figure.add_axes((left / total[0], _EDGE / total[1], inches[0] / total[0], inches[1] / total[1]))
    axes.imshow(whole, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for i, line in enumerate(lines):
        y = 1 - (_EDGE + _LINE * (i + 0.5)) / total[1]
        figure.text(0.5, y, line, ha="center", va="center", fontsize=8.5, color="#1a1a1a")
    return figure


def save_samples(path: str | Path, images: Images, *, columns: int = 10, low: float = 0.0, high: float = 1.0) -> None:
    """Write images that a model made as one PNG file.

    Args:
        path: Ends in `.png`.
        images: As in `image_grid`, and the other arguments too.

    Raises:
        ValueError: The path ends otherwise, or as in `image_grid`.
    """
    _save(path, image_grid(images, columns, low=low, high=high, title=r"samples of the model, from $p(\mathbf{x})$"))


def save_reconstructions(
    path: str | Path,
    originals: Images,
    reconstructions: Images,
    *,
    columns: int = 10,
    low: float = 0.0,
    high: float = 1.0,
) -> None:
    """Write each original above its reconstruction, as one PNG file.

    Args:
        path: Ends in `.png`.
        originals: The instances, as `images` in `image_grid`.
        reconstructions: The mean of p(x | z) for each, of the same shape.
        columns: How many pairs stand in a row.
        low: As in `image_grid`.
        high: As in `image_grid`.

    Raises:
        ValueError: The path ends otherwise, the two shapes differ, or as in `image_grid`.
    """
    pairs = stack_pairs(originals, reconstructions, low, high, seam=1.0)
    title = "above: instances $\\boldsymbol{x}^{(i)}$\nbelow: the mean of $p(\\mathbf{x} \\mid \\boldsymbol{z}^{(i)})$"
    _save(path, image_grid(pairs, columns, title=title, gap=2))


def is_picture(shape: tuple[int, ...]) -> bool:
    """Say whether a row of this shape can be seen: (height, width), or with 1 or 3 channels at the end."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def shades(name: str, images: Images, low: float, high: float) -> Float[np.ndarray, "num height width *channels"]:
    """Map [low, high] to [0, 1], and drop a single channel.

    Raises:
        ValueError: The images have other axes, there are none, or `low` is not below `high`.
    """
    array = np.asarray(images, float)
    if array.ndim not in (3, 4) or array.shape[3:] not in ((), (1,), (3,)) or 0 in array.shape:
        raise ValueError(
            f"`{name}` has shape {array.shape}; (num, height, width) was needed, with at least one image, or "
            f"(num, height, width, channels) with 1 or 3 channels."
        )
    if not low < high:
        raise ValueError(f"`low` is {low} and `high` is {high}; `low` must be below `high`.")
    mapped = np.clip((array - low) / (high - low), 0, 1)
    return mapped[..., 0] if mapped.shape[3:] == (1,) else mapped


def stack_pairs(
    originals: Images, reconstructions: Images, low: float, high: float, seam: float
) -> Float[np.ndarray, "num taller width *channels"]:
    """Set each original above its reconstruction, with a line of pixels of the shade `seam` between the two.

    Raises:
        ValueError: The two shapes differ, or as in `shades`.
    """
    if np.shape(originals) != np.shape(reconstructions):
        raise ValueError(
            f"`originals` has shape {np.shape(originals)}, but `reconstructions` {np.shape(reconstructions)}. Pass one "
            f"reconstruction of each original, of the same shape."
        )
    above, below = shades("originals", originals, low, high), shades("reconstructions", reconstructions, low, high)
    return np.concatenate([above, np.full_like(above[:, :1], seam), below], axis=1)


def mosaic(
    shades: Float[np.ndarray, "num height width *channels"], columns: int, gap: int, pad: float = 1.0
) -> Float[np.ndarray, "rows columns *channels"]:
    """Set images row by row into one, with gaps and places that are left over in the shade `pad`.

    Raises:
        ValueError: `columns` is below 1.
    """
    if columns < 1:
        raise ValueError(f"`columns` is {columns}; at least 1 was needed.")
    num, height, width, *channels = shades.shape
    columns = min(columns, num)
    rows = -(-num // columns)
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, *channels), pad)
    for i, image in enumerate(shades):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        whole[top : top + height, left : left + width] = image
    return whole


def _save(path: str | Path, figure: "matplotlib.figure.Figure") -> None:
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"`{path}` is no PNG file by its name. Write `{path.with_suffix('.png')}`.")
    figure.savefig(path, format="png", dpi=_DPI)
