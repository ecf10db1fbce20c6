"""What there is to say of a run, gathered from the model, its rows and its history."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray

from lowerbound._version import __version__
from lowerbound.data import Data, Parts
from lowerbound.drawing import bars, draw, explain, learning_curves
from lowerbound.evaluation import LatentUse, use_of_latents
from lowerbound.model import VAE
from lowerbound.objective import AbstractObjective
from lowerbound.report._figures import make_figures
from lowerbound.report._labels import unlabeled
from lowerbound.report._page import Figure, Latent, Page, Score
from lowerbound.report._scores import Scored, chosen
from lowerbound.training import History

#: Test rows that the use of the latents is measured on, at most.
ROWS = 2000


def make_page(
    vae: VAE,
    how: AbstractObjective,
    history: History,
    parts: Parts,
    scored: Scored,
    *,
    title: str,
    lead: str,
    command: str,
    again: str,
    settings: Mapping[str, Mapping[str, Any]],
    classes: Sequence[str],
    seed: int,
    key: PRNGKeyArray,
) -> Page:
    """Gather a page.

    Args:
        vae: The trained model.
        how: What it was trained by.
        history: Of its training.
        parts: The rows: trained on, chosen by, tested on; with labels `y` perhaps.
        scored: Its scores on the test rows.
        title: What the run is called.
        lead: What was done, in a sentence.
        command: The line that was run.
        again: How to run it again.
        settings: By group, everything else that a number depends on.
        classes: The words of the labels.
        seed: Of the run.
        key: Makes all draws of the page.
    """
    rows = unlabeled(vae, parts.test)
    inferred = [name for name in vae.graph.q if name not in rows]
    few = rows[chosen(len(rows), ROWS, key)]
    uses = use_of_latents(vae, few, key=key) if inferred and len(few) > 1 else ()
    drawn = make_figures(vae, parts.train, parts.test, classes=classes, key=key)
    figures, left_out = _sized(drawn.figures)
    return Page(
        title=title,
        lead=f"{lead} {_main(scored.scores)}",
        scores=scored.scores,
        depends=_depends(rows, parts, scored.scores, seed),
        notes=(*scored.notes, *_notes(vae, history, unlabeled(vae, parts.train), uses), *drawn.notes, *left_out),
        network=draw(vae, observed=[name for name in rows.names if name in vae.graph.p], group_parameters=False).svg(),
        explanation=explain(vae, unlabeled(vae, parts.train), how),
        curves=learning_curves(history),
        figures=figures,
        latents=tuple(_latent(use, len(few)) for use in uses),
        command=command,
        again=again,
        settings=tuple((group, tuple((n, _said(v)) for n, v in values.items())) for group, values in settings.items()),
        version=__version__,
    )


def _main(scores: Sequence[Score]) -> str:
    first = scores[0].estimate
    return (
        f"Test {scores[0].name}: {first.mean:.2f} ± {first.standard_error:.2f} nats a datum ({first.side}), "
        f"{len(first):,} rows; {scores[-1].name}: {scores[-1].estimate.mean:.2f}."
    )


def _depends(rows: Data, parts: Parts, scores: Sequence[Score], seed: int) -> tuple[tuple[str, str], ...]:
    about = rows.description
    steps = about["steps"]
    binarization = [step for step in steps if step.startswith("binarize")]
    samples = ", ".join(f"{score.name}: {score.estimate.num_samples}" for score in scores if score.estimate.num_samples)
    return (
        (
            "data",
            f"{about['name']}; "
            + ", ".join(f"{n} {t} {_shape(about['shapes'][n])}" for n, t in about["dtypes"].items()),
        ),
        (
            "rows",
            f"{len(parts.train):,} to train, {len(parts.valid):,} to choose the state, {len(parts.test):,} to test",
        ),
        ("binarisation", "; ".join(binarization) or "none"),
        ("other steps before the model", "; ".join(s for s in steps if s not in binarization) or "none"),
        ("units", f"nats a datum, summed over its observed entries, {_units(rows)}; higher is better"),
        *_missing(rows),
        ("draws a datum", samples),
        ("seed", str(seed)),
        ("fingerprint of the test rows", f"sha256 {about['fingerprint'][:16]}"),
    )


def _units(rows: Data) -> str:
    binarized = [name for name in rows.names if rows.transform.is_binarized(name)]
    return f"of the bits of {', '.join(binarized)}" if binarized else "in the units of the raw rows"


def _missing(rows: Data) -> list[tuple[str, str]]:
    found = [(name, observed) for name in rows.names if (observed := rows.observed(name)) is not None]
    return [(f"missing entries of {name}", f"{1 - observed.mean():.1%} of the test rows'") for name, observed in found]


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "number"


def _notes(vae: VAE, history: History, train: Data, uses: Sequence[LatentUse]) -> list[str]:
    """Say what a reader must know before trusting or using the model."""
    notes = [use.words for use in uses if not use.num_active]
    if len(history.valid) > 1 and history.best_step == len(history) and history.stopped == "epochs":
        notes.append("The validation bound was still rising when training ended: more epochs may give more.")
    for name in train.names:
        if name in vae.graph.p:
            notes += [_floored(vae, train, name, scale) for scale in vae.graph.parameter_parents(vae.graph.p[name])]
    return [note for note in notes if note]


def _floored(vae: VAE, rows: Data, name: str, scale: str) -> str:
    """Say which columns' learned scale has come down to its floor."""
    parameter, lowest = vae.graph.parameters[scale], getattr(vae.graph.parameters[scale].support, "lower_bound", None)
    if parameter.is_random or not lowest or scale not in vae.parameters:
        return ""
    value = np.asarray(vae.parameters[scale])
    if value.shape != rows[name].shape[1:]:
        return ""
    floored = np.flatnonzero(value < 1.05 * float(lowest))
    if not len(floored):
        return ""
    columns = rows.columns(name) or tuple(f"{name}[{i}]" for i in range(value.size))
    listed = ", ".join(columns[i] for i in floored[:6]) + (", ..." if len(floored) > 6 else "")
    return (
        f"{scale} is at its floor, {float(lowest):g}, for {listed}: without it the density there would grow without "
        "end. Such a column is nearly constant, or a copy of others."
    )


def _latent(use: LatentUse, num_rows: int) -> Latent:
    activity = np.maximum(np.asarray(use.activity), 0)  # an unbiased variance may come out below 0
    kl = "inside the log of a sum" if np.isnan(use.kl) else f"{use.kl:.2f} ± {use.kl_standard_error:.2f} nats a datum"
    figure = (
        bars(
            activity,
            title=f"Activity of the entries of {use.name}",
            axis="variance of the posterior mean over data, in units of the prior's",
        )
        if activity.size > 1
        else None
    )
    of = f", the mean of {use.kl_label}" if use.kl_label else ""
    sentence = f"{use.words} Measured on {num_rows:,} test rows{of}."
    return Latent(use.name, sentence, kl, f"{use.num_active} of {use.size}", figure)


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else str(value)


def _sized(figures: Sequence[Figure]) -> tuple[tuple[Figure, ...], list[str]]:
    """Keep pictures until the page would come near 3 MB; say how many are left out."""
    kept, room = [], 2_200_000
    for figure in figures:
        size = len(figure.content) * (4 / 3 if isinstance(figure.content, bytes) else 1)
        if size > room:
            break
        kept.append(figure)
        room -= size
    left = len(figures) - len(kept)
    return tuple(kept), [
        f"To keep this page small, {left} of its {len(figures)} pictures are left out."
    ] if left else []
