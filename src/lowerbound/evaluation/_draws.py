"""Draws from a trained model: new data, and data through their latents and back."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PRNGKeyArray, Shaped

from lowerbound._key import as_key, named_key
from lowerbound.data import Data, as_data
from lowerbound.dist import Distribution
from lowerbound.model import VAE, Plan, Scope, draw_noise, make_plan, parameter_noise_shapes
from lowerbound.objective import IWAE

Draws = dict[str, Shaped[Array, "rows ..."]]


def sample(vae: VAE, num_samples: int, *, key: PRNGKeyArray) -> Draws:
    """Draw data from the model: each variable of p given its parents, roots first.

    Args:
        vae: The model.
        num_samples: How many data to draw.
        key: Makes the draws. Random parameters are drawn once, from q, for all of them.

    Returns:
        All variables of p by name, latents too, with a leading axis of length `num_samples`.

    Raises:
        ValueError: p conditions on an `Input`, for which there is no distribution to draw from.
    """
    key = as_key(key)
    if vae.graph.inputs:
        names = ", ".join(f"`{name}`" for name in vae.graph.inputs)
        raise ValueError(f"p conditions on {names}, of which the model has no distribution, so it cannot be sampled.")
    parameters = vae.realize(draw_noise(parameter_noise_shapes(vae.graph, vae.free), key)).values
    return _sample(vae, parameters, jax.random.split(named_key(key, "rows"), num_samples))


@eqx.filter_jit
def _sample(vae: VAE, parameters: Mapping[str, Any], keys: Key[Array, " rows"]) -> Draws:
    def one(key: PRNGKeyArray) -> dict[str, Array]:
        scope, draws = Scope(vae.graph, parameters), {}
        for name in vae.graph.roots_first:
            draws[name] = jnp.asarray(scope.model(name).sample(named_key(key, name)))
            scope = scope.bind(name, draws[name])
        return draws

    return jax.vmap(one)(keys)


def reconstruct(vae: VAE, data: Data | Mapping[str, Any], *, key: PRNGKeyArray) -> Draws:
    """Draw the latents of each datum from q, and return the means of p's observed variables given these.

    The mean of p(x | z^(i)) is a value and no draw of x; for a draw sample from that distribution.

    Args:
        vae: The model.
        data: `Data` or a mapping of arrays by name.
        key: Makes the draws; a row's draw depends on the key and the row's identity.

    Returns:
        The observed variables by name (class probabilities for a Categorical), with a leading axis of rows, as the
        model sees them (after the data's steps).

    Raises:
        ValueError: The data do not fit the declaration, or a latent is summed out, so that it has no value.
    """
    key, data = as_key(key), as_data(data)
    plan = make_plan(vae.graph, data.names, IWAE(1))
    if plan.summed_out:
        raise ValueError(f"`{plan.summed_out[0]}` is summed out, so there is no value of it to reconstruct from.")
    parameters = vae.realize(draw_noise(parameter_noise_shapes(vae.graph, vae.free), key)).values
    keys = jax.vmap(partial(jax.random.fold_in, named_key(key, "rows")))(jnp.asarray(data.row_ids, jnp.int32))
    return _reconstruct(plan, parameters, data.prepared(key), keys)


def _mean(distribution: Distribution) -> Array:
    """Return the mean; of a Categorical, whose values are names and not numbers, the probabilities."""
    categorical = "Categorical" in type(distribution).__name__
    return jnp.asarray(getattr(distribution, "probs") if categorical else distribution.mean)  # noqa: B009  two classes


@eqx.filter_jit
def _reconstruct(plan: Plan, parameters: Mapping[str, Any], rows: Draws, keys: Key[Array, " rows"]) -> Draws:
    def one(datum: dict[str, Array], key: PRNGKeyArray) -> dict[str, Array]:
        scope = Scope(plan.graph, {**parameters, **datum})
        for latent in plan.inferred:
            scope = scope.bind(latent.name, scope.posterior(latent.name).sample(named_key(key, latent.name)))
        return {name: _mean(scope.model(name)) for name in plan.observed}

    return jax.vmap(one)(rows, keys)
