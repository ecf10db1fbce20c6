"""Values in a dtype in which nothing wraps around."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped


def widened(value: ArrayLike) -> Shaped[Array, "..."]:
    """Widen integers to 32 bits at least; anything else keeps its dtype.

    In bytes, NumPyro's log-gamma of a count plus one is taken of 0 at 255, and a bound of -1 or 300 is another number.
    """
    dtype = jnp.result_type(value)
    narrow = jnp.issubdtype(dtype, jnp.bool_) or jnp.issubdtype(dtype, jnp.integer)
    return jnp.asarray(value, jnp.promote_types(dtype, jnp.int32) if narrow else dtype)
