"""Data made ready for an objective: planned and checked, once, at the door."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lowerbound.data import Data
from lowerbound.dist import family, outside_support
from lowerbound.model import VAE, Plan, make_plan
from lowerbound.objective._objective import AbstractObjective, check_objective

#: Rows that are checked at once.
ROWS = 4096


@dataclass(frozen=True)
class Ready:
    """Data with the plan of an objective for it."""

    data: Data
    plan: Plan

    def __len__(self) -> int:
        return len(self.data)

    @property
    def changes_units(self) -> bool:
        """Whether a log-determinant is due to report densities in original units."""
        return any(self.data.transform.changes_units(name) for name in self.plan.observed)


def make_ready(vae: VAE, data: Data, how: AbstractObjective) -> Ready:
    """Plan an objective for data, and check that they fit the declaration.

    Raises:
        ValueError: As `make_plan`; or an array has another shape or kind of number than is declared, or values
            outside of the support of its likelihood.
    """
    check_objective(how)
    if not isinstance(vae, VAE):
        raise TypeError(f"`vae` is of type {type(vae).__name__}; a `VAE` was needed, such as `run.vae`.")
    ready = Ready(data, make_plan(vae.graph, data.names, how))
    _check_shapes(ready)
    _check_masks(ready)
    _check_supports(ready)
    return ready


def _check_masks(ready: Ready) -> None:
    """Entries that are missing hold a 0 that nobody observed: the likelihood must leave them out."""
    graph = ready.plan.graph
    for name, mask, _ in ready.data.transform.masks:
        if name not in ready.plan.observed:
            continue
        factor = graph.p[name]
        read = {*graph.input_parents(factor), *graph.random_parents(factor)}
        if mask not in read:
            raise ValueError(
                f"`{name}` has missing entries, marked by `{mask}`, but its likelihood scores all entries. Let its "
                f"factor take `{mask}`, declared as an `Input`, and return `distribution.mask({mask})`."
            )


def _check_shapes(ready: Ready) -> None:
    graph = ready.plan.graph
    row = {name: jax.ShapeDtypeStruct(array.shape[1:], array.dtype) for name, array in ready.data.arrays.items()}
    datum = jax.eval_shape(ready.data.transform, row, jax.ShapeDtypeStruct((), jax.random.key(0).dtype))
    for name, struct in datum.items():
        declared = graph.shape(name) if name in graph.p else graph.inputs[name].shape
        if struct.shape != declared:
            got = (len(ready.data), *struct.shape)
            flat = int(np.prod(struct.shape)) == int(np.prod(declared)) and len(declared) == 1
            cure = "Flatten it, or declare an image likelihood." if flat else "Reshape it, or declare that shape."
            raise ValueError(
                f"`{name}` has shape {got}, so one datum is {struct.shape}, but p declares `{name}` of shape "
                f"{declared}. {cure}"
            )
        categorical = name in graph.p and "Categorical" in type(graph.abstract_p[name]).__name__
        if categorical and not np.issubdtype(struct.dtype, np.integer):
            raise ValueError(
                f"`{name}` is {struct.dtype}, but its likelihood is a Categorical over whole numbers. Cast it with "
                f"`.astype(int)`."
            )
        if name in graph.inputs:
            _check_kind(name, struct.dtype, graph.inputs[name].dtype)


def _check_kind(name: str, got: np.dtype, declared: np.dtype) -> None:
    kinds = {"b": "bool", "i": "int", "u": "int", "f": "float"}
    if kinds.get(np.dtype(got).kind) != kinds.get(declared.kind):
        word = kinds.get(declared.kind, str(declared))
        raise ValueError(
            f"The input `{name}` is {got}, but it is declared as `Input(..., {word})`. Cast it with "
            f"`.astype({word})`, or declare the input as it is."
        )


def _check_supports(ready: Ready) -> None:
    graph, transform = ready.plan.graph, ready.data.transform
    # The support of a distribution whose bounds depend on its parents is known only where it is evaluated.
    supports = {
        name: graph.abstract_p[name].support
        for name in ready.plan.observed
        if not (transform.is_binarized(name) and _has_bits(graph.abstract_p[name].support, graph.shape(name)))
    }
    for start, datum in _prepared(ready) if supports else ():
        for name, support in supports.items():
            values = np.asarray(datum[name])
            outside = np.asarray(outside_support(support, values))
            outside = outside.reshape(outside.shape + (1,) * (values.ndim - outside.ndim))
            masks = [mask for mask in transform.masks if mask.name == name]
            if masks and outside.shape == values.shape:
                flat = np.asarray(datum[masks[0].mask]).reshape(len(values), -1)
                size = int(np.prod(values.shape[1:]))
                outside = outside & flat[:, masks[0].start : masks[0].start + size].reshape(values.shape)
            outside = outside[: len(ready.data) - start]  # without the padding
            if outside.any():
                first = tuple(int(i) for i in np.argwhere(outside)[0])
                _refuse(ready, name, start + first[0], first[1:], values[first], support)


def _refuse(ready: Ready, name: str, row: int, entry: tuple[int, ...], value: Any, support: object) -> None:
    kind = family(ready.plan.graph.abstract_p[name]).removesuffix(", masked")
    where = f"{name}[{', '.join(map(str, entry))}]" if np.ndim(value) == 0 and np.any(np.shape(entry)) else name
    shown = np.array2string(np.asarray(value), precision=4, threshold=4)
    cure = (
        'Binarize the data, `data.binarize("stochastic")`, or declare a likelihood for grey levels.'
        if kind == "Bernoulli"
        else "Choose a likelihood with this support, or transform the data."
    )
    raise ValueError(
        f"`{where}` is {shown} in row {ready.data.row_ids[row]}, which is outside of the support of its likelihood, "
        f"{kind}: {support}. {cure}"
    )


def _has_bits(support: Any, shape: tuple[int, ...]) -> bool:
    """Say whether 0 and 1 are in a support, so that what is binarized need not be drawn to know it."""
    bits = np.stack([np.zeros(shape, np.float32), np.ones(shape, np.float32)])
    return not np.asarray(outside_support(support, bits)).any()


def _prepared(ready: Ready) -> Iterator[tuple[int, dict[str, jax.Array]]]:
    """Give the data some rows at a time, the last of them padded by the last row: one shape compiles once."""
    size = min(ROWS, len(ready.data))
    for start in range(0, len(ready.data), size):
        index = np.minimum(np.arange(start, start + size), len(ready.data) - 1)
        yield start, ready.data[index].prepared(jax.random.key(0))


def log_det(ready_plan: Plan, log_dets: dict[str, jax.Array]) -> jax.Array:
    """Sum log|det J| over the observed random variables of a datum: inputs have no density."""
    return sum((log_dets[name] for name in ready_plan.observed), start=jnp.zeros(()))
