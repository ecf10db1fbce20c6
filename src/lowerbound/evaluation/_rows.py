"""Rows in padded batches: what is worked out for each datum, in memory that does not grow with their number."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray, PyTree, Shaped

from lowerbound._key import named_key
from lowerbound.data import Data, Transform, as_data
from lowerbound.model import VAE, Factor, Graph, Plan, default_observed, draw_noise, parameter_noise_shapes
from lowerbound.objective import Datum, Ready

#: Every batch is padded to this many rows, so that a shape compiles once and a row's result does not depend on
#: its neighbours.
BATCH_ROWS = 128

#: Arrays on the host by name, with a leading axis of rows.
Rows = dict[str, Shaped[np.ndarray, "rows ..."]]

#: What is worked out for one datum, from the plan, the parameters' values, the datum and its key. It is static under
#: `jit`: a function of a module, or a frozen dataclass.
RowFunction = Callable[[Plan, Datum, Datum, PRNGKeyArray], PyTree]


def one_data(vae: Any, data: Any, verb: str) -> Data:
    """Return `data` as one `Data`, or say what `verb` takes.

    Raises:
        TypeError: `vae` is no `VAE`, or `data` is neither `Data` nor a mapping.
    """
    check_vae(vae)
    if isinstance(data, Data | Mapping):
        return as_data(data)
    wanted = f"but `{verb}` takes one `Data` or a mapping of arrays by name."
    if isinstance(data, list | tuple) and data and all(isinstance(item, Data | Mapping) for item in data):
        raise TypeError(
            f"`data` is a {type(data).__name__} of {len(data)} data sets, {wanted} Call it for each of them: "
            f"`[{verb}(vae, each, ...) for each in data]`."
        )
    came = f"an array of shape {np.shape(data)}" if isinstance(data, np.ndarray | jax.Array) else f"{_typed(data)}"
    raise TypeError(f"`data` is {came}, {wanted} Write `{{{_example(vae)}}}`.")


def check_vae(vae: object) -> None:
    """Refuse what is no model, such as a `Run`."""
    if not isinstance(vae, VAE):
        raise TypeError(f"`vae` is of type {type(vae).__name__}; a `VAE` was needed, such as `run.vae`.")


def _typed(data: object) -> str:
    return "None" if data is None else f"of type {type(data).__name__}"


def _example(vae: VAE) -> str:
    return ", ".join(f'"{name}": ...' for name in default_observed(vae.graph))


def one_draw(vae: VAE, key: PRNGKeyArray) -> dict[str, Any]:
    """Give every parameter a value; random ones are drawn once, from q."""
    return vae.realize(draw_noise(parameter_noise_shapes(vae.graph, vae.free), key)).values


def required_parents(graph: Graph, factor: Factor) -> Iterator[str]:
    """List the variables and inputs that a factor cannot do without, also through deterministic values."""
    for parent in factor.parents:
        if parent.optional:
            continue
        if parent.name in graph.inputs or parent.name in graph.p:
            yield parent.name
        elif parent.name in graph.values:
            yield from required_parents(graph, graph.values[parent.name])


def map_batches(function: RowFunction, ready: Ready, parameters: Datum, key: PRNGKeyArray) -> Iterator[PyTree]:
    """Yield the results of `function` for the rows, batch by batch, on the host, at full float32 precision.

    The datum of a row is that of `data.prepared(key)`, and its own key follows from `key` and the row's identity.
    """
    data, transform = ready.data, ready.data.transform
    for start in range(0, len(data), BATCH_ROWS):
        # Padding repeats the last row; its results are cut off.
        index = np.minimum(np.arange(start, start + BATCH_ROWS), len(data) - 1)
        rows = {name: array[index] for name, array in data.arrays.items()}
        ids = jnp.asarray(data.row_ids[index], jnp.int32)
        count = min(BATCH_ROWS, len(data) - start)
        with jax.default_matmul_precision("highest"):
            results = _batch(function, ready.plan, parameters, transform, rows, ids, key)
        yield jax.tree.map(lambda array: np.asarray(array)[:count], results)  # noqa: B023  used at once


def map_rows(function: RowFunction, ready: Ready, parameters: Datum, key: PRNGKeyArray) -> Rows:
    """Collect the results of `map_batches`, by name."""
    collected: Rows = {}
    start = 0
    for batch in map_batches(function, ready, parameters, key):
        for name, values in batch.items():
            if name not in collected:
                collected[name] = np.empty((len(ready), *values.shape[1:]), values.dtype)
            collected[name][start : start + len(values)] = values
        start += BATCH_ROWS
    return collected


@eqx.filter_jit
def _batch(
    function: RowFunction,
    plan: Plan,
    parameters: Datum,
    transform: Transform,
    rows: Datum,
    row_ids: Int[Array, " rows"],
    key: PRNGKeyArray,
) -> PyTree:
    data_key, rows_key = jax.random.fold_in(key, 0), named_key(key, "rows")

    def one(row: Datum, row_id: Int[Array, ""]) -> PyTree:
        datum = transform(dict(row), jax.random.fold_in(data_key, row_id))
        return function(plan, parameters, datum, jax.random.fold_in(rows_key, row_id))

    return jax.vmap(one)(rows, row_ids)
