"""Evaluation: numbers with a unit, a side and an error; draws from a trained model."""

from lowerbound.evaluation._draws import reconstruct, sample
from lowerbound.evaluation._estimate import Estimate
from lowerbound.evaluation._evaluate import PARAMETER_DRAWS, evaluate
from lowerbound.evaluation._independent import independent_counts

__all__ = ["PARAMETER_DRAWS", "Estimate", "evaluate", "independent_counts", "reconstruct", "sample"]
