"""The room that a node takes: the shape of its role, wide enough for its label."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from lowerbound.drawing._elements import Node
from lowerbound.drawing._label import Role

#: Font sizes in pixels: a letter, a word inside a shape at most and at least, and an index relative to its symbol.
LETTER, WORD, SMALL_WORD, INDEX = 20.0, 14.0, 11.0, 0.68


class Form(StrEnum):
    """An outline, each stretched sideways where the label is wide."""

    CIRCLE = "circle"
    SQUARE = "square"
    DIAMOND = "diamond"


@dataclass(frozen=True)
class Box:
    """An outline by its centre and half its extents, and the label's font size and place beside the centre."""

    form: Form
    half_width: float
    half_height: float
    font_size: float = 0.0
    x: float = 0.0
    y: float = 0.0
    label_offset: tuple[float, float] = (0.0, 0.0)

    def at(self, x: float, y: float) -> "Box":
        """Move it."""
        return replace(self, x=x, y=y)

    @property
    def core(self) -> float:
        """Half the length of the straight part of a stretched outline."""
        return self.half_width - self.half_height

    def distance(self, points: Float[np.ndarray, "*points 2"]) -> Float[np.ndarray, "*points"]:
        """Measure how far points lie outside of the outline; negative inside."""
        across = np.maximum(np.abs(points[..., 0] - self.x) - self.core, 0)
        along = np.abs(points[..., 1] - self.y)
        if self.form is Form.CIRCLE:
            return np.hypot(across, along) - self.half_height
        if self.form is Form.SQUARE:
            return np.maximum(across, along) - self.half_height
        return (across + along - self.half_height) / np.sqrt(2)


def make_box(node: Node) -> Box:
    """Choose a node's outline by its role and fit it to its label, or its label to it."""
    label, role = node.label, node.role
    if role is Role.FIXED:
        return Box(Form.CIRCLE, 4.5, 4.5, WORD if label.is_word else LETTER)
    bare = role is Role.PARAMETER
    form = {Role.VALUE: Form.DIAMOND, Role.INPUT: Form.SQUARE}.get(role, Form.CIRCLE)
    half_height = {Form.DIAMOND: 27.0, Form.SQUARE: 20.0}.get(form, 13.0 if bare else 22.0)
    # Half the width that the outline leaves a line of text, where it is not stretched.
    room = {Form.DIAMOND: 16.0, Form.SQUARE: 16.0}.get(form, 10.0 if bare else 18.0)
    font_size = LETTER
    if label.is_word:
        font_size = WORD if bare else float(np.clip(WORD * 2 * room / text_width(node, WORD), SMALL_WORD, WORD))
    core = max(0.0, text_width(node, font_size) / 2 - room)
    return Box(form, half_height + core, half_height, font_size)


def text_width(node: Node, font_size: float) -> float:
    """Bound the width of a label from above, for the wider ones among the serif fonts."""
    label = node.label
    return font_size * (_ems(label.symbol, bold=not label.is_word) + INDEX * _ems(label.subscript, bold=False))


def _ems(text: str, *, bold: bool) -> float:
    ems = sum(
        1.0 if c in "mwMW" or ord(c) > 0x2000 else 0.85 if c.isupper() else 0.42 if c in "ijl,. " else 0.66
        for c in text
    )
    return ems * (1.1 if bold else 1.0)
