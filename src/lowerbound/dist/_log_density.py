"""The log-density of one value, summed over its axes."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from numpyro.distributions import Distribution

from lowerbound._types import Nats
from lowerbound.dist._bernoulli import Bernoulli
from lowerbound.dist._widened import widened


def log_density(distribution: Distribution, value: ArrayLike) -> Nats:
    """Score a value under a distribution, in nats, summed over all its axes.

    Args:
        distribution: Any distribution; entries that it masks add nothing.
        value: A value of the distribution's whole shape, batch and event.

    Returns:
        One number: the log-density, or the log mass, of the value as a whole.

    Raises:
        ValueError: `value` has another shape than the distribution's draws. Nothing is broadcast silently.
    """
    shape = distribution.shape()
    if jnp.shape(value) != shape:
        raise ValueError(
            f"`value` has shape {jnp.shape(value)}, but the distribution draws shape {shape}. "
            "Score one draw at a time, and map over many with `jax.vmap`."
        )
    if isinstance(distribution, Bernoulli):
        return distribution.log_mass(value)
    log_densities = jnp.asarray(distribution.log_prob(widened(value)))
    return jnp.sum(jnp.broadcast_to(log_densities, distribution.batch_shape))
