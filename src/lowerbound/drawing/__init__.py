"""Pictures: of the declaration as a diagram, and of images that a model makes.

Read `_bayesnet.py` for what is drawn, `_elements.py` for the representation in between, `_layout.py` for where it
stands, and `_svg.py` for how it is written.
"""

from lowerbound.drawing._diagram import Diagram
from lowerbound.drawing._draw import draw
from lowerbound.drawing._elements import Edge, Kind, Node, Plate
from lowerbound.drawing._explain import explain
from lowerbound.drawing._images import image_grid, save_reconstructions, save_samples
from lowerbound.drawing._label import Label, Role

__all__ = [
    "Diagram",
    "Edge",
    "Kind",
    "Label",
    "Node",
    "Plate",
    "Role",
    "draw",
    "explain",
    "image_grid",
    "save_reconstructions",
    "save_samples",
]
