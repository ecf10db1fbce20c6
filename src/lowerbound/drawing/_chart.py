"""A chart as inline SVG: panels with axes, lines, dots and words, in the colour of the text around it.

Nothing has an id, so that any number of charts can share a page: the title is a child that names its picture, and a
nested `svg` clips without a clip path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import Float

from lowerbound.drawing._scale import Number, Scale, Values

#: The width of a chart in its own units, in which text is 12 high; on a page it is at most an eighth wider.
WIDTH = 480.0
_MAX_WIDTH = 540
#: Coordinates that are out of sight anyway, such as those of a run's first steps, end here.
_FAR = 10_000.0
FAINT = 'stroke="currentColor" stroke-opacity="0.14"'


@dataclass(frozen=True)
class Panel:
    """A rectangle with a scale along each side."""

    left: Number
    top: Number
    width: Number
    height: Number
    x: Scale
    y: Scale

    @property
    def right(self) -> Number:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> Number:
        """The lower edge."""
        return self.top + self.height

    def across(self, x: Values) -> Values:
        """Place values from left to right."""
        return self.left + self.width * self.x(np.asarray(x, float))

    def up(self, y: Values) -> Values:
        """Place values from the bottom up."""
        return self.bottom - self.height * self.y(np.asarray(y, float))

    def points(self, x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        """Place points; those far outside of the panel no further than renderers bear."""
        places = np.stack([self.across(x), self.up(y)], axis=1)
        return np.clip(places, -_FAR, _FAR)

    def axes(
        self, x_name: str = "", y_name: str = "", *, title: str = "", ticks: tuple[int, int] = (6, 5), size: Number = 11
    ) -> str:
        """Draw grid lines across, marks and numbers along both sides, and the names of what they count."""
        parts = []
        for value, text in self.y.ticks(ticks[1]):
            y = float(self.up(value))
            parts.append(f'<path d="M{numbers(self.left, y)}H{numbers(self.right)}" {FAINT}/>')
            parts.append(words(text, self.left - 6, y + 0.35 * size, size=size, anchor="end"))
        parts.append(
            f'<path d="M{numbers(self.left, self.bottom)}H{numbers(self.right)}" stroke="currentColor" '
            'stroke-opacity="0.55"/>'
        )
        for value, text in self.x.ticks(ticks[0]):
            x = float(self.across(value))
            parts.append(f'<path d="M{numbers(x, self.bottom)}v4" stroke="currentColor" stroke-opacity="0.55"/>')
            parts.append(words(text, x, self.bottom + 6 + size, size=size))
        if x_name:
            parts.append(words(x_name, (self.left + self.right) / 2, self.bottom + 24 + size, size=12))
        if title or y_name:
            # The name of the vertical axis stands level above it, where it is read without a turned head.
            parts.append(words(title or y_name, self.left, self.top - 8, size=12, anchor="start"))
        return "".join(parts)

    def clipped(self, *content: str) -> str:
        """Draw what is to be seen within the panel only."""
        box = numbers(self.left, self.top, self.width, self.height).split()
        place = " ".join(f'{k}="{v}"' for k, v in zip(("x", "y", "width", "height"), box, strict=True))
        return f'<svg {place} viewBox="{" ".join(box)}">{"".join(content)}</svg>'


def chart(title: str, description: str, height: Number, parts: Iterable[str]) -> str:
    """Write a chart: as wide as the place where it stands allows, and no wider than its text bears."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH:g} {numbers(height)}" fill="none" '
        f'font-size="12" style="display:block;width:100%;max-width:{_MAX_WIDTH}px;height:auto;font-family:inherit">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )


def words(text: str, x: Number, y: Number, *, size: Number = 12, anchor: str = "middle", color: str = "") -> str:
    """Set a line of text on the base line y."""
    return (
        f'<text x="{numbers(x)}" y="{numbers(y)}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{color or "currentColor"}">{escape(text)}</text>'
    )


def line(points: Float[np.ndarray, "n 2"], style: str) -> str:
    """Draw a line through points; it breaks where one is not finite."""
    pieces = np.split(points, np.flatnonzero(~np.isfinite(points).all(axis=1)))
    pieces = [piece[np.isfinite(piece).all(axis=1)] for piece in pieces]
    path = "".join("M" + "L".join(numbers(*point) for point in piece) for piece in pieces if len(piece))
    return f'<path d="{path}" stroke-linejoin="round" stroke-linecap="round" {style}/>'


def dots(points: Float[np.ndarray, "n 2"], color: str, size: Number, *, mark: int = 0, opacity: Number = 1) -> str:
    """Draw a mark at each point, all of them as one path: a few bytes a point."""
    shape, cap, width = _marks(size)[mark % 4]
    path = "".join(f"M{numbers(*point)}{shape}" for point in points)
    faded = f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{path}" stroke="{color}" stroke-width="{width:g}" stroke-linecap="{cap}"{faded}/>'


def _marks(size: Number) -> tuple[tuple[str, str, Number], ...]:
    """Return the marks, as a path from the point, the ends of its strokes and their width."""
    half = size / 2
    plus = f"m-{half:g} 0h{size:g}m-{half:g}-{half:g}v{size:g}"
    cross = f"m-{half:g}-{half:g}l{size:g} {size:g}m0-{size:g}l-{size:g} {size:g}"
    # A line of no length shows its ends only: a disc or a square.
    return ("h0", "round", size), ("h0", "square", 0.85 * size), (plus, "butt", size / 3), (cross, "butt", size / 3)


def legend(items: Sequence[tuple[str, str]], left: Number, top: Number, right: Number) -> tuple[str, Number]:
    """Set pairs of a drawing, 18 wide around (0, 0), and its name, line by line; return them and their height."""
    parts, x, y = [], left, top + 10
    for drawing, name in items:
        width = 24 + text_width(name, 11.5) + 12
        if x > left and x + width - 12 > right:
            x, y = left, y + 18
        parts.append(f'<g transform="translate({numbers(x + 9, y - 4)})">{drawing}</g>')
        parts.append(words(name, x + 24, y, size=11.5, anchor="start"))
        x += width
    return "".join(parts), y + 8 - top if items else 0.0


def notes(lines: Iterable[str], top: Number) -> tuple[str, Number]:
    """Set small lines below a chart, broken where they are too long; return them and their height."""
    broken = [piece for text in lines for piece in _broken(text, round(WIDTH / (0.54 * 11)))]
    parts = [words(text, 0, top + 12 + 15 * i, size=11, anchor="start") for i, text in enumerate(broken)]
    return f'<g opacity="0.75">{"".join(parts)}</g>' if parts else "", 15.0 * len(parts) + (4 if parts else 0)


def shortened(text: str, width: Number, size: Number) -> str:
    """Cut a text where it is wider than its place."""
    room = int(width / (0.56 * size))
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def text_width(text: str, size: Number) -> Number:
    """Guess the width of a text in a sans-serif font, rather too wide than too narrow."""
    return 0.58 * size * len(text)


def numbers(*values: Number) -> str:
    """Write coordinates, to a tenth."""
    return " ".join(f"{round(float(value), 1) + 0.0:g}" for value in values)


def _broken(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
