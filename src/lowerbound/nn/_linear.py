"""The affine map that every network here is built from."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lowerbound.nn._initial import initial_weight


class Linear(eqx.Module):
    """The affine map x W + b of one vector.

    The weight is (in, out), as the equation has it: under `vmap` and `grad` on a CPU no slower than (out, in). The
    product is in the promoted type of weight and input, so float64 data stays float64, and integers and bits become
    the weight's type.
    """

    weight: Float[Array, "in out"]
    bias: Float[Array, " out"]

    def __init__(self, in_size: int, out_size: int, *, variance: float, key: PRNGKeyArray):
        self.weight = initial_weight((in_size, out_size), fan_in=in_size, variance=variance, key=key)
        self.bias = jnp.zeros(out_size)

    def __call__(self, x: Shaped[Array, " in"]) -> Float[Array, " out"]:
        return x @ self.weight + self.bias
