"""Presets: five models of the field, each written as a `model.py` that a user reads, runs and edits.

A preset is validated words and whole numbers, and nothing else enters the file that it writes. `choose_likelihood`
looks at the data's values for p(x | z), and `check_columns` refuses what a Normal cannot be fitted to. The file
declares `p`, `q` and `vae(key)`, and `objective` where training needs more than the ELBO.
"""

from lowerbound.presets._choice import choose_likelihood
from lowerbound.presets._columns import check_columns
from lowerbound.presets._likelihood import WORDS, Likelihood
from lowerbound.presets._preset import DEFAULTS, PRESETS, Defaults, Preset

__all__ = ["DEFAULTS", "PRESETS", "WORDS", "Defaults", "Likelihood", "Preset", "check_columns", "choose_likelihood"]
