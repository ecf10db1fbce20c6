"""The folder of a run: what it was trained on, how it is declared, its weights; written, and read again.

`Preparation` says where rows come from and what happens to them; `read_model` runs a file that declares a model;
`RunFolder` writes a run, and `read_run` brings it back without running code that nobody vouched for.
"""

from lowerbound.runs._folder import RunFolder, SavedRun, next_free, read_run, versions
from lowerbound.runs._keys import Keys
from lowerbound.runs._model_file import Declared, read_model, run_model
from lowerbound.runs._preparation import Part, Preparation, training_sets
from lowerbound.runs._source import EMBEDDED, Source

__all__ = [
    "EMBEDDED",
    "Declared",
    "Keys",
    "Part",
    "Preparation",
    "RunFolder",
    "SavedRun",
    "Source",
    "next_free",
    "read_model",
    "read_run",
    "run_model",
    "training_sets",
    "versions",
]
