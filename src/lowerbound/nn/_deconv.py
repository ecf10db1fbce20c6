"""The transposed convolutional network from vectors to a picture."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import equinox as eqx
import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray

from lowerbound.nn._blueprint import AbstractBlueprint, checked_shape
from lowerbound.nn._conv import stage_shapes
from lowerbound.nn._initial import HIDDEN_VARIANCE, OUTPUT_VARIANCE
from lowerbound.nn._mlp import MLP, MLPModule
from lowerbound.nn._strided import Upsample


class DeconvModule(eqx.Module):
    """What `Deconv` makes: a network from one or several arrays to one picture, channels last."""

    head: MLPModule
    stages: tuple[Upsample, ...]
    activation: Callable = eqx.field(static=True)

    def __call__(self, *inputs: ArrayLike, key: PRNGKeyArray | None = None) -> Float[Array, "height width channels"]:
        """Map the inputs, flattened and joined in their order, to a picture of shape `out_shape`.

        Args:
            *inputs: Arrays of one datum, of any shapes; their sizes add up to `in_size`.
            key: Nothing here is random; taken so that networks can stand in for one another.

        Raises:
            ValueError: The sizes add up to another number. Raised while tracing.
        """
        x = self.head(*inputs, key=key)
        for stage in self.stages:
            x = stage(self.activation(x))
        return x


@dataclass(frozen=True)
class Deconv(AbstractBlueprint):
    """Describe a transposed convolutional network: a linear layer, then stages that double a picture.

    The mirror of `Conv`: each stage transposes a convolution with 4 x 4 kernels, stride 2 and padding 1, and the
    sizes are those that `Conv` runs through on a picture of `out_shape`, backwards: 3, 7, 14, 28.

    Args:
        in_size: How many numbers go in: an int, or the shape of the input.
        out_shape: Height, width and channels, channels last as data are.
        channels: The channels before each stage; the last stage gives those of `out_shape`.
        activation: A function without weights, applied before each stage and after each hidden layer.
        hidden: The sizes of the hidden layers before the linear layer.

    Raises:
        ValueError: A size is below 1, `out_shape` has no three sizes, or the picture is too small for so many stages.

    Example:
        >>> net = Deconv(20, (28, 28, 1)).make(key=jax.random.key(0))
        >>> net(jnp.zeros(20)).shape
        (28, 28, 1)
    """

    in_size: int | Sequence[int]
    out_shape: Sequence[int]
    channels: Sequence[int] = (64, 32)
    activation: Callable = jax.nn.relu
    _: KW_ONLY
    hidden: int | Sequence[int] = ()

    def __post_init__(self):
        checked_shape("in_size", self.in_size)
        stage_shapes("out_shape", self.out_shape, self.channels)
        checked_shape("hidden", self.hidden)

    def make(self, *, key: PRNGKeyArray) -> DeconvModule:
        """Make the network; the same key gives the same weights."""
        first, *rest = reversed(stage_shapes("out_shape", self.out_shape, self.channels))
        depths = (*self.channels, self.out_shape[2])
        head = MLP(self.in_size, (*first, depths[0]), self.hidden, self.activation)
        variances = (HIDDEN_VARIANCE,) * (len(rest) - 1) + (OUTPUT_VARIANCE,)
        stages = tuple(
            Upsample(depths[i], depths[i + 1], shape, variance=variance, key=jax.random.fold_in(key, i))
            for i, (shape, variance) in enumerate(zip(rest, variances, strict=True))
        )
        return DeconvModule(head.make(key=jax.random.fold_in(key, len(stages))), stages, self.activation)
