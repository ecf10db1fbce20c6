"""SVG: text, shapes and arrows from a layout."""

from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr
from zlib import crc32

import numpy as np

from lowerbound.drawing._box import INDEX, Box, Form
from lowerbound.drawing._elements import Edge, Kind, Node, Plate
from lowerbound.drawing._label import Label, Role
from lowerbound.drawing._layout import Layout
from lowerbound.drawing._route import Curve

_INK, _PAPER, _SHADE = "#1a1a1a", "#ffffff", "#d4d4d4"
_FONTS = "'STIX Two Text', 'Cambria', 'Times New Roman', 'Liberation Serif', 'DejaVu Serif', serif"
#: Pixels from the outline of the target to the tip, from the tip to the end of the line, and to the arrow's barbs.
_GAP, _HEAD, _BARB = 1.5, 6.0, 9.0


def write_svg(title: str, description: str, layout: Layout) -> str:
    """Write a layout as an SVG document: every element is a group with an id, a class and what it stands for."""
    prefix = f"d{crc32((title + description).encode()):08x}"
    canvas, boxes = layout.canvas, layout.boxes
    width, height = canvas.right - canvas.left, canvas.bottom - canvas.top
    nodes = [_node(prefix, node, boxes[node.name], layout) for node in layout.nodes]
    edges = [
        _edge(prefix, edge, curve, boxes[edge.source], boxes[edge.target]) for edge, curve in layout.curves.items()
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{prefix}-title {prefix}-desc" '
        f'width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{_numbers(canvas.left, canvas.top, width, height)}" '
        f'font-family="{_FONTS}" fill="none" stroke-linejoin="round">',
        f'<title id="{prefix}-title">{escape(title)}</title>',
        f'<desc id="{prefix}-desc">{escape(description)}</desc>',
        f'<rect class="background" {_rect(canvas.left, canvas.top, width, height)} rx="6" fill="{_PAPER}"/>',
        _plate(prefix, layout.plate, layout),
        *edges,
        *nodes,
        "</svg>\n",
    ]
    return "\n".join(lines)


def _plate(prefix: str, plate: Plate, layout: Layout) -> str:
    outline, label = layout.plate_outline, layout.plate_label
    area = _rect(outline.left, outline.top, outline.right - outline.left, outline.bottom - outline.top)
    italic = '<tspan font-style="italic">{}</tspan>'.format
    text = f"{italic(escape(plate.index))} = 1..{italic(escape(plate.size))}"
    return (
        f'<g id="{prefix}-plate" class="plate" data-role="plate"><title>one copy for each datum</title>'
        f'<rect {area} rx="10" stroke="{_INK}" stroke-width="1.3"/>{_text(text, label.x, label.y, label.font_size)}</g>'
    )


def _node(prefix: str, node: Node, box: Box, layout: Layout) -> str:
    role = node.role
    fill = _INK if role is Role.FIXED else _SHADE if role in (Role.OBSERVED, Role.INPUT) else _PAPER
    outline = "" if role is Role.PARAMETER else f'<{_shape(box)} fill="{fill}" stroke="{_INK}" stroke-width="1.5"/>'
    (dx, dy) = box.label_offset if role is Role.FIXED else (0.0, 0.0)
    badge = _badge(node, box, layout) if role is Role.SUMMED_OUT else ""
    return (
        f'<g id="{prefix}-node-{_word(node.name)}" class="node {role}" data-role="{role}" '
        f"data-name={quoteattr(node.name)}><title>{escape(', '.join(node.names))}: {role.replace('-', ' ')}</title>"
        f"{outline}{_label(node.label, box.x + dx, box.y + dy, box.font_size)}{badge}</g>"
    )


def _shape(box: Box) -> str:
    core, wide, high = box.core, box.half_width, box.half_height
    if box.form is Form.DIAMOND:
        corners = [(-wide, 0), (-core, -high), (core, -high), (wide, 0), (core, high), (-core, high)]
        return f'polygon points="{" ".join(_numbers(box.x + x, box.y + y) for x, y in dict.fromkeys(corners))}"'
    if box.form is Form.CIRCLE and core == 0:
        return f'circle cx="{_numbers(box.x)}" cy="{_numbers(box.y)}" r="{_numbers(high)}"'
    radius = high if box.form is Form.CIRCLE else 2.0
    return f'rect {_rect(box.x - wide, box.y - high, 2 * wide, 2 * high)} rx="{_numbers(radius)}"'


