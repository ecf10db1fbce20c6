"""Where everything stands: rows by p's edges, parameters around the plate, edges bent around nodes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np

from lowerbound.drawing._box import Box, Form, make_box, text_width
from lowerbound.drawing._elements import Edge, Kind, Node, Plate
from lowerbound.drawing._label import Role
from lowerbound.drawing._route import PER_LENGTH, Curve, Router

#: Pixels between the centres of rows, the outlines of neighbours in a row, and the plate and what stands outside.
ROW, COLUMN_GAP, OUTSIDE_GAP, PLATE_MARGIN, MARGIN = 100.0, 48.0, 52.0, 22.0, 10.0


@dataclass(frozen=True)
class Rectangle:
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, margin: float, below: float = 0.0) -> "Rectangle":
        """Grow it on all sides, and further below."""
        return Rectangle(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin + below)


@dataclass(frozen=True)
class Layout:
    """A diagram with coordinates in pixels, y downwards."""

    nodes: tuple[Node, ...]
    boxes: dict[str, Box]
    curves: dict[Edge, Curve]
    plate: Plate
    plate_outline: Rectangle
    #: Where the plate's label stands, and the whole picture.
    plate_label: Box
    canvas: Rectangle


def lay_out(nodes: Sequence[Node], edges: Sequence[Edge], plate: Plate) -> Layout:
    """Place the nodes and route the edges. The same diagram always gives the same layout."""
    boxes = {node.name: make_box(node) for node in nodes}
    inner = [edge for edge in edges if edge.source in plate.members and edge.target in plate.members]
    router = Router(edges)
    _place_rows(router, nodes, boxes, inner, plate)
    router.settle(inner)
    label = Box(Form.SQUARE, 27.0, 8.0, 13.0)
    outline = _around(router).grown(PLATE_MARGIN, below=8.0)
    if (lack := 2 * label.half_width + 24 - (outline.right - outline.left)) > 0:
        outline = replace(outline, left=outline.left - lack / 2, right=outline.right + lack / 2)
    label = label.at(outline.right - label.half_width - 8, outline.bottom - label.half_height - 6)
    router.obstacles.append(label)
    outer = [edge for edge in edges if edge not in inner]
    for node in _children_first([node for node in nodes if node.name not in plate.members], outer):
        _place_outside(router, node, boxes[node.name], [e for e in outer if node.name in (e.source, e.target)], outline)
    router.settle(outer)
    canvas = _union([_around(router), outline]).grown(MARGIN)
    for node in nodes:
        if node.role is Role.FIXED:
            canvas = _union([canvas, _extent(_covered(node, router.boxes[node.name])).grown(MARGIN)])
    return Layout(tuple(nodes), router.boxes, router.curves, plate, outline, label, canvas)


def _place_rows(
    router: Router, nodes: Sequence[Node], boxes: dict[str, Box], edges: Sequence[Edge], plate: Plate
) -> None:
    """Put parents above children by p's edges; what only q uses stands to the left, beside what it feeds."""
    generative = [edge for edge in edges if edge.kind is Kind.P]
    tied = {name for edge in generative for name in (edge.source, edge.target)}
    free = (Role.VALUE, Role.INPUT)
    aside = [node.name for node in nodes if node.name in plate.members and node.role in free and node.name not in tied]
    row = _rows([name for name in plate.members if name not in aside], generative)
    last = max(row.values(), default=0)

    @cache
    def row_aside(name: str) -> int:
        children = {edge.target for edge in edges if edge.source == name}
        below = [row_aside(child) + 1 if child in aside else row[child] for child in children]
        return min(max(below, default=last), last)

    rows = [[name for name in row if row[name] == r] for r in range(last + 1)]
    columns = [[name for name in aside if row_aside(name) == r] for r in range(last + 1)]

    def place(rows: list[list[str]]) -> None:
        width = max(sum(2 * boxes[n].half_width + COLUMN_GAP for n in names) for names in rows)
        for r, names in enumerate(rows):
            x = -sum(2 * boxes[n].half_width + COLUMN_GAP for n in names) / 2
            for name in names:
                half = boxes[name].half_width + COLUMN_GAP / 2
                router.boxes[name] = boxes[name].at(x + half, r * ROW)
                x += 2 * half
        widest = max((boxes[name].half_width for name in aside), default=0.0)
        for r, names in enumerate(columns):
            for i, name in enumerate(reversed(names)):
                x = -width / 2 - widest - COLUMN_GAP / 2 - i * (2 * widest + COLUMN_GAP)
                router.boxes[name] = boxes[name].at(x, r * ROW)

    place(rows)
    _swap_to_lower(rows, lambda: (place(rows), router.straight_cost(edges))[1])
    place(rows)


