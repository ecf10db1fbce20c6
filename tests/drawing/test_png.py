"""Images for a page: each pixel once, in its shade, with transparent gaps; and the preview of rows."""

import io
import re

import matplotlib.image
import numpy as np
import pytest

from lowerbound.drawing import image_png, pairs_png, preview

IMAGES = np.arange(5 * 2 * 3).reshape(5, 2, 3) * 1.0  # 0 to 29


def pixels(png: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(png), format="png")


def test_each_pixel_stands_once_in_its_shade():
    shown = pixels(image_png(IMAGES, 2, high=29.0))
    assert shown.shape == (3 * 3 - 1, 2 * 4 - 1, 4)
    for i, image in enumerate(IMAGES):
        top, left = i // 2 * 3, i % 2 * 4
        here = shown[top : top + 2, left : left + 3]
        assert np.abs(here[..., :3] - image[..., None] / 29).max() <= 0.5 / 255 + 1e-6  # rounded to a byte
        assert (here[..., 3] == 1).all()
    assert (shown[2, :, 3] == 0).all()  # the gaps, and the place that is left over
    assert (shown[6:, 4:, 3] == 0).all()


def test_gaps_may_have_a_shade():
    assert (pixels(image_png(IMAGES, 2, high=29.0, pad=1.0))[2] == 1).all()


def test_colors_stay():
    shown = pixels(image_png(np.array([[[[255, 0, 51]]]], np.uint8), 1, high=255.0))
    assert np.allclose(shown, [[[1, 0, 0.2, 1]]])


def test_originals_stand_above_their_reconstructions():
    shown = pixels(pairs_png(np.zeros((3, 8, 8)), np.ones((3, 8, 8)), 2))
    assert shown.shape == (2 * 17 + 2, 2 * 8 + 2, 4)
    assert (shown[:8, :8, 0] == 0).all()
    assert (shown[8, :, 3] == 0).all()
    assert (shown[9:17, :8, 0] == 1).all()


def test_files_are_small():
    rng = np.random.default_rng(0)
    assert len(image_png(rng.random((100, 28, 28)) < 0.2, 10)) < 100 * 28 * 28 / 3  # noise, in bits: hard to compress


def test_mistakes_get_one_sentence():
    message = "`columns` is 0; at least 1 was needed."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        image_png(IMAGES, 0)


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (3, 8, 8, 3), (30, 300, 200)])
def test_rows_that_look_like_images_are_shown_as_such(shape):
    for dtype in (np.uint8, bool, np.float64):
        text = preview(np.zeros(shape, dtype))
        assert text.startswith(f'<img alt="the first {min(shape[0], 10)} rows" src="data:image/png;base64,')
        assert len(text) < 10_000


def test_other_rows_are_shown_as_numbers():
    text = preview(np.arange(70).reshape(7, 10) / 3)
    assert text.count("<tr>") == 6
    assert "2.333" in text
    assert text.count("…") == 5
    assert preview(np.array(["<b>"])).count("&lt;b&gt;") == 1
