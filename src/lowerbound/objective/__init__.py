"""Objectives: per-datum bounds on log p(x), from a plan, and penalties."""

from lowerbound.objective._average import Terms, average
from lowerbound.objective._elbo import ELBO, elbo, elbo_terms
from lowerbound.objective._iwae import IWAE, iwae, log_weight
from lowerbound.objective._objective import AbstractObjective, Datum
from lowerbound.objective._penalty import AbstractBound, Penalized, Penalty
from lowerbound.objective._ready import Ready, log_det, make_ready
from lowerbound.objective._score import RowScores, score_rows
from lowerbound.objective._side import Side

__all__ = [
    "ELBO",
    "IWAE",
    "AbstractBound",
    "AbstractObjective",
    "Datum",
    "Penalized",
    "Penalty",
    "Ready",
    "RowScores",
    "Side",
    "Terms",
    "average",
    "elbo",
    "elbo_terms",
    "iwae",
    "log_det",
    "log_weight",
    "make_ready",
    "score_rows",
]
