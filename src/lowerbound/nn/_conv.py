"""The convolutional network from a picture to a vector."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from math import prod

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray

from lowerbound.nn._blueprint import AbstractBlueprint, checked_shape
from lowerbound.nn._initial import HIDDEN_VARIANCE
from lowerbound.nn._mlp import MLP, MLPModule
from lowerbound.nn._strided import Downsample


class ConvModule(eqx.Module):
    """What `Conv` makes: a network from one picture, channels last, to one array."""

    stages: tuple[Downsample, ...]
    head: MLPModule
    in_shape: tuple[int, int, int] = eqx.field(static=True)
    activation: Callable = eqx.field(static=True)

    def __call__(self, x: ArrayLike, *, key: PRNGKeyArray | None = None) -> Float[Array, "..."]:
        """Map one picture to an array of the output's shape.

        Args:
            x: The picture, of shape `in_shape`; or flat; or, where there is one channel, without its axis.
            key: Nothing here is random; taken so that networks can stand in for one another.

        Raises:
            ValueError: `x` has another shape. Raised while tracing.
        """
        picture = jnp.asarray(x)
        flat, plain = (prod(self.in_shape),), self.in_shape[:2] if self.in_shape[2] == 1 else self.in_shape
        if picture.shape not in (self.in_shape, flat, plain):
            raise ValueError(
                f"The network takes one picture of shape {self.in_shape}, channels last, got {picture.shape}. Set "
                f"`in_shape`, or, if this was a batch, map over it with `jax.vmap`."
            )
        picture = picture.reshape(self.in_shape)
        for stage in self.stages:
            picture = self.activation(stage(picture))
        return self.head(picture, key=key)


@dataclass(frozen=True)
class Conv(AbstractBlueprint):
    """Describe a convolutional network: stages that halve a picture, then a linear layer.

    Each stage has 4 x 4 kernels with stride 2 and padding 1, and rounds a halved size down: 28 becomes 14, 7, 3.
    It is computed as slices and matrix products, which on CPUs is faster than XLA's convolutions.

    Args:
        in_shape: Height, width and channels, channels last as data are.
        out_size: How many numbers come out, as a vector; or a shape, `()` for a scalar.
        channels: The channels after each stage.
        activation: A function without weights, applied after each stage and each hidden layer.
        hidden: The sizes of the hidden layers between the stages and the last layer.

    Raises:
        ValueError: A size is below 1, `in_shape` has no three sizes, or the picture is too small for so many stages.

    Example:
        >>> net = Conv((28, 28, 1), 20).make(key=jax.random.key(0))
        >>> net(jnp.zeros((28, 28, 1))).shape
        (20,)
    """

    in_shape: Sequence[int]
    out_size: int | Sequence[int]
    channels: Sequence[int] = (32, 64)
    activation: Callable = jax.nn.relu
    _: KW_ONLY
    hidden: int | Sequence[int] = ()

    def __post_init__(self):
        stage_shapes("in_shape", self.in_shape, self.channels)
        checked_shape("out_size", self.out_size)
        checked_shape("hidden", self.hidden)

    def make(self, *, key: PRNGKeyArray) -> ConvModule:
        """Make the network; the same key gives the same weights."""
        *_, last = stage_shapes("in_shape", self.in_shape, self.channels)
        height, width, depth = checked_shape("in_shape", self.in_shape)
        depths = (depth, *self.channels)
        stages = tuple(
            Downsample(depths[i], depths[i + 1], variance=HIDDEN_VARIANCE, key=jax.random.fold_in(key, i))
            for i in range(len(self.channels))
        )
        head = MLP((*last, depths[-1]), self.out_size, self.hidden, self.activation)
        head = head.make(key=jax.random.fold_in(key, len(stages)))
        return ConvModule(stages, head, (height, width, depth), self.activation)


def stage_shapes(name: str, shape: Sequence[int], channels: Sequence[int]) -> list[tuple[int, int]]:
    """List height and width before each stage and after the last, or refuse the argument `name`."""
    checked_shape("channels", channels)
    if len(checked_shape(name, shape)) != 3:
        raise ValueError(
            f"`{name}` needs height, width and channels, got {tuple(shape)}. Write (28, 28, 1) for gray pictures."
        )
    height, width, _ = shape
    shapes = [(height >> stage, width >> stage) for stage in range(len(channels) + 1)]
    if 0 in shapes[-1]:
        raise ValueError(
            f"`channels` has {len(channels)} stages, each of which halves the picture, but {height} x {width} can "
            f"be halved {min(height, width).bit_length() - 1} times. Give fewer channels."
        )
    return shapes
