"""From values of latents to what the model expects there."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lowerbound._key import as_key
from lowerbound._suggest import suggest
from lowerbound.evaluation._mean import mean
from lowerbound.evaluation._rows import BATCH_ROWS, check_vae, one_draw, required_parents
from lowerbound.model import VAE, Graph, Scope
from lowerbound.objective import Datum


def decode(vae: VAE, values: Mapping[str, Any], name: str, *, key: PRNGKeyArray) -> np.ndarray:
    """Return the mean of p's variable `name` given values of what it conditions on: p(x | z) at chosen z.

    Args:
        vae: The model. Random parameters are drawn once, from q, for all rows.
        values: Arrays by name, of latents and inputs, with a common leading axis of rows.
        name: The variable. What it does not condition on needs no value.
        key: Draws random parameters.

    Returns:
        The means (class probabilities for a Categorical), with a leading axis of rows. On the host.

    Raises:
        ValueError: p has no such variable; a parent has no value; shapes do not fit; or there is no formula for a mean.

    Example:
        >>> decode(run.vae, {"z": grid}, "x", key=key)
    """
    key = as_key(key)
    check_vae(vae)
    graph = vae.graph
    if name not in graph.p:
        known = ", ".join(f"`{known}`" for known in graph.p)
        raise ValueError(f"p has no variable `{name}`; it has {known}.{suggest(name, list(graph.p))}")
    given = {known: np.asarray(value) for known, value in values.items()}
    factor = graph.p[name]
    above = [*graph.random_parents(factor), *graph.input_parents(factor)]
    required = set(required_parents(graph, factor))
    needed = [parent for parent in above if parent in given or parent in required]
    for parent in needed:
        if parent not in given:
            raise ValueError(f"`{name}` conditions on `{parent}`, which has no value. Pass it in `values`.")
        shape = graph.shape(parent) if parent in graph.p else graph.inputs[parent].shape
        if given[parent].shape[1:] != shape or given[parent].ndim == 0:
            raise ValueError(
                f"`{parent}` has shape {given[parent].shape}, but one datum's is {shape}. Pass one for each row, along "
                "a leading axis."
            )
    sizes = {len(given[parent]) for parent in needed}
    if len(sizes) > 1:
        raise ValueError(
            f"The values have {' and '.join(map(str, sorted(sizes)))} rows; one number of rows was needed."
        )
    num_rows, parameters, means = (sizes or {1}).pop(), one_draw(vae, key), []
    for start in range(0, num_rows, BATCH_ROWS):
        index = np.minimum(np.arange(start, start + BATCH_ROWS), num_rows - 1)
        rows = {parent: jnp.asarray(given[parent][index]) for parent in needed}
        with jax.default_matmul_precision("highest"):
            batch = _decode(graph, name, parameters, rows)
        if batch is None:
            raise ValueError(
                f"`{name}` has a distribution for whose mean there is no formula, so it cannot be decoded."
            )
        means.append(np.asarray(batch)[: num_rows - start])
    return np.concatenate(means)


@eqx.filter_jit
def _decode(graph: Graph, name: str, parameters: Datum, rows: Datum) -> Array | None:
    def one(given: Datum) -> Array | None:
        return mean(Scope(graph, {**parameters, **given}).model(name))

    return jax.vmap(one)(dict(rows))
