"""What a run leaves in a folder."""

import os
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

from lowerbound.model import VAE
from lowerbound.training._history import History


def claim_folder(out: str | os.PathLike[str]) -> Path:
    """Make a new folder for a run, or refuse one that holds something.

    Raises:
        ValueError: There is something at this path already, or it cannot be made.
    """
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"`out` is {folder}, which exists and is not an empty folder. Choose another, or remove it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"`out` is {folder}, which cannot be made: {error.strerror}. Choose another.") from error
    return folder


def weight_names(vae: VAE) -> dict[str, np.ndarray]:
    """Name every trained or fixed array by its path: `theta.layers.0.weight`."""
    leaves = jax.tree_util.tree_leaves_with_path({**vae.free, **vae.fixed})
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in leaves
        if eqx.is_array(leaf)
    }


def write_run(folder: Path, vae: VAE, history: History) -> None:
    """Write `weights.safetensors` (arrays by name) and `history.csv`, each whole or not at all."""
    from safetensors.numpy import save

    # safetensors corrupts arrays that are not C-ordered; np.asarray keeps 0-d arrays 0-d.
    weights = {name: np.asarray(array, order="C") for name, array in weight_names(vae).items()}
    for name, content in (("weights.safetensors", save(weights)), ("history.csv", history.to_csv().encode())):
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)
