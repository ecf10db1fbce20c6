"""Pictures: of the declaration as a diagram, of images that a model makes, and of numbers as charts.

Read `_bayesnet.py` for what is drawn, `_elements.py` for the representation in between, `_layout.py` for where it
stands, and `_svg.py` for how it is written. Charts are inline SVG: `_chart.py` holds what they share.
"""

from lowerbound.drawing._bars import bars
from lowerbound.drawing._columns import column_comparison, column_histograms
from lowerbound.drawing._curves import learning_curves
from lowerbound.drawing._diagram import Diagram
from lowerbound.drawing._draw import draw
from lowerbound.drawing._elements import Edge, Kind, Node, Plate
from lowerbound.drawing._explain import HEADINGS, Explanation, Row, explain
from lowerbound.drawing._images import image_grid, is_picture, save_reconstructions, save_samples
from lowerbound.drawing._label import Label, Role
from lowerbound.drawing._map import latent_map
from lowerbound.drawing._png import image_png, pairs_png
from lowerbound.drawing._preview import preview

__all__ = [
    "HEADINGS",
    "Diagram",
    "Edge",
    "Explanation",
    "Kind",
    "Label",
    "Node",
    "Plate",
    "Role",
    "Row",
    "bars",
    "column_comparison",
    "column_histograms",
    "draw",
    "explain",
    "image_grid",
    "image_png",
    "is_picture",
    "latent_map",
    "learning_curves",
    "pairs_png",
    "preview",
    "save_reconstructions",
    "save_samples",
]
