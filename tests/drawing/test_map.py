"""The map: every point, or it says how many; every class in words."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from charts import read_chart, texts

from lowerbound.drawing import latent_map

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(60, 2))


def num_points(text: str) -> int:
    """Count the marks within the panel: not those of the legend, which stand at the origin of their own group."""
    return len(re.findall(r"M(?!0 0)[-\d. ]+(?:h0|m-)", text))


def test_every_point_is_drawn_once():
    assert num_points(latent_map(POINTS)) == 60
    assert num_points(latent_map(jnp.asarray(POINTS), labels=np.arange(60) % 7 - 1)) == 60


def test_many_points_are_thinned_and_it_says_so():
    many = RNG.normal(size=(20_000, 2))
    text = latent_map(many, labels=RNG.integers(-1, 60, 20_000))
    words = texts(read_chart(text, max_bytes=250_000))
    assert num_points(text) == 3000
    assert "3,000 of 20,000 points are shown, chosen at random." in words
    assert "and 20 more" in words


def test_thinning_repeats_itself():
    many = RNG.normal(size=(5_000, 2))
    assert latent_map(many) == latent_map(many)


def test_classes_are_named_on_the_map_and_beside_it():
    words = texts(read_chart(latent_map(POINTS, labels=np.arange(60) % 3 - 1, classes=("cats & dogs", "<b>"))))
    assert words.count("cats & dogs") == 2
    assert words.count("<b>") == 2
    assert "no label" in words


def test_classes_after_the_tenth_have_another_mark():
    text = latent_map(POINTS, labels=np.arange(60) % 12)
    assert 'stroke-linecap="square"' in text
    assert 'stroke-linecap="square"' not in latent_map(POINTS, labels=np.arange(60) % 10)


def test_odd_points_do_no_harm():
    read_chart(latent_map(np.zeros((1, 2)), labels=np.zeros(1, int)))
    words = texts(read_chart(latent_map(np.array([[0.0, np.nan], [1.0, 2.0]]))))
    assert "1 of 2 points are not finite and left out." in words


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: latent_map(np.zeros((3, 4))),
            "`points` has shape (3, 4); (num, 2) was needed, with at least one point.",
        ),
        (
            lambda: latent_map(POINTS, labels=np.zeros(60)),
            "`labels` is float64 of shape (60,); one whole number for each of 60 points was needed, -1 where there is "
            "none.",
        ),
        (
            lambda: latent_map(POINTS, labels=np.full(60, 2), classes=("a", "b")),
            "`labels` goes up to 2, but `classes` names 2, from 0 on.",
        ),
    ],
)
def test_mistakes_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
