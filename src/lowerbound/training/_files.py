"""What training leaves in a folder: weights by name, and the history."""

import os
from collections.abc import Mapping
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lowerbound._suggest import suggest
from lowerbound.model import VAE, leaves
from lowerbound.training._history import History

#: The version of the weights file.
FORMAT = "1"


def claim_folder(out: str | os.PathLike[str]) -> Path:
    """Make a new folder for a run, or refuse one that holds something or cannot be written.

    Raises:
        ValueError: There is something at this path already, or it cannot be made or written.
    """
    folder = Path(out)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ValueError(
                f"`out` is {folder}, which exists and is not an empty folder. Choose another, or remove it."
            )
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe.partial"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ValueError(f"`out` is {folder}, which cannot be written: {error.strerror}. Choose another.") from error
    return folder


def weight_names(vae: VAE) -> dict[str, np.ndarray]:
    """Name every trained or fixed array by its path: `theta.layers.0.weight`."""
    named = {**vae.free, **vae.fixed}
    return {path: np.asarray(leaf) for name, value in named.items() for path, leaf in leaves(name, value)}


def write_run(folder: Path, vae: VAE, history: History) -> None:
    """Write `weights.safetensors` (arrays by name) and `history.csv`, each whole or not at all."""
    from safetensors.numpy import save

    # safetensors corrupts arrays that are not C-ordered; np.asarray keeps 0-d arrays 0-d.
    weights = {name: np.asarray(array, order="C") for name, array in weight_names(vae).items()}
    counts = {"format": FORMAT, "num_data": str(int(vae.num_data)), "num_steps": str(int(vae.num_steps))}
    write_whole(folder / "weights.safetensors", save(weights, counts))
    write_whole(folder / "history.csv", history.to_csv().encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def read_weights(path: Path, like: VAE) -> VAE:
    """Return the model with the weights of a file that `write_run` wrote; nothing in the file is run.

    Args:
        path: The file.
        like: The declaration: names, shapes and types must be the file's.

    Raises:
        ValueError: There is no such file, it is no such file, or it is of another declaration.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            counts = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    except FileNotFoundError as error:
        raise ValueError(f"There is no file `{path}`. Was this run trained to its end?") from error
    except (SafetensorError, OSError) as error:
        raise ValueError(f"`{path}` cannot be read as weights: {error}.") from error
    if counts.get("format") != FORMAT:
        raise ValueError(f"`{path}` is of format {counts.get('format')!r}; this version reads {FORMAT!r}.")
    _check(path, weights, weight_names(like))
    try:
        num_data, num_steps = int(counts["num_data"]), int(counts["num_steps"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"`{path}` is damaged: it does not say how many data and steps it was trained on.") from error
    return eqx.tree_at(
        lambda vae: (vae.free, vae.fixed, vae.num_data, vae.num_steps),
        like,
        (
            _filled(like.free, weights),
            _filled(like.fixed, weights),
            jnp.asarray(num_data),
            jnp.asarray(num_steps),
        ),
    )


def _check(path: Path, weights: Mapping[str, np.ndarray], declared: Mapping[str, np.ndarray]) -> None:
    """Hold the names, shapes and types of a file against those of a declaration."""
    for name, array in declared.items():
        if name not in weights:
            raise ValueError(
                f"`{path}` has no `{name}`, which the declaration has.{suggest(name, list(weights))} "
                f"These are weights of another declaration."
            )
        if weights[name].shape != array.shape or weights[name].dtype != array.dtype:
            raise ValueError(
                f"`{name}` is {weights[name].dtype} of shape {weights[name].shape} in `{path}`, but {array.dtype} of "
                f"shape {array.shape} in the declaration. These are weights of another declaration."
            )
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"`{path}` is damaged: `{name}` holds numbers that are not finite.")
        if name not in declared:
            raise ValueError(
                f"`{path}` has `{name}`, which the declaration has not.{suggest(name, list(declared))} "
                f"These are weights of another declaration."
            )


def _filled(values: Mapping[str, object], weights: Mapping[str, np.ndarray]) -> dict[str, object]:
    filled = {}
    for name, value in values.items():
        arrays, rest = eqx.partition(value, eqx.is_array)
        found = [jnp.asarray(weights[path]) for path, _ in leaves(name, value)]
        filled[name] = eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), found), rest)
    return filled
