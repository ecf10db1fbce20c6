"""The labels `y` of rows, and whether a model needs them."""

import numpy as np
from jaxtyping import Int

from lowerbound.data import Data
from lowerbound.model import VAE, make_plan
from lowerbound.objective import ELBO


def labels_of(data: Data) -> Int[np.ndarray, " rows"] | None:
    """Return the labels of rows, -1 where one has none; None where `y` is not there or holds something else."""
    if "y" not in data or data["y"].ndim != 1 or not np.issubdtype(data["y"].dtype, np.integer):
        return None
    return data["y"]


def needs_labels(vae: VAE, data: Data) -> bool:
    """Say whether the model names `y` and can do nothing with rows that have none."""
    if "y" not in data or "y" not in vae.graph.names:
        return False
    try:
        make_plan(vae.graph, [name for name in data.names if name != "y"], ELBO())
    except ValueError:
        return True
    return "y" in vae.graph.inputs


def without_labels(data: Data) -> list[str]:
    """List the arrays beside the labels and the masks."""
    masks = {mask.mask for mask in data.transform.masks}
    return [name for name in data.names if name != "y" and name not in masks]


def unlabeled(vae: VAE, data: Data) -> Data:
    """Leave out the labels where the model does not need them: what is scored then is log p(x)."""
    if "y" not in data or needs_labels(vae, data):
        return data
    return data.only(*without_labels(data))