def _badge(node: Node, box: Box, layout: Layout) -> str:
    """Set a sum sign on the outline, where it is furthest from the edges."""
    angles = np.radians([45, -45, 135, -135, 0, 180])
    spots = np.stack([box.x + box.core * np.sign(np.cos(angles)), np.full(6, box.y)], axis=1)
    spots += box.half_height * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    near = [c.samples for e, c in layout.curves.items() if node.name in (e.source, e.target)]
    clear = [min((np.hypot(*(s - spot).T).min() for s in near if len(s)), default=99.0) for spot in spots]
    x, y = spots[int(np.argmax(np.minimum(clear, 16.0)))]
    return (
        f'<circle cx="{_numbers(x)}" cy="{_numbers(y)}" r="8" fill="{_PAPER}" stroke="{_INK}" stroke-width="1.1"/>'
        f"{_text('Σ', x, y, 11.0)}"
    )


def _edge(prefix: str, edge: Edge, curve: Curve, source: Box, target: Box) -> str:
    """Cut the curve at the outlines, end the line inside the arrow's head, and draw the head by itself."""
    t = np.linspace(0, 1, 600)
    points = curve.at(t)
    start = np.flatnonzero(source.distance(points) <= _GAP)[-1]
    to_target = np.where(t > t[start], target.distance(points), np.inf)
    end, tip = (np.flatnonzero(to_target <= gap)[0] for gap in (_GAP + _HEAD, _GAP))
    along = (points[tip] - points[end]) / np.hypot(*(points[tip] - points[end]))
    across = 3.6 * np.array([-along[1], along[0]])
    barbs = points[tip] - _BARB * along
    head = " ".join(_numbers(*p) for p in (points[tip], barbs + across, points[tip] - _HEAD * along, barbs - across))
    a, b, c, d = curve.between(float(t[start]), float(t[end]))
    dash = ' stroke-dasharray="5 3.5"' if edge.kind is Kind.Q else ""
    name = f"{_word(edge.source)}-{_word(edge.target)}-{edge.kind}"
    return (
        f'<g id="{prefix}-edge-{name}" class="edge {edge.kind}" data-role="edge" data-kind="{edge.kind}" '
        f"data-from={quoteattr(edge.source)} data-to={quoteattr(edge.target)}>"
        f'<path d="M{_numbers(*a)} C{_numbers(*b, *c, *d)}" stroke="{_INK}" stroke-width="1.4"{dash}/>'
        f'<polygon points="{head}" fill="{_INK}"/></g>'
    )


def _label(label: Label, x: float, y: float, size: float) -> str:
    style = "" if label.is_word else ' font-weight="bold"'
    if not (label.is_word or label.role.is_random):
        style += ' font-style="italic"'
    index = ""
    if label.indices:
        lower, small = _numbers(0.22 * size), _numbers(INDEX * size)
        index = f'<tspan dy="{lower}" font-size="{small}">{escape(label.subscript)}</tspan>'
    return _text(f"<tspan{style}>{escape(label.symbol)}</tspan>{index}", x, y, size)


def _text(content: str, x: float, y: float, size: float) -> str:
    """Set text with the middle of its small letters at (x, y)."""
    return (
        f'<text x="{_numbers(x)}" y="{_numbers(y + 0.3 * size)}" font-size="{_numbers(size)}" text-anchor="middle" '
        f'fill="{_INK}">{content}</text>'
    )


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_numbers(x)}" y="{_numbers(y)}" width="{_numbers(width)}" height="{_numbers(height)}"'


def _numbers(*values: float) -> str:
    return " ".join(f"{round(float(value), 2) + 0.0:g}" for value in values)


def _word(name: str) -> str:
    """Write any name as part of an id."""
    return quote(name, safe="").replace("%", ":")
