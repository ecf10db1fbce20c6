"""Convolutions of stride two and their transposes, as slices and one matrix product.

XLA's own convolutions are slow on CPUs, and inside `lax.scan` up to twenty times slower still. With 4 x 4 kernels and
stride 2, a picture cut into blocks of 2 x 2 (space to depth) meets 2 x 2 blocks of kernel with stride 1: four slices.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lowerbound.nn._initial import initial_weight


class Downsample(eqx.Module):
    """A convolution with 4 x 4 kernels, stride 2 and padding 1, which halves height and width, rounding down.

    y[i, j] = b + sum over k, l of x[2i + k - 1, 2j + l - 1] W[k, l], with zeros outside x.
    """

    kernel: Float[Array, "4 4 in out"]
    bias: Float[Array, " out"]

    def __init__(self, in_size: int, out_size: int, *, variance: float, key: PRNGKeyArray):
        shape = (4, 4, in_size, out_size)
        self.kernel = initial_weight(shape, fan_in=16 * in_size, variance=variance, key=key)
        self.bias = jnp.zeros(out_size)

    def __call__(self, x: Shaped[Array, "height width in"]) -> Float[Array, "half_height half_width out"]:
        h, w, size = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
        # An odd picture ends where the last kernel does, an even one needs a row of zeros.
        padded = jnp.pad(x, ((1, 1 - x.shape[0] % 2), (1, 1 - x.shape[1] % 2), (0, 0)))
        blocks = padded.reshape(h + 1, 2, w + 1, 2, size).transpose(0, 2, 1, 3, 4).reshape(h + 1, w + 1, 4 * size)
        patches = jnp.concatenate([blocks[a : a + h, b : b + w] for a in (0, 1) for b in (0, 1)], axis=-1)
        # Row k of the kernel is row p of its block a: k = 2a + p; likewise for its columns.
        kernel = self.kernel.reshape(2, 2, 2, 2, size, -1).transpose(0, 2, 1, 3, 4, 5).reshape(16 * size, -1)
        return patches @ kernel + self.bias.reshape(1, 1, -1)


class Upsample(eqx.Module):
    """The transpose of such a convolution, which doubles height and width, and adds one where `shape` is odd.

    y[2i + k - 1, 2j + l - 1] gets x[i, j] W[k, l], summed over all that fall on one pixel, plus b.
    """

    kernel: Float[Array, "4 4 in out"]
    bias: Float[Array, " out"]
    shape: tuple[int, int] = eqx.field(static=True)

    def __init__(self, in_size: int, out_size: int, shape: tuple[int, int], *, variance: float, key: PRNGKeyArray):
        # Of the 16 entries of a kernel 4 fall on one pixel.
        kernel_shape = (4, 4, in_size, out_size)
        self.kernel = initial_weight(kernel_shape, fan_in=4 * in_size, variance=variance, key=key)
        self.bias = jnp.zeros(out_size)
        self.shape = shape

    def __call__(self, x: Float[Array, "half_height half_width in"]) -> Float[Array, "height width out"]:
        h, w, _ = x.shape
        size = self.bias.size
        # The narrower of two equal ways: with few outputs spread the products, with many gather the inputs.
        blocks = _spread(x, self.kernel) if 4 * size < x.shape[-1] else _gather(x, self.kernel)
        y = blocks.reshape(h + 1, w + 1, 2, 2, size).transpose(0, 2, 1, 3, 4).reshape(2 * h + 2, 2 * w + 2, size)
        return y[1 : 1 + self.shape[0], 1 : 1 + self.shape[1]] + self.bias.reshape(1, 1, -1)


def _gather(x: Float[Array, "h w in"], kernel: Float[Array, "4 4 in out"]) -> Float[Array, "h+1 w+1 4*out"]:
    """Give each block of 2 x 2 outputs as one product of the 2 x 2 inputs that reach it."""
    h, w, size = x.shape
    padded = jnp.pad(x, ((1, 1), (1, 1), (0, 0)))
    starts = [(1 - a, 1 - b) for a in (0, 1) for b in (0, 1)]
    patches = jnp.concatenate([padded[i : i + h + 1, j : j + w + 1] for i, j in starts], axis=-1)
    return patches @ kernel.reshape(2, 2, 2, 2, size, -1).transpose(0, 2, 4, 1, 3, 5).reshape(4 * size, -1)


def _spread(x: Float[Array, "h w in"], kernel: Float[Array, "4 4 in out"]) -> Float[Array, "h+1 w+1 4*out"]:
    """Multiply each input by the whole kernel, and add up the four blocks that fall on one another."""
    h, w, size = x.shape
    products = x @ kernel.reshape(2, 2, 2, 2, size, -1).transpose(4, 0, 2, 1, 3, 5).reshape(size, -1)
    products = products.reshape(h, w, 2, 2, -1)
    return sum(
        (jnp.pad(products[:, :, a, b], ((a, 1 - a), (b, 1 - b), (0, 0))) for a in (0, 1) for b in (0, 1)),
        start=jnp.zeros((), products.dtype),
    )
