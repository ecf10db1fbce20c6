"""Colours are told apart by colour-blind eyes, and from the page."""

import numpy as np
import pytest

from lowerbound.drawing._palette import COLORS, color, ink_on

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
# Ottosson (2020), https://bottosson.github.io/posts/oklab.
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(code: str) -> np.ndarray:
    channels = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(code) @ [0.2126, 0.7152, 0.0722]) for code in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colors_differ(blindness):
    """A tenth in OKLab is five times a just noticeable difference."""
    seen = np.clip([np.asarray(BLINDNESS[blindness]) @ linear(code) for code in COLORS], 0, 1)
    lab = np.cbrt(seen @ TO_LMS.T) @ TO_LAB.T
    apart = np.hypot.reduce(lab[:, None] - lab[None], axis=2) + np.eye(len(COLORS))
    assert apart.min() >= 0.1


@pytest.mark.parametrize("code", COLORS)
def test_colors_stand_out_from_a_light_page_and_a_dark_one(code):
    assert contrast(code, "#ffffff") >= 2.2
    assert contrast(code, "#16181b") >= 2.8
    assert contrast(code, ink_on(code)) >= 4.5


def test_colors_come_round():
    assert color(13) == COLORS[3]
