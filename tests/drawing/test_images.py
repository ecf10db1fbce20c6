"""Grids of images: each pixel where it belongs, in its shade; no trace in pyplot."""

import re

import jax.numpy as jnp
import matplotlib.image
import numpy as np
import pytest

from lowerbound.drawing import image_grid, save_reconstructions, save_samples

IMAGES = np.arange(5 * 2 * 3).reshape(5, 2, 3) * 1.0  # 0 to 29


def mosaic(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_images_stand_row_by_row():
    grid = mosaic(image_grid(IMAGES, 2, low=0.0, high=29.0))
    assert grid.shape == (3 * 3 - 1, 2 * 4 - 1)
    for i, image in enumerate(IMAGES):
        top, left = i // 2 * 3, i % 2 * 4
        assert np.array_equal(grid[top : top + 2, left : left + 3], image / 29)
    assert np.all(grid[2] == 1)  # the gaps are white, as is the place that is left over
    assert np.all(grid[6:, 4:] == 1)


def test_shades_run_from_low_to_high():
    grid = mosaic(image_grid(np.array([[[-9.0, 0.0, 4.0, 8.0, 16.0, 99.0]]]), 1, low=0.0, high=16.0))
    assert grid.tolist() == [[0, 0, 0.25, 0.5, 1, 1]]


def test_arrays_of_any_kind():
    assert mosaic(image_grid(jnp.ones((2, 4, 4), bool), 2)).shape == (4, 9)
    assert mosaic(image_grid(jnp.ones((2, 4, 4, 1)), 2)).shape == (4, 9)
    assert mosaic(image_grid(np.full((2, 4, 4, 3), 255, np.uint8), 9, high=255.0)).shape == (4, 9, 3)


def test_originals_stand_above_their_reconstructions(tmp_path):
    black, white = np.zeros((3, 8, 8)), np.ones((3, 8, 8))
    save_reconstructions(tmp_path / "pairs.png", black, white, columns=2)
    picture = matplotlib.image.imread(tmp_path / "pairs.png")[:, :, 0]
    middle = picture[:, picture.shape[1] // 2 - 40]  # a column of pixels through the left pair, below the title
    dark = np.flatnonzero(middle[50:] < 0.05) + 50
    assert len(dark) == 2 * 64  # two rows of pairs, eight pixels of 8 screen pixels each; the rest is white


def test_samples_are_written_and_pyplot_left_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    save_samples(tmp_path / "samples.png", IMAGES, columns=3, high=29.0)
    assert matplotlib.image.imread(tmp_path / "samples.png").shape[2] == 4
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image_grid(IMAGES, 0), "`columns` is 0; at least 1 was needed."),
        (
            lambda: image_grid(IMAGES, 2, low=1.0, high=1.0),
            "`low` is 1.0 and `high` is 1.0; `low` must be below `high`.",
        ),
        (
            lambda: image_grid(np.zeros((5, 2, 3, 2)), 2),
            "`images` has shape (5, 2, 3, 2); (num, height, width) was needed, with at least one image, or "
            "(num, height, width, channels) with 1 or 3 channels.",
        ),
        (
            lambda: save_reconstructions("a.png", IMAGES, IMAGES[:4]),
            "`originals` has shape (5, 2, 3), but `reconstructions` (4, 2, 3). Pass one reconstruction of each "
            "original, of the same shape.",
        ),
        (lambda: save_samples("samples.jpg", IMAGES), "`samples.jpg` is no PNG file by its name. Write `samples.png`."),
    ],
)
def test_mistakes_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
