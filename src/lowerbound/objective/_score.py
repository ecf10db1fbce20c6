"""Scores of rows: an objective for each datum, from many draws, in fixed memory."""

import math
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int, PRNGKeyArray

from lowerbound._key import named_key
from lowerbound._types import Nats
from lowerbound.data import Transform
from lowerbound.model import Noise, Plan, Realized, draw_noise, latent_noise_shapes
from lowerbound.objective._objective import AbstractObjective, Datum
from lowerbound.objective._ready import Ready, log_det

#: Every batch is padded to this many rows, so that a shape compiles once and a row's result does not depend on
#: its neighbours.
BATCH_ROWS = 128
#: Draws of one datum that are in memory at once, counting each state of finite latents as a draw.
CHUNK_DRAWS = 32


class RowScores(NamedTuple):
    """An objective for each row in nats, and its Monte Carlo standard error (nan from one draw)."""

    values: Float64[np.ndarray, " rows"]
    standard_errors: Float64[np.ndarray, " rows"]


def score_rows(
    ready: Ready,
    how: AbstractObjective,
    realized: Realized,
    *,
    key: PRNGKeyArray,
    step: Int[Array, ""],
    advance: Callable[[int], None] = lambda rows: None,
) -> RowScores:
    """Score each row of the data, at full float32 precision.

    A row's randomness follows from `key` and the row's identity. Means over draws and the log-mean-exp are
    streamed in chunks, in the log domain or about the running mean, so that K costs no memory and no digits.

    Args:
        ready: The data and the plan.
        how: The objective.
        realized: The parameters' values.
        key: Binarises the data and makes the base draws.
        step: The training step, for the weights of penalties.
        advance: Told the number of rows that each batch has finished.
    """
    data = ready.data
    plan = ready.plan
    batches = []
    with jax.default_matmul_precision("highest"):
        for start in range(0, len(data), BATCH_ROWS):
            # Padding repeats the last row; its results are cut off.
            index = np.minimum(np.arange(start, start + BATCH_ROWS), len(data) - 1)
            rows = {name: array[index] for name, array in data.arrays.items()}
            ids = jnp.asarray(data.row_ids[index], jnp.int32)
            scores = _score_batch(plan, how, realized.values, data.transform, rows, ids, key, step)
            count = min(BATCH_ROWS, len(data) - start)
            batches.append(np.stack([np.asarray(score, np.float64)[:count] for score in scores]))
            advance(count)
    values, standard_errors = np.concatenate(batches, axis=1)
    return RowScores(values, standard_errors)


class Moments(NamedTuple):
    """What is kept of the weights so far: the largest, and sums of w and w² relative to it; and of the extras."""

    top: Nats
    total: Nats
    squares: Nats
    extra: Nats


@eqx.filter_jit
def _score_batch(
    plan: Plan,
    how: AbstractObjective,
    parameters: Datum,
    transform: Transform,
    rows: Datum,
    row_ids: Int[Array, " rows"],
    key: PRNGKeyArray,
    step: Int[Array, ""],
) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
    data_key = jax.random.fold_in(named_key(key, "data"), 0)
    noise_key = named_key(key, "noise")

    def score(row: Datum, row_id: Int[Array, ""]) -> tuple[Nats, Nats]:
        datum = transform(dict(row), jax.random.fold_in(data_key, row_id))
        row_key = jax.random.fold_in(noise_key, row_id)
        shapes = latent_noise_shapes(plan.graph, [latent.name for latent in plan.inferred])

        def draw(index: Int[Array, ""]) -> tuple[Nats, Nats]:
            noise: Noise = draw_noise(shapes, jax.random.fold_in(row_key, index))
            return how.draw(plan, parameters, datum, noise, step)

        stream = _log_mean_exp if how.uses_weights else _mean
        states = math.prod(latent.num_states or 1 for latent in plan.latents)
        value, standard_error = stream(draw, how.num_samples, max(1, CHUNK_DRAWS // states))
        return value + log_det(plan, transform.log_det(dict(row))), standard_error

    return jax.vmap(score)(rows, row_ids)


def _chunks(num_draws: int, most: int) -> tuple[int, int]:
    size = min(num_draws, most)
    return size, math.ceil(num_draws / size)


def _mean(
    draw: Callable[[Int[Array, ""]], tuple[Nats, Nats]], num_draws: int, most: int = CHUNK_DRAWS
) -> tuple[Nats, Nats]:
    """Average the draws, by Chan, Golub and LeVeque's update of mean and sum of squares chunk by chunk."""
    size, num_chunks = _chunks(num_draws, most)

    def add(moments: tuple[Nats, Nats, Nats], chunk: Int[Array, ""]) -> tuple[tuple[Nats, Nats, Nats], None]:
        count, mean, squares = moments
        index = chunk * size + jnp.arange(size)
        real = index < num_draws
        draws, extras = jax.vmap(draw)(index)
        draws = draws + extras
        new = jnp.sum(real).astype(draws.dtype)
        new_mean = jnp.sum(draws, where=real) / new
        new_squares = jnp.sum((draws - new_mean) ** 2, where=real)
        total = count + new
        delta = new_mean - mean
        merged = mean + delta * new / total, squares + new_squares + delta**2 * count * new / total
        return (total, *merged), None

    zero = jnp.zeros((), jax.eval_shape(draw, jnp.zeros((), int))[0].dtype)
    (count, mean, squares), _ = jax.lax.scan(add, (zero, zero, zero), jnp.arange(num_chunks))
    return mean, jnp.sqrt(squares / (count - 1) / count) if num_draws > 1 else jnp.full_like(mean, jnp.nan)


def _log_mean_exp(
    draw: Callable[[Int[Array, ""]], tuple[Nats, Nats]], num_draws: int, most: int = CHUNK_DRAWS
) -> tuple[Nats, Nats]:
    """Return log((1/K) Σ w) with its error by the delta method, sd(w) / (mean(w) sqrt(K)), and the mean of extras."""
    size, num_chunks = _chunks(num_draws, most)

    def add(moments: Moments, chunk: Int[Array, ""]) -> tuple[Moments, None]:
        index = chunk * size + jnp.arange(size)
        real = index < num_draws
        log_w, extras = jax.vmap(draw)(index)
        log_w = jnp.where(real, log_w, -jnp.inf)
        top = jnp.maximum(moments.top, jnp.max(log_w))
        scale = jnp.where(jnp.isfinite(top), top, 0)  # while every weight is zero
        weights = jnp.exp(log_w - scale)
        shrink = jnp.exp(moments.top - scale)
        sums = moments.total * shrink + jnp.sum(weights), moments.squares * shrink**2 + jnp.sum(weights**2)
        return Moments(top, *sums, moments.extra + jnp.sum(extras, where=real)), None

    dtype = jax.eval_shape(draw, jnp.zeros((), int))[0].dtype
    zero = jnp.zeros((), dtype)
    start = Moments(jnp.full((), -jnp.inf, dtype), zero, zero, zero)
    (top, total, squares, extra), _ = jax.lax.scan(add, start, jnp.arange(num_chunks))
    value = top + jnp.log(total) - math.log(num_draws) + extra / num_draws
    if num_draws == 1:
        return value, jnp.full_like(value, jnp.nan)
    # Var(w) / (K mean(w)²) = (K Σw² / (Σw)² - 1) / (K - 1)
    return value, jnp.sqrt(jnp.maximum(num_draws * squares / total**2 - 1, 0) / (num_draws - 1))
