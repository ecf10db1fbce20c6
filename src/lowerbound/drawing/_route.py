"""Edges as curves: each takes the bend with the fewest collisions, near the one that convention gives it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lowerbound.drawing._box import Box
from lowerbound.drawing._elements import Edge, Kind

#: The angles at which an edge may leave the straight line to its target; positive turns a way down to the right.
_BENDS = np.radians([0, 12, -12, 24, -24, 36, -36, 48, -48, 62, -62])
_PAIR = float(np.radians(24))
#: Pixels that an edge keeps from foreign nodes and from other edges, where it can.
#: Pixels of length that cost as much as one unit.
PER_LENGTH = 150.0
_CLEAR_OF_NODES, _CLEAR_OF_EDGES = 14.0, 9.0
_T = np.linspace(0, 1, 33)


@dataclass(frozen=True)
class Curve:
    """A cubic curve between the centres of two nodes, and those of its samples that lie outside both."""

    control: Float[np.ndarray, "4 2"]
    samples: Float[np.ndarray, "samples 2"]

    def at(self, t: Float[np.ndarray, " times"]) -> Float[np.ndarray, "times 2"]:
        """Evaluate it at times from 0, at its source, to 1."""
        return _basis(t) @ self.control

    def between(self, start: float, end: float) -> Float[np.ndarray, "4 2"]:
        """Cut out a piece: the curve's blossom at the two times gives the control points."""

        def blossom(*times: float) -> np.ndarray:
            points = self.control
            for t in times:
                points = (1 - t) * points[:-1] + t * points[1:]
            return points[0]

        return np.stack([blossom(*[start] * (3 - k), *[end] * k) for k in range(4)])


class Router:
    """Boxes at their places and the edges routed so far; the state of a layout in the making."""

    boxes: dict[str, Box]
    curves: dict[Edge, Curve]
    obstacles: list[Box]

    def __init__(self, edges: Iterable[Edge]):
        self.boxes, self.curves, self.obstacles = {}, {}, []
        self._all = frozenset(edges)

    def settle(self, edges: Sequence[Edge], sweeps: int = 4) -> float:
        """Route each edge in turn around nodes and other edges until none moves; return the total cost."""
        total = 0.0
        for _ in range(sweeps):
            before = {edge: self.curves[edge].control for edge in edges if edge in self.curves}
            total = 0.0
            for edge in edges:
                self.curves.pop(edge, None)
                bends = np.append(_BENDS, self._preferred(edge))
                curves, costs = self._candidates(edge, bends)
                best = int(np.argmin(costs))
                self.curves[edge], total = curves[best], total + float(costs[best])
            if all(edge in before and np.array_equal(before[edge], self.curves[edge].control) for edge in edges):
                break
        return total

    def straight_cost(self, edges: Sequence[Edge]) -> float:
        """Return the cost of all edges as convention has them, before any gives way."""
        self.curves.clear()
        total = 0.0
        for edge in edges:
            (curve,), costs = self._candidates(edge, np.array([self._preferred(edge)]))
            self.curves[edge], total = curve, total + float(costs[0])
        self.curves.clear()
        return total

    def drop(self, name: str) -> None:
        """Take a node and its edges away."""
        del self.boxes[name]
        for edge in [edge for edge in self.curves if name in (edge.source, edge.target)]:
            del self.curves[edge]

    def _preferred(self, edge: Edge) -> float:
        """Straight, but for a pair of nodes that p and q both join: one bends to each side, so that both are seen."""
        other = Kind.Q if edge.kind is Kind.P else Kind.P
        if Edge(edge.target, edge.source, other) in self._all:
            return _PAIR
        same = Edge(edge.source, edge.target, other) in self._all
        return (_PAIR if edge.kind is Kind.P else -_PAIR) if same else 0.0

    def _candidates(
        self, edge: Edge, bends: Float[np.ndarray, " bends"]
    ) -> tuple[list[Curve], Float[np.ndarray, " bends"]]:
        """Curve an edge by each bend, and say what each would cost."""
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        control = _controls(np.array([source.x, source.y]), np.array([target.x, target.y]), bends)
        points = _basis(_T) @ control
        outside = (source.distance(points) > 0) & (target.distance(points) > 0)
        foreign = [box for name, box in self.boxes.items() if name not in (edge.source, edge.target)] + self.obstacles
        hits = sum(_nearness(box.distance(points), _CLEAR_OF_NODES) for box in foreign) + np.zeros(outside.shape)
        others = np.concatenate([np.zeros((0, 2)), *(curve.samples for curve in self.curves.values())])
        crossings = _nearness(_to_nearest(points, others), _CLEAR_OF_EDGES)
        # Pixels from sample to sample, so that a stretch costs by its length and not by how often it is sampled.
        step = np.hypot(*np.moveaxis(np.gradient(points, axis=1), -1, 0))
        collisions = (outside * step * (hits * 0.5 + crossings * 0.15)).sum(axis=1)
        length = (outside * step).sum(axis=1) / PER_LENGTH
        preferred = self._preferred(edge)
        costs = collisions + length + np.abs(bends - preferred) / _PAIR * (1.2 if preferred else 0.7)
        rightwards = control[:, 1:3, 0].mean(axis=1) - (source.x + target.x) / 2
        costs += 0.8 * (rightwards * (1 if edge.kind is Kind.Q else -1) > 1)
        return [Curve(c, p[out]) for c, p, out in zip(control, points, outside, strict=True)], costs


def _basis(t: Float[np.ndarray, " times"]) -> Float[np.ndarray, "times 4"]:
    return np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)


def _nearness(distance: np.ndarray, clear: float) -> np.ndarray:
    return np.maximum(0, 1 - distance / clear)


def _to_nearest(
    points: Float[np.ndarray, "bends samples 2"], others: Float[np.ndarray, "others 2"]
) -> Float[np.ndarray, "bends samples"]:
    near = np.all((others > points.min(axis=(0, 1)) - 10) & (others < points.max(axis=(0, 1)) + 10), axis=1)
    a, b = points.reshape(-1, 2), np.append(others[near], [[1e4, 1e4]], axis=0)
    # |a - b|² = |a|² - 2ab + |b|²: one matrix product.
    squared = (a * a).sum(axis=1) + ((b * b).sum(axis=1) - 2 * a @ b.T).min(axis=1)
    return np.sqrt(np.maximum(squared, 0)).reshape(points.shape[:2])


def _controls(
    start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"], bends: Float[np.ndarray, " bends"]
) -> Float[np.ndarray, "bends 4 2"]:
    across, along = 0.39 * (end - start)
    cos, sin = np.cos(bends), np.sin(bends)
    leave = np.stack([cos * across + sin * along, cos * along - sin * across], axis=1)
    arrive = np.stack([cos * across - sin * along, cos * along + sin * across], axis=1)
    return np.stack([np.broadcast_to(start, leave.shape), start + leave, end - arrive, end + 0 * leave], axis=1)
