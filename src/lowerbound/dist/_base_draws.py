"""Draws from base noise that is given as an argument."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Shaped, UInt32
from numpyro.distributions import (
    Distribution,
    ExpandedDistribution,
    Independent,
    LowRankMultivariateNormal,
    MaskedDistribution,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
)


def is_reparameterized(distribution: Distribution) -> bool:
    """Say whether a draw is a differentiable function of the parameters.

    If so, gradients flow through the draw (the pathwise estimator); otherwise, as for a discrete law, a mixture or a
    von Mises, they would silently be zero, partial or an error.
    """
    support = distribution.support
    return bool(distribution.has_rsample) and not (support is not None and support.is_discrete)


def noise_shape(distribution: Distribution) -> tuple[int, ...] | None:
    """Give the shape of the standard normal noise that `from_noise` makes a draw of.

    Gaussians and what is transformed from them have one. It reads types and shapes only, so leaves may be abstract,
    as `jax.eval_shape` gives them.

    Returns:
        The shape, or None where the distribution draws from a PRNG key instead.
    """
    return _noise_shape(distribution, distribution.batch_shape)


def from_noise(
    distribution: Distribution, noise: Float[Array, "..."] | Key[Array, ""] | UInt32[Array, "2"]
) -> Shaped[Array, "*shape"]:
    """Make one draw of a distribution from its base noise.

    Args:
        distribution: Any distribution that can be sampled.
        noise: Standard normal numbers of shape `noise_shape(distribution)`; where that is None, a PRNG key.

    Returns:
        One draw, of the distribution's whole shape. Gradients flow through it where `is_reparameterized`.

    Raises:
        ValueError: `noise` has another shape.
    """
    needed = noise_shape(distribution)
    if needed is None:
        draw = distribution.rsample if is_reparameterized(distribution) else distribution.sample
        return jnp.asarray(draw(noise))
    if noise.shape != needed:
        raise ValueError(
            f"`noise` has shape {noise.shape}, but `{type(distribution).__name__}` of shape {distribution.shape()} "
            f"is drawn from standard normal noise of shape {needed}, as `noise_shape` says."
        )
    return _from_noise(distribution, noise, distribution.batch_shape)


# Both walks carry the batch shape that is wanted of the distribution at hand, since every entry of an expanded one is
# drawn afresh, while its parameters keep the smaller shape.


def _noise_shape(distribution: Any, batch: tuple[int, ...]) -> tuple[int, ...] | None:
    if isinstance(distribution, _WRAPPERS):
        return _noise_shape(distribution.base_dist, _inner_batch(distribution, batch))
    law = type(distribution)
    if issubclass(law, TransformedDistribution) and law.sample is TransformedDistribution.sample:
        return _noise_shape(distribution.base_dist, batch)
    if law is Normal or law is MultivariateNormal:
        return batch + distribution.event_shape
    if law is LowRankMultivariateNormal:
        return (*batch, np.shape(distribution.cov_factor)[-1] + distribution.event_shape[0])
    return None


def _from_noise(distribution: Any, noise: Float[Array, "..."], batch: tuple[int, ...]) -> Float[Array, "..."]:
    if isinstance(distribution, _WRAPPERS):
        return _from_noise(distribution.base_dist, noise, _inner_batch(distribution, batch))
    if isinstance(distribution, TransformedDistribution):
        value = _from_noise(distribution.base_dist, noise, batch)
        for transform in distribution.transforms:
            value = transform(value)
        return jnp.asarray(value)
    loc = jnp.broadcast_to(distribution.loc, batch + distribution.event_shape)
    law = type(distribution)
    if law is Normal:
        return loc + jnp.broadcast_to(distribution.scale, batch) * noise
    if law is MultivariateNormal:
        return loc + jnp.einsum("...ij,...j->...i", distribution.scale_tril, noise)
    assert law is LowRankMultivariateNormal, "`_noise_shape` gave a shape for nothing else"
    common, own = jnp.split(noise, [distribution.cov_factor.shape[-1]], axis=-1)
    scale = jnp.broadcast_to(jnp.sqrt(distribution.cov_diag), loc.shape)
    return loc + jnp.einsum("...ij,...j->...i", distribution.cov_factor, common) + scale * own


def _inner_batch(distribution: Any, batch: tuple[int, ...]) -> tuple[int, ...]:
    """The batch shape that is wanted of what a wrapper wraps."""
    if isinstance(distribution, Independent):
        return batch + distribution.event_shape[: distribution.reinterpreted_batch_ndims]
    return batch


_WRAPPERS = (Independent, ExpandedDistribution, MaskedDistribution)
