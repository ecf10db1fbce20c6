"""The scores of a run on rows that it was not trained on."""

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from lowerbound._key import named_key
from lowerbound.data import Data
from lowerbound.evaluation import encode, evaluate, independent
from lowerbound.model import VAE
from lowerbound.objective import ELBO, IWAE
from lowerbound.report._page import Score

#: Draws a datum for the ELBO, where there are at most `MANY` rows and where there are more.
ELBO_SAMPLES, ELBO_SAMPLES_OF_MANY = 64, 16
#: Draws a datum for log p(x), and the rows that it is estimated on at most: their cost is the product.
IWAE_SAMPLES, IWAE_ROWS = 1000, 1000
MANY = 1000


def unlabeled(vae: VAE, data: Data) -> Data:
    """Leave out the labels `y` where the model does not need them: what is scored then is log p(x)."""
    if "y" not in data or "y" in vae.graph.inputs:
        return data
    masks = {mask.mask for mask in data.transform.masks}
    return data.only(*(name for name in data.names if name != "y" and name not in masks))


def score_parts(vae: VAE, train: Data, test: Data, *, key: PRNGKeyArray, progress: bool = True) -> tuple[Score, ...]:
    """Score the test rows: ELBO, log p(x), and the baseline of independent entries, fitted to the training rows.

    log p(x) is estimated on at most 1000 rows, chosen by `key`. A model that names the labels is scored without them,
    and once more with them.
    """
    rows = unlabeled(vae, test)
    few = rows[chosen(len(rows), IWAE_ROWS, named_key(key, "rows"))]
    note = "" if len(few) == len(rows) else f"{len(few):,} of the {len(rows):,} rows, chosen at random"
    draws = ELBO_SAMPLES if len(rows) <= MANY else ELBO_SAMPLES_OF_MANY
    about = ", ".join(name for name in rows.names if name in vae.graph.p)
    modeled = tuple(name for name in rows.names if name in vae.graph.p)
    scores = [
        Score("ELBO", evaluate(vae, rows, ELBO(draws), key=key, progress=progress)),
        Score(
            f"log p({about}), IWAE-{IWAE_SAMPLES}",
            evaluate(vae, few, IWAE(IWAE_SAMPLES), key=key, progress=progress),
            note,
        ),
    ]
    if "y" in test and "y" in vae.graph.p:
        known = np.flatnonzero(test["y"] >= 0)
        if len(known):
            labeled = test[known]
            words = "rows with their label"
            scores.append(Score("ELBO with y", evaluate(vae, labeled, ELBO(draws), key=key, progress=progress), words))
    baseline = independent(unlabeled(vae, train), rows, modeled, key=key)
    entries = "pixels" if len(modeled) == 1 and rows[modeled[0]].ndim > 2 else "columns"
    scores.append(Score(f"independent {entries}", baseline, "the baseline: every entry on its own"))
    return tuple(scores)


def accuracy(vae: VAE, test: Data, *, key: PRNGKeyArray) -> float | None:
    """Return the share of labelled test rows whose label q(y | x) finds the likeliest; None if q infers no labels."""
    if "y" not in test or "y" not in vae.graph.q:
        return None
    known = np.flatnonzero(test["y"] >= 0)
    if not len(known):
        return None
    probabilities = encode(vae, unlabeled(vae, test[known]), key=key)["y"]
    if probabilities.ndim != 2:
        return None
    return float((probabilities.argmax(axis=1) == test["y"][known]).mean())


def chosen(num_rows: int, most: int, key: PRNGKeyArray) -> np.ndarray:
    """Choose rows at random, in their order; all if there are no more than `most`."""
    if num_rows <= most:
        return np.arange(num_rows)
    seed = np.asarray(jax.random.bits(key, (2,)), np.uint64)
    return np.sort(np.random.Generator(np.random.Philox(key=seed)).choice(num_rows, most, replace=False))
