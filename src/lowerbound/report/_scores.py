"""The scores of a run on rows that it was not trained on."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lowerbound._key import host_generator, named_key
from lowerbound.data import Data
from lowerbound.evaluation import encode, evaluate, independent
from lowerbound.model import VAE
from lowerbound.objective import ELBO, IWAE
from lowerbound.report._labels import labels_of, needs_labels, unlabeled
from lowerbound.report._page import Score

#: Draws a datum for the ELBO, where there are at most `MANY` rows and where there are more.
ELBO_SAMPLES, ELBO_SAMPLES_OF_MANY = 64, 16
#: Draws a datum for log p(x), and the rows that it is estimated on at most: their cost is the product.
IWAE_SAMPLES, IWAE_ROWS = 1000, 1000
MANY = 1000


class Scored(NamedTuple):
    """The table of scores, and what a reader must know of them."""

    scores: tuple[Score, ...]
    notes: tuple[str, ...]


def score_parts(vae: VAE, train: Data, test: Data, *, key: PRNGKeyArray, progress: bool = True) -> Scored:
    """Score the test rows: ELBO, log p(x), and the baseline of independent entries, fitted to the training rows.

    log p(x) is estimated on at most 1000 rows, chosen by `key`. A model that can do without the labels is scored
    without them, and once more with them.
    """
    rows = unlabeled(vae, test)
    index = chosen(len(rows), IWAE_ROWS, named_key(key, "rows"))
    few = rows[index]
    note = "" if len(few) == len(rows) else f"{len(few):,} of the {len(rows):,} rows, chosen at random"
    draws = ELBO_SAMPLES if len(rows) <= MANY else ELBO_SAMPLES_OF_MANY
    elbo = evaluate(vae, rows, ELBO(draws), key=key, progress=progress)
    if note:  # the gap between two scores can only be read from the same rows
        note += f", where the ELBO is {elbo.values[index].mean():.2f}"
    iwae = evaluate(vae, few, IWAE(IWAE_SAMPLES), key=key, progress=progress)
    scores = [Score("ELBO", elbo), Score(f"log {evidence(vae, rows)}, IWAE-{IWAE_SAMPLES}", iwae, note)]
    labels = labels_of(test)
    if labels is not None and "y" in vae.graph.p and not needs_labels(vae, test) and (labels >= 0).any():
        labeled = test[np.flatnonzero(labels >= 0)]
        words = f"a bound on log {evidence(vae, labeled)}, of rows with their label"
        scores.append(Score("ELBO with y", evaluate(vae, labeled, ELBO(draws), key=key, progress=progress), words))
    modeled = tuple(name for name in rows.names if name in vae.graph.p)
    densities = {name for name in modeled if _is_density(vae, rows, name)}
    baseline = independent(unlabeled(vae, train), rows, modeled, key=key, densities=densities)
    entries = "pixels" if all(rows[name].ndim > 2 for name in modeled) else "columns"
    scores.append(Score(f"independent {entries}", baseline, "the baseline: every entry on its own"))
    notes = [*_weak(scores[1], baseline.values[index], entries), *_accuracy(vae, test, key)]
    if densities:
        names = ", ".join(sorted(densities))
        notes.append(
            f"Scores of {names} are densities in the units of the rows: in other units they are other numbers."
        )
    return Scored(tuple(scores), tuple(notes))


def evidence(vae: VAE, rows: Data) -> str:
    """Write what is scored: `p(x)`, or `p(x | s)` given inputs that are no masks."""
    masks = {mask.mask for mask in rows.transform.masks}
    modeled = ", ".join(name for name in rows.names if name in vae.graph.p)
    given = ", ".join(name for name in rows.names if name in vae.graph.inputs and name not in masks)
    return f"p({modeled} | {given})" if given else f"p({modeled})"


def _is_density(vae: VAE, rows: Data, name: str) -> bool:
    """Say whether p scores an array by a density in the raw units; that of dequantized integers bounds their mass."""
    steps = (type(step).__name__ for step in rows.transform.steps.get(name, ()))
    return not vae.graph.abstract_p[name].support.is_discrete and "Dequantization" not in steps


def _weak(score: Score, baseline: Array | np.ndarray, entries: str) -> list[str]:
    """Say so if the model is no better than independent entries, by a paired difference on the same rows."""
    difference = np.asarray(baseline) - score.estimate.values
    if len(difference) < 2 or difference.mean() <= 2 * difference.std(ddof=1) / np.sqrt(len(difference)):
        return []
    return [
        f"By {score.name} the model is no better than independent {entries}: {difference.mean():.2f} nats below them "
        "on the same rows. Train longer, or look at the data and the likelihood."
    ]


def _accuracy(vae: VAE, test: Data, key: PRNGKeyArray) -> list[str]:
    right = accuracy(vae, test, key=key)
    if right is None:
        return []
    known = int((test["y"] >= 0).sum())
    return [f"The likeliest y under q is the label of {right:.1%} of the {known:,} labelled test rows."]


def accuracy(vae: VAE, test: Data, *, key: PRNGKeyArray) -> float | None:
    """Return the share of labelled test rows whose label q finds the likeliest; None if q infers no labels."""
    labels = labels_of(test)
    if labels is None or "y" not in vae.graph.q or needs_labels(vae, test) or not (labels >= 0).any():
        return None
    known = np.flatnonzero(labels >= 0)
    probabilities = encode(vae, unlabeled(vae, test[known]), key=key)["y"]
    if probabilities.ndim != 2:
        return None
    return float((probabilities.argmax(axis=1) == labels[known]).mean())


def chosen(num_rows: int, most: int, key: PRNGKeyArray) -> np.ndarray:
    """Choose rows at random, in their order; all if there are no more than `most`."""
    if num_rows <= most:
        return np.arange(num_rows)
    return np.sort(host_generator(key).choice(num_rows, most, replace=False))
