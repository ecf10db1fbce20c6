"""The mean of a distribution as a whole."""

import jax.numpy as jnp
from jaxtyping import Array, Float
from numpyro.distributions import CategoricalLogits, CategoricalProbs, ExpandedDistribution, MaskedDistribution

from lowerbound.dist import Distribution, Independent


def mean(distribution: Distribution) -> Float[Array, "..."] | None:
    """Return the mean, of the distribution's whole shape; None where NumPyro has no formula for it.

    The values of a Categorical are names and not numbers, so for one it is the probabilities, with an axis of classes
    at the end. What is masked has a mean all the same: that of the distribution without the mask. Where no mean exists,
    as for a Cauchy, it is nan.
    """
    match distribution:
        case MaskedDistribution() | Independent():
            return mean(distribution.base_dist)
        case ExpandedDistribution():
            inner = mean(distribution.base_dist)
            classes = () if inner is None else inner.shape[len(distribution.base_dist.shape()) :]
            return None if inner is None else jnp.broadcast_to(inner, distribution.shape() + classes)
        case CategoricalLogits() | CategoricalProbs():
            probs = jnp.asarray(getattr(distribution, "probs"))  # noqa: B009  lazy in one of the classes
            return jnp.broadcast_to(probs, (*distribution.shape(), probs.shape[-1]))
    try:
        center = jnp.broadcast_to(distribution.mean, distribution.shape())
        return center.astype(jnp.result_type(center, float))
    except NotImplementedError:
        return None
