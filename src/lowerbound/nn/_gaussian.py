"""Networks with two heads, the location and the scale of a Gaussian."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from math import expm1, log

import equinox as eqx
import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray

from lowerbound.nn._blueprint import AbstractBlueprint, checked_shape
from lowerbound.nn._conv import Conv, ConvModule
from lowerbound.nn._mlp import MLP, MLPModule


class GaussianModule(eqx.Module):
    """What `Gaussian` and `ConvGaussian` make: a network from one datum to (loc, scale)."""

    net: MLPModule | ConvModule  # gives both heads at once, (2, *out): one product is faster than two
    min_scale: float = eqx.field(static=True)

    def __call__(
        self, *inputs: ArrayLike, key: PRNGKeyArray | None = None
    ) -> tuple[Float[Array, "*out"], Float[Array, "*out"]]:
        """Return (loc, scale) for one datum, `scale` above `min_scale`; arguments as for `MLP` or `Conv`."""
        loc, free = self.net(*inputs, key=key)
        # scale = m + softplus(free + log(e^(1 - m) - 1)), which is 1 at 0. Like exp below 1, and linear above, so that
        # an input far out cannot make it overflow, and no ceiling is needed, where a gradient would vanish.
        return loc, self.min_scale + jax.nn.softplus(free + log(expm1(1 - self.min_scale)))


@dataclass(frozen=True)
class Gaussian(AbstractBlueprint):
    """Describe a perceptron with two heads on a shared trunk, for `Normal(*net(x))`.

    The scale is `min_scale` plus a softplus, about 1 at the start. Against exp(logvar / 2) it is as fast and as good
    on data near unit scale, and it stays finite, and learns, on data that are a thousand times larger.

    Args:
        in_size: How many numbers go in: an int, or the shape of the input.
        out_size: The size of `loc` and of `scale`; or their shape, `()` for scalars.
        hidden: The sizes of the trunk's layers; `()` gives two affine heads.
        activation: A function without weights, applied after each hidden layer.
        layer_norm: As in `MLP`.
        dropout: As in `MLP`.
        min_scale: The floor of the scale, in the units of what the Gaussian is over. Where the data fix a
            coordinate, only a floor keeps a density from growing without end.

    Raises:
        ValueError: A size is below 1, `dropout` is not in [0, 1), or `min_scale` is not in (0, 1).

    Example:
        >>> loc, scale = Gaussian(784, 20).make(key=jax.random.key(0))(jnp.zeros(784))
        >>> loc.shape, scale.shape
        ((20,), (20,))
    """

    in_size: int | Sequence[int]
    out_size: int | Sequence[int]
    hidden: int | Sequence[int] = (400,)
    activation: Callable = jax.nn.relu
    _: KW_ONLY
    layer_norm: bool = False
    dropout: float = 0.0
    min_scale: float = 1e-4

    def __post_init__(self):
        _check_min_scale(self.min_scale)
        self._trunk()

    def _trunk(self) -> MLP:
        return MLP(
            self.in_size,
            (2, *checked_shape("out_size", self.out_size)),
            self.hidden,
            self.activation,
            layer_norm=self.layer_norm,
            dropout=self.dropout,
        )

    def make(self, *, key: PRNGKeyArray) -> GaussianModule:
        """Make the network; the same key gives the same weights."""
        return GaussianModule(self._trunk().make(key=key), self.min_scale)


@dataclass(frozen=True)
class ConvGaussian(AbstractBlueprint):
    """Describe a convolutional network with two heads, for `Normal(*net(x))`: `Conv` with the heads of `Gaussian`.

    Args:
        in_shape: Height, width and channels, channels last as data are.
        out_size: The size of `loc` and of `scale`; or their shape, `()` for scalars.
        channels: The channels after each stage.
        activation: A function without weights, applied after each stage and each hidden layer.
        hidden: The sizes of the hidden layers between the stages and the heads.
        min_scale: As in `Gaussian`.

    Raises:
        ValueError: As for `Conv`, or `min_scale` is not in (0, 1).
    """

    in_shape: Sequence[int]
    out_size: int | Sequence[int]
    channels: Sequence[int] = (32, 64)
    activation: Callable = jax.nn.relu
    _: KW_ONLY
    hidden: int | Sequence[int] = ()
    min_scale: float = 1e-4

    def __post_init__(self):
        _check_min_scale(self.min_scale)
        self._trunk()

    def _trunk(self) -> Conv:
        out_shape = (2, *checked_shape("out_size", self.out_size))
        return Conv(self.in_shape, out_shape, self.channels, self.activation, hidden=self.hidden)

    def make(self, *, key: PRNGKeyArray) -> GaussianModule:
        """Make the network; the same key gives the same weights."""
        return GaussianModule(self._trunk().make(key=key), self.min_scale)


def _check_min_scale(min_scale: float) -> None:
    if not 0 < min_scale < 1:
        raise ValueError(f"`min_scale` lies above 0 and below 1, where the scale begins, got {min_scale}.")
