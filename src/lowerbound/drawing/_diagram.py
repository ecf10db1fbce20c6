"""A diagram: what is drawn, before it is known where and in which format."""

from dataclasses import dataclass
from pathlib import Path

from lowerbound.drawing._elements import Edge, Node, Plate
from lowerbound.drawing._layout import lay_out
from lowerbound.drawing._svg import write_svg


@dataclass(frozen=True)
class Diagram:
    """Nodes with a role, edges with a kind, and the plate: one picture of a model, free of coordinates.

    Notebooks show it; `save` writes it.
    """

    view: str
    title: str
    description: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    plate: Plate

    def svg(self) -> str:
        """Render it as one SVG document, with a background of its own, and a title and description in words."""
        return write_svg(self.title, self.description, lay_out(self.nodes, self.edges, self.plate))

    def save(self, path: str | Path) -> None:
        """Write it to a file.

        Args:
            path: Ends in `.svg`.

        Raises:
            ValueError: The path ends otherwise.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            asked = f"ends in {path.suffix}" if path.suffix else "has no ending"
            raise ValueError(f"`{path}` {asked}, but a diagram is saved as .svg. Write `{path.with_suffix('.svg')}`.")
        path.write_text(self.svg(), encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg()
