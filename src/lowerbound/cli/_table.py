"""Scores as a table on stdout, and as JSON."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from lowerbound.data import Data
from lowerbound.evaluation import Estimate
from lowerbound.report import Score


def print_scores(scores: Sequence[Score], test: Data) -> None:
    """Print a table of scores, and a line that says what its columns are."""
    from rich.console import Console
    from rich.table import Table

    about = test.description
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    split = "" if about["split"] in ("all", "other") else f"{about['split']} "
    table.add_column(f"{len(test):,} {split}{'row' if len(test) == 1 else 'rows'} of {about['name']}")
    for heading in ("nats", "± data", "± draws"):
        table.add_column(heading, justify="right")
    table.add_column("side")
    if any(score.note for score in scores):
        table.add_column("of")
    for score in scores:
        estimate = score.estimate
        draws = "-" if np.isnan(estimate.monte_carlo_error) else f"{estimate.monte_carlo_error:.3f}"
        data = "-" if np.isnan(estimate.standard_error) else f"{estimate.standard_error:.2f}"
        notes = (score.note,) if any(score.note for score in scores) else ()
        table.add_row(score.name, f"{estimate.mean:.2f}", data, draws, str(estimate.side), *notes)
    # Wide where nobody looks (a log, a file): a table that wraps is hard to read, and to parse.
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False)
    console.print(table)
    console.print(
        "Nats a datum, summed over entries, in the rows' own units; higher is better. Standard errors: over data, and "
        "over draws.",
        soft_wrap=True,
    )


def said(estimate: Estimate) -> dict[str, Any]:
    """Say an estimate in plain words and numbers, for JSON; null stands for an error that one draw cannot tell."""
    return {
        "estimator": estimate.estimator,
        "nats": estimate.mean,
        "standard_error": _number(estimate.standard_error),
        "monte_carlo_error": _number(estimate.monte_carlo_error),
        "side": str(estimate.side),
        "num_samples": estimate.num_samples,
        "rows": len(estimate),
        "data": estimate.about,
        **({"parameter_kl": estimate.parameter_kl} if estimate.parameter_kl else {}),
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