def _rows(names: Iterable[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Number the rows by the longest path from the top; roots stand just above the first of their children."""
    parents = {name: [edge.source for edge in edges if edge.target == name] for name in names}

    @cache
    def depth(name: str) -> int:
        return max((depth(parent) + 1 for parent in parents[name]), default=0)

    row = {name: depth(name) for name in parents}
    for name in parents:
        children = [row[edge.target] for edge in edges if edge.source == name]
        if children and not parents[name]:
            row[name] = min(children) - 1
    return row


def _swap_to_lower(rows: list[list[str]], cost: Callable[[], float]) -> None:
    """Swap neighbours and others within a row while that lowers the cost."""
    best, improved = cost(), True
    while improved:
        improved = False
        for names in rows:
            for i, j in combinations(range(len(names)), 2):
                names[i], names[j] = names[j], names[i]
                if (now := cost()) < best - 1e-6:
                    best, improved = now, True
                else:
                    names[i], names[j] = names[j], names[i]


def _place_outside(router: Router, node: Node, box: Box, edges: Sequence[Edge], outline: Rectangle) -> None:
    """Choose the place outside the plate from which the node's edges run best: q's at the left, p's at the right."""
    edges = [edge for edge in edges if {edge.source, edge.target} - {node.name} <= router.boxes.keys()]
    others = [router.boxes[edge.target if edge.source == node.name else edge.source] for edge in edges]
    middle = np.mean([(other.x, other.y) for other in others], axis=0) if others else np.zeros(2)
    wrong_side = 1 if sum(edge.kind is Kind.Q for edge in edges) * 2 > len(edges) else -1
    places = []
    for ring, side, x, y in _slots(router, box, outline):
        trial = replace(box.at(x, y), label_offset=(side[0] * _beside(node, box), side[1] * 16.0))
        if not any(_overlap(_covered(node, trial), other) for other in [*router.boxes.values(), *router.obstacles]):
            away = abs(y - middle[1]) if side[0] else abs(x - middle[0])
            length = sum(np.hypot(other.x - x, other.y - y) - other.half_width - box.half_width for other in others)
            convention = 1.5 * ring + 0.7 * (side[0] == 0) + 5.0 * (side[0] == wrong_side) + away / ROW
            places.append((convention, length / PER_LENGTH, trial))
    best_cost, best = np.inf, None
    for convention, length, trial in sorted(places, key=lambda place: place[0] + place[1]):
        if convention + length >= best_cost:
            break  # no bend makes an edge shorter
        router.boxes[node.name] = trial
        cost = convention + router.settle(edges, sweeps=1)
        if cost < best_cost - 1e-6:
            best_cost, best = cost, trial
        router.drop(node.name)
    assert best is not None  # places further out are always free
    router.boxes[node.name] = best
    router.settle(edges, sweeps=1)
    if node.role is Role.FIXED:
        router.obstacles.append(_covered(node, best))


def _slots(router: Router, box: Box, plate: Rectangle) -> Iterator[tuple[int, tuple[int, int], float, float]]:
    """List places around the plate, level with a node or halfway between two, in rings further and further out.

    There are more rings than nodes, so that some place is always free.
    """
    inside = [b for b in router.boxes.values() if plate.left < b.x < plate.right and plate.top < b.y < plate.bottom]
    for ring in range(len(router.boxes) + 1):
        away_x, away_y = (OUTSIDE_GAP + 0.7 * ROW * ring + half for half in (box.half_width, box.half_height))
        for y in sorted({(a.y + b.y) / 2 for a in inside for b in inside}):
            yield ring, (-1, 0), plate.left - away_x, y
            yield ring, (1, 0), plate.right + away_x, y
        for x in sorted({(a.x + b.x) / 2 for a in inside for b in inside}):
            yield ring, (0, -1), x, plate.top - away_y
            yield ring, (0, 1), x, plate.bottom + away_y


def _beside(node: Node, box: Box) -> float:
    """Say how far a dot's name stands from the dot; other labels stand in the middle."""
    return box.half_width + 6 + text_width(node, box.font_size) / 2 if node.role is Role.FIXED else 0.0


def _covered(node: Node, box: Box) -> Box:
    """Return what a node covers: its outline, or a dot together with the name beside it."""
    if node.role is not Role.FIXED:
        return box
    half = text_width(node, box.font_size) / 2
    (dx, dy) = box.label_offset
    return Box(Form.SQUARE, half + 10 + abs(dx) / 2, 10 + abs(dy) / 2, x=box.x + dx / 2, y=box.y + dy / 2)


def _children_first(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    """Order what stands outside so that a random parameter comes before what its prior or posterior names."""
    rows = _rows([n.name for n in nodes], [e for e in edges if e.target in {n.name for n in nodes}])
    return sorted(nodes, key=lambda node: -rows[node.name])


def _overlap(a: Box, b: Box) -> bool:
    near = 20.0
    return abs(a.x - b.x) < a.half_width + b.half_width + near and abs(a.y - b.y) < a.half_height + b.half_height + near


def _extent(box: Box) -> Rectangle:
    return Rectangle(box.x - box.half_width, box.y - box.half_height, box.x + box.half_width, box.y + box.half_height)


def _around(router: Router) -> Rectangle:
    """Bound all nodes and all edges."""
    samples = [curve.samples for curve in router.curves.values()]
    curves = [Rectangle(*map(float, (*s.min(axis=0), *s.max(axis=0)))) for s in samples if len(s)]
    return _union([*(_extent(box) for box in router.boxes.values()), *curves])


def _union(rectangles: Sequence[Rectangle]) -> Rectangle:
    return Rectangle(
        min(r.left for r in rectangles),
        min(r.top for r in rectangles),
        max(r.right for r in rectangles),
        max(r.bottom for r in rectangles),
    )
