"""The training step: a pure function of (state, data, key, step number)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int, PRNGKeyArray, PyTree, Shaped

from lowerbound._key import named_key
from lowerbound._types import Nats
from lowerbound.data import Transform
from lowerbound.model import Graph, Noise, Plan, draw_noise, latent_noise_shapes, parameter_noise_shapes, realize
from lowerbound.objective import AbstractObjective, Terms, log_det


class State(NamedTuple):
    """What a step changes: the arrays that the optimizer moves, and the optimizer's own."""

    trained: PyTree
    optimizer: PyTree


@dataclass(frozen=True)
class Program:
    """What stays the same in a run, and what a compiled step depends on."""

    graph: Graph
    how: AbstractObjective
    optimizer: optax.GradientTransformation
    plans: tuple[Plan, ...]
    #: The share of each data set in the objective: its part of the N data.
    shares: tuple[float, ...]
    #: Whether a data set's densities are to be brought back to original units.
    changes_units: tuple[bool, ...]
    num_data: int
    #: Whether a factor asks for randomness in training.
    wants_key: bool


class Source(NamedTuple):
    """A data set on the device, in its own types."""

    arrays: dict[str, Shaped[Array, "rows ..."]]
    row_ids: Int[Array, " rows"]
    transform: Transform


class Keys(NamedTuple):
    """Roots of a run's randomness; step t folds t into each, and a row its identity."""

    #: For each data set: what its preparation draws, and the base draws of its latents.
    data: tuple[PRNGKeyArray, ...]
    noise: tuple[PRNGKeyArray, ...]
    parameters: PRNGKeyArray

    @classmethod
    def of(cls, key: PRNGKeyArray, num_sources: int) -> "Keys":
        """Derive the roots from one key; done once, since each fold costs a step."""
        sets = [jax.random.fold_in(key, index) for index in range(num_sources)]
        data, noise = (tuple(named_key(set_key, name) for set_key in sets) for name in ("data", "noise"))
        return cls(data, noise, named_key(key, "parameters"))


class Constants(NamedTuple):
    """What a step reads and does not change: the rest of the trained tree, and the fixed values."""

    rest: PyTree
    fixed: dict[str, PyTree]


class Trace(NamedTuple):
    """What a chunk leaves to look at: the terms of each step, in nats a datum, and whether the state is finite."""

    terms: dict[str, Shaped[Array, " steps"]]
    is_finite: Bool[Array, ""]


def scheduled(graph: Graph, fixed: dict[str, PyTree], t: Int[Array, ""]) -> dict[str, PyTree]:
    """Give the fixed values at step t, those with a schedule from it."""

    def value(name: str) -> PyTree:
        schedule = graph.parameters[name].schedule
        if schedule is None:
            return fixed[name]
        return jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype).reshape(old.shape), schedule(t), fixed[name])

    return {name: value(name) for name in fixed}


def row_noise(program: Program, plan: Plan, key: PRNGKeyArray) -> Noise:
    """Make the base draws of one row: `num_samples` sets of them, along a leading axis."""
    shapes = latent_noise_shapes(plan.graph, [latent.name for latent in plan.inferred])

    def draw(key: PRNGKeyArray) -> Noise:
        noise = draw_noise(shapes, key)
        return {**noise, "key": named_key(key, "key")} if program.wants_key else noise

    if program.how.num_samples == 1:
        return jax.tree.map(lambda leaf: leaf[None], draw(key))
    return jax.vmap(draw)(jax.random.split(key, program.how.num_samples))


def row_terms(
    program: Program, index: int, source: Source, parameters: dict[str, Any], keys: Keys, t: Int[Array, ""]
) -> Callable[[dict[str, Any], Int[Array, ""]], Terms]:
    """Make the function of one row of data set `index` that gives the objective's terms."""
    plan = program.plans[index]
    data_key, noise_key = jax.random.fold_in(keys.data[index], t), jax.random.fold_in(keys.noise[index], t)

    def terms(row: dict[str, Any], row_id: Int[Array, ""]) -> Terms:
        datum = source.transform(row, jax.random.fold_in(data_key, row_id))
        noises = row_noise(program, plan, jax.random.fold_in(noise_key, row_id))
        result = program.how.terms(plan, parameters, datum, noises, t)
        if program.changes_units[index]:
            result = {**result, "log|det J|": log_det(plan, source.transform.log_det(row))}
        return result

    return terms


def parameter_noise(program: Program, free: PyTree, keys: Keys, t: Int[Array, ""]) -> Noise:
    """Make the one draw of the random parameters that step t uses."""
    return draw_noise(parameter_noise_shapes(program.graph, free), jax.random.fold_in(keys.parameters, t))


def objective_terms(
    program: Program,
    trained: PyTree,
    constants: Constants,
    sources: Sequence[Source],
    batches: Sequence[Int[Array, " _"]],
    t: Int[Array, ""],
    keys: Keys,
) -> Terms:
    """Average the objective over the batches of step t: nats a datum by label, whose sum is to be raised.

    Data sets count by their sizes, and KL(q(θ) || p(θ)) is spread over all N data.
    """
    free = eqx.combine(trained, constants.rest)
    fixed = scheduled(program.graph, constants.fixed, t)
    realized = realize(program.graph, free, fixed, parameter_noise(program, free, keys, t))
    total: Terms = {}
    for index, (source, batch) in enumerate(zip(sources, batches, strict=True)):
        # Gathered in the data's own type, and widened afterwards: bytes travel, not floats.
        rows = {name: array[batch] for name, array in source.arrays.items()}
        terms = jax.vmap(row_terms(program, index, source, realized.values, keys, t))(rows, source.row_ids[batch])
        for label, values in terms.items():
            total[label] = total.get(label, jnp.zeros(())) + program.shares[index] * jnp.mean(values)
    for name, divergence in realized.kl.items():
        total[f"-KL(q({name}) || p({name})) / N"] = -divergence / program.num_data
    return total


@eqx.filter_jit
def run_chunk(
    program: Program,
    state: State,
    constants: Constants,
    sources: Sequence[Source],
    indices: Sequence[Int[Array, "steps _"]],
    start: Int[Array, ""],
    keys: Keys,
) -> tuple[State, Trace]:
    """Take steps `start`, `start + 1`, ... in one scan: Python runs once a chunk, and compiles once for its length.

    The state that comes in is kept, so that a chunk which ends in numbers gone bad is replayed to its bad step: that
    costs one copy a chunk, where a guard inside the step costs some 20 % of it.
    """

    def loss(trained: PyTree, batches: Sequence[Int[Array, " _"]], t: Int[Array, ""]) -> tuple[Nats, Terms]:
        terms = objective_terms(program, trained, constants, sources, batches, t, keys)
        return -sum(terms.values(), start=jnp.zeros(())), terms

    def step(state: State, now: tuple[Sequence[Int[Array, " _"]], Int[Array, ""]]) -> tuple[State, Terms]:
        (_, terms), gradient = jax.value_and_grad(loss, has_aux=True)(state.trained, *now)
        updates, optimizer = program.optimizer.update(gradient, state.optimizer, state.trained)
        return State(optax.apply_updates(state.trained, updates), optimizer), terms

    steps = start + jnp.arange(len(indices[0]))
    state, terms = jax.lax.scan(step, state, (tuple(indices), steps))
    leaves = [leaf for leaf in jax.tree.leaves(state.trained) if eqx.is_inexact_array(leaf)]
    return state, Trace(terms, jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in leaves])))
