"""Training: a pure step, a loop over chunks of it, and the history."""

from lowerbound.training._files import claim_folder, read_weights, weight_names, write_run, write_whole
from lowerbound.training._fit import NonFiniteError, Run, fit
from lowerbound.training._history import History
from lowerbound.training._progress import Progress

__all__ = [
    "History",
    "NonFiniteError",
    "Progress",
    "Run",
    "claim_folder",
    "fit",
    "read_weights",
    "weight_names",
    "write_run",
    "write_whole",
]
