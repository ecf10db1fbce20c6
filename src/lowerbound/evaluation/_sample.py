"""New data from a trained model."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray, Shaped

from lowerbound._key import as_key, named_key
from lowerbound._suggest import suggest
from lowerbound.evaluation._rows import BATCH_ROWS, Rows, check_vae, one_draw, required_parents
from lowerbound.model import VAE, Graph, Scope
from lowerbound.objective import Datum


def sample(vae: VAE, num_samples: int, *, key: PRNGKeyArray, inputs: Mapping[str, Any] | None = None) -> Rows:
    """Draw data from the model: each variable of p given its parents, roots first.

    Variables that a likelihood masks are drawn all the same, from the distribution without the mask.

    Args:
        vae: The model.
        num_samples: How many data to draw; memory grows with the result alone.
        key: Makes the draws; that of a datum depends on the key and its position. Random parameters are drawn once,
            from q, for all of them.
        inputs: A value for each `Input` that p conditions on: that of one datum, for all of them, or one for each
            along a leading axis of length `num_samples`.

    Returns:
        All variables of p by name, latents too, with a leading axis of length `num_samples`. Arrays on the host.

    Raises:
        ValueError: `num_samples` is no positive whole number; an input is missing, unknown, or of another shape or
            kind of number than is declared.

    Example:
        >>> sample(run.vae, 100, key=key, inputs={"y": 3})["x"]
    """
    key = as_key(key)
    check_vae(vae)
    if not isinstance(num_samples, int | np.integer) or isinstance(num_samples, bool) or num_samples < 1:
        raise ValueError(f"`num_samples` is {num_samples!r}; a whole number from 1 up was needed.")
    values = _input_values(vae.graph, inputs or {}, int(num_samples))
    parameters = one_draw(vae, key)
    draws: Rows = {}
    for start in range(0, num_samples, BATCH_ROWS):
        index = np.minimum(np.arange(start, start + BATCH_ROWS), num_samples - 1)
        given = {name: value[index] for name, value in values.items()}
        batch = _sample(vae.graph, parameters, given, jnp.asarray(index, jnp.int32), named_key(key, "rows"))
        for name, drawn in batch.items():
            if name not in draws:
                draws[name] = np.empty((num_samples, *drawn.shape[1:]), drawn.dtype)
            draws[name][start : start + BATCH_ROWS] = np.asarray(drawn)[: num_samples - start]
    return draws


@eqx.filter_jit
def _sample(
    graph: Graph, parameters: Datum, inputs: Datum, index: Int[Array, " rows"], key: PRNGKeyArray
) -> dict[str, Shaped[Array, "rows ..."]]:
    def one(given: Datum, index: Int[Array, ""]) -> dict[str, Array]:
        scope, draws, row_key = Scope(graph, {**parameters, **given}), {}, jax.random.fold_in(key, index)
        for name in graph.roots_first:
            draws[name] = jnp.asarray(scope.model(name).sample(named_key(row_key, name)))
            scope = scope.bind(name, draws[name])
        return draws

    return jax.vmap(one)(inputs, index)


def _input_values(graph: Graph, inputs: Mapping[str, Any], num_samples: int) -> dict[str, np.ndarray]:
    """Return the inputs with a leading axis of samples, which takes no memory where one value is for all."""
    for name in inputs:
        if name not in graph.inputs:
            declared = ", ".join(f"`{known}`" for known in graph.inputs) or "none"
            raise ValueError(
                f"`inputs` names `{name}`, but the declared inputs are {declared}.{suggest(str(name), graph.inputs)}"
            )
    for factor in graph.p.values():
        for name in required_parents(graph, factor):
            if name in graph.inputs and name not in inputs:
                raise ValueError(
                    f"p conditions on the input `{name}`, of which the model has no distribution, so `sample` needs "
                    f'its value. Pass `inputs={{"{name}": ...}}`: one value for all data, or one for each of the '
                    f"{num_samples}."
                )
    return {name: _spread(graph, name, value, num_samples) for name, value in inputs.items()}


def _spread(graph: Graph, name: str, value: Any, num_samples: int) -> np.ndarray:
    declared, given = graph.inputs[name], np.asarray(value)
    dtype = jax.dtypes.canonicalize_dtype(declared.dtype)
    # Whole numbers are good floats, but nothing else passes for another kind.
    fits = given.dtype.kind == dtype.kind or (given.dtype.kind in "iu" and dtype.kind in "iuf")
    if not fits:
        raise ValueError(
            f"The input `{name}` is {given.dtype}, but it is declared as {dtype}. Cast it with `.astype({dtype})`."
        )
    if given.shape not in (declared.shape, (num_samples, *declared.shape)):
        raise ValueError(
            f"The input `{name}` has shape {given.shape}, but one datum's is {declared.shape}. Pass that for all data, "
            f"or shape {(num_samples, *declared.shape)}, one for each."
        )
    return np.broadcast_to(given.astype(dtype), (num_samples, *declared.shape))
