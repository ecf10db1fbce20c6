"""The elements of a diagram: nodes, edges and the plate."""

from dataclasses import dataclass
from enum import StrEnum

from lowerbound.drawing._label import Label, Role


class Kind(StrEnum):
    """Whose factor an edge belongs to."""

    P = "p"  # solid
    Q = "q"  # dashed


@dataclass(frozen=True)
class Node:
    """A variable, a value or a parameter; grouped parameters are one node that stands for their names."""

    name: str
    label: Label
    names: tuple[str, ...]

    @property
    def role(self) -> Role:
        """Its role."""
        return self.label.role


@dataclass(frozen=True)
class Edge:
    """An arrow from a parent to the name whose factor, p's or q's, takes it."""

    source: str
    target: str
    kind: Kind


@dataclass(frozen=True)
class Plate:
    """What is repeated for each datum: the members, by an index that runs from 1 to a size."""

    members: tuple[str, ...]
    index: str = "n"
    size: str = "N"
