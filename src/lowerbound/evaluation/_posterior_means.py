"""Means of q's latents for one datum: exact over finite parents, averaged over draws of the others."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from lowerbound.dist import Distribution, from_noise, log_density, states
from lowerbound.evaluation._mean import mean
from lowerbound.model import LatentPlan, Noise, Plan, Scope

Means = dict[str, Float[Array, "..."]]


def posterior_means(plan: Plan, scope: Scope, noise: Noise) -> Means:
    """Return the mean of every latent that q infers, for one datum and one set of base draws of those above it.

    Class probabilities for a Categorical. Where a mean has no formula it is the draw itself, whose average it is.
    """

    def descend(latents: tuple[LatentPlan, ...], scope: Scope) -> Means:
        if not latents:
            return {}
        (latent, *others), q = latents, scope.posterior(latents[0].name)
        rest, name = tuple(others), latent.name
        is_read = any(name in plan.graph.random_parents(plan.graph.q[other.name]) for other in rest)
        center = mean(q)
        if latent.num_states is not None:
            values = states(q)
            probabilities = jnp.exp(jax.vmap(lambda value: log_density(q, value))(values))
            here = {name: _average(probabilities, values) if center is None else center}
            if not is_read:
                return here | descend(rest, scope)
            below = jax.vmap(lambda value: descend(rest, scope.bind(name, value)))(values)
            return here | {other: _average(probabilities, means) for other, means in below.items()}
        if center is None or is_read:
            draw = from_noise(q, noise[name])
            here = {name: draw.astype(jnp.result_type(draw, float)) if center is None else center}
            return here | descend(rest, scope.bind(name, draw))
        return {name: center} | descend(rest, scope)

    return descend(plan.inferred, scope)


def _average(probabilities: Float[Array, " states"], values: Array) -> Float[Array, "..."]:
    weights = probabilities.reshape(-1, *(1,) * (values.ndim - 1))
    # 0 x inf = 0: a state that q excludes adds nothing.
    return jnp.sum(jnp.where(weights > 0, weights * jnp.where(weights > 0, values, 0), 0), axis=0)


def averaged_over_draws(plan: Plan) -> tuple[str, ...]:
    """Name the latents whose `posterior_means` differ from draw to draw: those with a drawn latent above them in q."""
    found: list[str] = []
    for latent in plan.inferred:
        parents = [p for p in plan.graph.random_parents(plan.graph.q[latent.name]) if p not in plan.observed]
        drawn = [p for p in parents if p in found or (p not in plan.absent and plan[p].num_states is None)]
        if drawn or has_no_formula(plan, latent.name):
            found.append(latent.name)
    return tuple(found)


def has_no_formula(plan: Plan, name: str) -> bool:
    """Say whether the mean of a latent is an average of draws of the latent itself."""

    def formula(q: Distribution) -> Array | None:
        return mean(q)

    return plan[name].num_states is None and jax.eval_shape(formula, plan.graph.abstract_q[name]) is None


def over_draws(function: Callable[[Int[Array, ""]], PyTree], num_draws: int) -> tuple[PyTree, PyTree]:
    """Return the mean of function(0), ..., function(num_draws - 1), and the square of its standard error.

    By Welford's update, one draw at a time: what is the same in every draw comes out bit for bit, with an error of 0.
    The square of the error is nan where there is but one draw.
    """

    def add(moments: tuple[PyTree, PyTree], index: Int[Array, ""]) -> tuple[tuple[PyTree, PyTree], None]:
        center, squares = moments
        new = function(index)
        shifted = jax.tree.map(lambda c, x: c + (x - c) / (index + 1), center, new)
        squares = jax.tree.map(lambda s, c, d, x: s + (x - c) * (x - d), squares, center, shifted, new)
        return (shifted, squares), None

    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(function, jnp.zeros((), int)))
    (center, squares), _ = jax.lax.scan(add, (zeros, zeros), jnp.arange(num_draws))
    scale = 1 / (num_draws * (num_draws - 1)) if num_draws > 1 else jnp.nan
    return center, jax.tree.map(lambda s: s * scale, squares)
