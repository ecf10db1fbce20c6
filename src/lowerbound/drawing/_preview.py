"""The first rows of an array, for a notebook: as images where they look like images, otherwise as numbers."""

import base64
from html import escape

import numpy as np

from lowerbound.drawing._images import Images, is_picture
from lowerbound.drawing._png import image_png

#: Images and rows of numbers that are shown, entries of such a row, and pixels of an image's longer side, at most.
_IMAGES, _ROWS, _ENTRIES, _PIXELS = 10, 5, 8, 64


def preview(rows: Images) -> str:
    """Show the first rows as HTML: images if a row has 2 axes, or a third of 1 or 3 channels, otherwise numbers.

    Args:
        rows: An array with a leading axis of rows.
    """
    array = np.asarray(rows)
    return _thumbnails(array[:_IMAGES]) if is_picture(array.shape[1:]) and array.size else _numbers(array)


def _thumbnails(images: np.ndarray) -> str:
    """Embed images in a row, black for the least value and white for the greatest of them, or for 0 and 255."""
    stride = -(-max(images.shape[1:3]) // _PIXELS)
    small = images[:, ::stride, ::stride]
    shades = np.asarray(small, float)
    finite = shades[np.isfinite(shades)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if images.dtype == np.uint8 and high > 127:
        low, high = 0.0, 255.0
    data = base64.b64encode(image_png(shades, _IMAGES, low=low, high=high if high > low else low + 1)).decode("ascii")
    return (
        f'<img alt="the first {len(images)} rows" src="data:image/png;base64,{data}" '
        f'style="image-rendering:pixelated;width:{56 * len(images)}px;max-width:100%;height:auto">'
    )


def _numbers(array: np.ndarray) -> str:
    flat = array.reshape(len(array), -1)[:_ROWS]
    more = "<td>…</td>" if flat.shape[1] > _ENTRIES else ""
    lines = (
        "".join(f'<td style="text-align:right">{escape(_word(value))}</td>' for value in row[:_ENTRIES]) + more
        for row in flat
    )
    below = "<tr><td>⋮</td></tr>" if len(array) > _ROWS else ""
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}{below}</table>"


def _word(value: np.generic) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)
