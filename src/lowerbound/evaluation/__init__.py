"""Evaluation: numbers with a unit, a side and an error."""

from lowerbound.evaluation._estimate import Estimate
from lowerbound.evaluation._evaluate import PARAMETER_DRAWS, evaluate

__all__ = ["PARAMETER_DRAWS", "Estimate", "evaluate"]
