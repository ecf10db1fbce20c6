"""Which row, and which of its features, made a step's numbers bad."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from lowerbound._types import Nats
from lowerbound.model import realize
from lowerbound.training._step import Constants, Keys, Program, Source, State, parameter_noise, row_terms, scheduled


@eqx.filter_jit
def _row_is_finite(
    program: Program,
    index: int,
    state: State,
    constants: Constants,
    source: Source,
    batch: Int[Array, " batch"],
    t: Int[Array, ""],
    keys: Keys,
) -> tuple[Bool[Array, " batch"], Bool[Array, " batch"]]:
    """Say of each row of a batch whether its objective and its gradient are finite, one row after the other."""

    def value(trained: object, i: Int[Array, ""]) -> Nats:
        free = eqx.combine(trained, constants.rest)
        fixed = scheduled(program.graph, constants.fixed, t)
        realized = realize(program.graph, free, fixed, parameter_noise(program, free, keys, t))
        row = {name: array[i] for name, array in source.arrays.items()}
        terms = row_terms(program, index, source, realized.values, keys, t)(row, source.row_ids[i])
        return sum(terms.values(), start=jnp.zeros(()))

    def check(i: Int[Array, ""]) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
        result, gradient = jax.value_and_grad(value)(state.trained, i)
        leaves = jax.tree.leaves(gradient)
        return jnp.isfinite(result), jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))

    return jax.lax.map(check, batch)


def diagnose(
    program: Program,
    state: State,
    constants: Constants,
    sources: Sequence[Source],
    batches: Sequence[Int[Array, " _"]],
    t: int,
    keys: Keys,
) -> str:
    """Say in a sentence what made step t bad, at the state before it."""
    step = jnp.asarray(t)
    free = eqx.combine(state.trained, constants.rest)
    fixed = scheduled(program.graph, constants.fixed, step)
    realized = realize(program.graph, free, fixed, parameter_noise(program, free, keys, step))
    for name, divergence in realized.kl.items():
        if not np.isfinite(divergence):
            return f"KL(q({name}) || p({name})) of the random parameter `{name}` is not finite"
    for index, (source, batch) in enumerate(zip(sources, batches, strict=True)):
        values, gradients = _row_is_finite(program, index, state, constants, source, batch, step, keys)
        bad = ~(np.asarray(values) & np.asarray(gradients))
        if not bad.any():
            continue
        if bad.all() and len(bad) > 1:
            return "every row of the batch is bad, so the parameters have gone too far; lower the learning rate"
        position = int(np.argmax(bad))
        row = int(batch[position])
        what = "objective" if not bool(values[position]) else "gradient"
        others = f" (and {bad.sum() - 1} more of the batch)" if bad.sum() > 1 else ""
        where = f" of data set {index + 1}" if len(sources) > 1 else ""
        return (
            f"the {what} of row {int(source.row_ids[row])}{where}{others} is not finite; its most unusual feature is "
            f"{_most_unusual(source, row)}"
        )
    return "every row alone is finite, so the numbers overflow in the sum or in the optimizer; lower the learning rate"


def _most_unusual(source: Source, row: int) -> str:
    """Name the entry of a row that lies furthest out, in deviations of its feature over the data."""
    found, distance = "none", -1.0
    for name, array in source.arrays.items():
        values = np.asarray(array, np.float64).reshape(len(array), -1)
        here = values[row]
        with np.errstate(all="ignore"):
            centre = np.nanmedian(values, axis=0)
            usual = np.nanquantile(np.abs(values - centre), 0.9, axis=0)
            away = np.abs(here - centre) / np.where(usual > 0, usual, 1)
        away = np.where(np.isfinite(here), np.nan_to_num(away, nan=0.0, posinf=np.inf), np.inf)
        entry = int(np.argmax(away))
        if away[entry] > distance:
            index = np.unravel_index(entry, array.shape[1:]) if array.ndim > 1 else ()
            label = f"{name}[{', '.join(str(int(i)) for i in index)}]" if index else name
            found, distance = f"{label} = {here[entry]:g}", float(away[entry])
    return found
