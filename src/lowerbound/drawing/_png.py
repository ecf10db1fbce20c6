"""Grids of images as PNG files for a page: each pixel once, to be enlarged where it is shown."""

import io

import numpy as np
from jaxtyping import Float

from lowerbound.drawing._images import Images, mosaic, shades, stack_pairs


def image_png(
    images: Images, columns: int, *, low: float = 0.0, high: float = 1.0, gap: int = 1, pad: float | None = None
) -> bytes:
    """Write images as one PNG file, row by row, one pixel for each of theirs.

    A page enlarges it, with `image-rendering: pixelated`.

    Args:
        images: Grey, or with a last axis of 3 channels (or of 1, as grey).
        columns: How many stand in a row.
        low: The value shown as black; smaller ones too.
        high: The value shown as white; larger ones too.
        gap: Pixels between images.
        pad: The shade of the gaps, from 0 to 1; None is transparent, for a light page and a dark one.

    Raises:
        ValueError: The images have other axes, there are none, `columns` is below 1, or `low` is not below `high`.
    """
    return _encode(mosaic(shades("images", images, low, high), columns, gap, _shade(pad)))


def pairs_png(
    originals: Images,
    reconstructions: Images,
    columns: int,
    *,
    low: float = 0.0,
    high: float = 1.0,
    gap: int = 2,
    pad: float | None = None,
) -> bytes:
    """Write each original above its reconstruction as one PNG file.

    Args:
        originals: The instances, as `images` in `image_png`.
        reconstructions: The mean of p(x | z) for each, of the same shape.
        columns: How many pairs stand in a row.
        low: As in `image_png`.
        high: As in `image_png`.
        gap: Pixels between pairs.
        pad: As in `image_png`.

    Raises:
        ValueError: The two shapes differ, or as in `image_png`.
    """
    pairs = stack_pairs(originals, reconstructions, low, high, seam=_shade(pad))
    return _encode(mosaic(pairs, columns, gap, _shade(pad)))


def _shade(pad: float | None) -> float:
    return float("nan") if pad is None else pad


def _encode(whole: Float[np.ndarray, "height width *channels"]) -> bytes:
    """Encode shades from 0 to 1; those that are not a number are transparent."""
    import matplotlib.image  # takes a third of a second to import, which diagrams need not wait for

    colors = whole if whole.ndim == 3 else np.repeat(whole[..., None], 3, axis=2)
    seen = ~np.isnan(colors).any(axis=2, keepdims=True)
    pixels = np.concatenate([np.where(seen, colors, 0.0), seen], axis=2)
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.round(pixels * 255).astype(np.uint8), format="png", pil_kwargs={"optimize": True})
    return file.getvalue()
