"""The multilayer perceptron."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lowerbound.nn._blueprint import AbstractBlueprint, checked_shape, checked_size
from lowerbound.nn._initial import HIDDEN_VARIANCE, OUTPUT_VARIANCE
from lowerbound.nn._linear import Linear


class MLPModule(eqx.Module):
    """What `MLP` makes: a network from one or several arrays to one, for one datum."""

    layers: tuple[Linear, ...]
    norms: tuple[eqx.nn.LayerNorm, ...]  # one for each hidden layer, or none
    out_shape: tuple[int, ...] = eqx.field(static=True)
    activation: Callable = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __call__(self, *inputs: ArrayLike, key: PRNGKeyArray | None = None) -> Float[Array, "..."]:
        """Map the inputs, flattened and joined in their order, to an array of the output's shape.

        Args:
            *inputs: Arrays of one datum, of any shapes; their sizes add up to `in_size`.
            key: Randomness for dropout, which acts only where a key is given.

        Raises:
            ValueError: The sizes add up to another number. Raised while tracing.
        """
        hidden = _join(inputs, self.layers[0].weight.shape[0])
        for index, layer in enumerate(self.layers[:-1]):
            hidden = layer(hidden)
            if self.norms:
                hidden = self.norms[index](hidden)
            hidden = self.activation(hidden)
            if self.dropout > 0 and key is not None:
                hidden = _drop(hidden, self.dropout, key=jax.random.fold_in(key, index))
        return self.layers[-1](hidden).reshape(self.out_shape)


@dataclass(frozen=True)
class MLP(AbstractBlueprint):
    """Describe a multilayer perceptron: affine maps with an activation between them.

    Weights begin uniform with variance 2/fan-in in hidden layers and 1/(3 fan-in) in the last, biases at 0.

    Args:
        in_size: How many numbers go in: an int, or the shape of the input.
        out_size: How many come out, as a vector; or a shape, `()` for a scalar.
        hidden: The sizes of the hidden layers; `()` gives one affine map.
        activation: A function without weights, applied after each hidden layer.
        layer_norm: Normalize each hidden layer before its activation (Ba et al. 2016).
        dropout: The probability with which a hidden unit is set to 0, and the others are scaled up by 1/(1 -
            dropout), where the network is called with a key.

    Raises:
        ValueError: A size is below 1, or `dropout` is not in [0, 1).

    Example:
        >>> net = MLP(30, (28, 28), hidden=(200, 200)).make(key=jax.random.key(0))
        >>> net(jnp.zeros(10), jnp.zeros(20)).shape
        (28, 28)

    References:
        He et al. (2015), *Delving Deep into Rectifiers*, https://arxiv.org/abs/1502.01852.
        Ba et al. (2016), *Layer Normalization*, https://arxiv.org/abs/1607.06450.
        Srivastava et al. (2014), *Dropout*, https://jmlr.org/papers/v15/srivastava14a.html.
    """

    in_size: int | Sequence[int]
    out_size: int | Sequence[int]
    hidden: int | Sequence[int] = (400,)
    activation: Callable = jax.nn.relu
    _: KW_ONLY
    layer_norm: bool = False
    dropout: float = 0.0

    def __post_init__(self):
        checked_shape("in_size", self.in_size)
        checked_shape("out_size", self.out_size)
        checked_shape("hidden", self.hidden)
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` is a probability below 1, got {self.dropout}.")

    def make(self, *, key: PRNGKeyArray) -> MLPModule:
        """Make the network; the same key gives the same weights."""
        hidden, out_shape = checked_shape("hidden", self.hidden), checked_shape("out_size", self.out_size)
        sizes = (checked_size("in_size", self.in_size), *hidden, checked_size("out_size", out_shape))
        variances = (HIDDEN_VARIANCE,) * len(hidden) + (OUTPUT_VARIANCE,)
        layers = tuple(
            Linear(sizes[i], sizes[i + 1], variance=variance, key=jax.random.fold_in(key, i))
            for i, variance in enumerate(variances)
        )
        norms = tuple(eqx.nn.LayerNorm(size) for size in hidden) if self.layer_norm else ()
        return MLPModule(layers, norms, out_shape, self.activation, self.dropout)


def _join(inputs: tuple[ArrayLike, ...], size: int) -> Shaped[Array, " size"]:
    if not inputs:
        raise ValueError(f"The network takes {size} numbers, got no input.")
    flat = [jnp.ravel(x) for x in inputs]
    total = sum(x.size for x in flat)
    if total != size:
        got, shapes = " + ".join(str(x.size) for x in flat), " and ".join(str(jnp.shape(x)) for x in inputs)
        if len(inputs) > 1:
            got = f"{got} = {total}"
        raise ValueError(
            f"The network takes {size} numbers, got {got}, of shape{'s' * (len(inputs) > 1)} {shapes}. Give it "
            f"`in_size={total}`; or, if this was a batch, map over it with `jax.vmap`, as a network is for one datum."
        )
    return flat[0] if len(flat) == 1 else jnp.concatenate(flat)


def _drop(x: Float[Array, " size"], rate: float, *, key: PRNGKeyArray) -> Float[Array, " size"]:
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)
