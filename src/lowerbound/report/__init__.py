"""The report: one page a run, in one file that needs nothing beside it.

Read `_page.py` for what a page says, `_html.py` for how it is set, and `_style.py` for how it looks.
"""

from lowerbound.report._contents import make_page
from lowerbound.report._html import render
from lowerbound.report._labels import labels_of, needs_labels, unlabeled, without_labels
from lowerbound.report._page import Figure, Latent, Page, Score
from lowerbound.report._scores import Scored, evidence, score_parts

__all__ = [
    "Figure",
    "Latent",
    "Page",
    "Score",
    "Scored",
    "evidence",
    "labels_of",
    "make_page",
    "needs_labels",
    "render",
    "score_parts",
    "unlabeled",
    "without_labels",
]
