"""The product of Gaussian experts."""

from functools import reduce

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def product_of_gaussians(
    *experts: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[Float[Array, "*out"], Float[Array, "*out"]]:
    r"""Fuse Gaussians into the one whose density is proportional to their product.

    $$ \sigma^{-2} = \sum_i \sigma_i^{-2}, \qquad \mu = \sigma^2 \sum_i \sigma_i^{-2} \mu_i. $$
    An encoder for each view, or a ladder's bottom-up and top-down halves, each give one expert; a view that is missing
    gives None. For a standard-normal expert, the prior of several views, pass `(jnp.zeros(20), jnp.ones(20))` too.

    Args:
        *experts: Pairs of location and scale, of one shape, or scalars; None is skipped.

    Returns:
        Location and scale of the product, of the experts' shape.

    Raises:
        ValueError: Every expert is None.

    References:
        Wu and Goodman (2018), *Multimodal Generative Models for Scalable Weakly-Supervised Learning*, Section 2.2,
        https://arxiv.org/abs/1802.05335; Sønderby et al. (2016), *Ladder Variational Autoencoders*, Eqs. 9 and 10,
        https://arxiv.org/abs/1602.02282.
    """
    present = [(jnp.asarray(expert[0]), jnp.asarray(expert[1])) for expert in experts if expert is not None]
    if not present:
        raise ValueError("`product_of_gaussians` needs one expert that is not None. Add the prior as one.")
    # In units of the sharpest scale no precision can overflow; the unit cancels, so it needs no gradient.
    unit = jax.lax.stop_gradient(reduce(jnp.minimum, [scale for _, scale in present]))
    precisions = [(unit / scale) ** 2 for _, scale in present]
    total = sum(precisions)
    loc = sum(precision * loc for precision, (loc, _) in zip(precisions, present, strict=True)) / total
    loc, scale = jnp.broadcast_arrays(loc, unit / jnp.sqrt(total))
    return loc, scale
