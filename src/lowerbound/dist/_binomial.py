"""The binomial distribution, its number of trials known before anything is traced."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Shaped
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import validate_sample

from lowerbound.dist._widened import widened


class Binomial(Distribution):
    r"""How many of `total_count` trials succeed, each with probability $\sigma(l)$.

    The log mass is $\log\binom{n}{k} + k \log\sigma(l) + (n - k) \log\sigma(-l)$, in nats. In NumPyro's own the number
    of trials is a traced array, so that its support cannot be told while a model is planned.

    Args:
        logits: Log-odds of a success, of any shape.
        total_count: The number of trials, a Python integer of at least 0.
        validate_args: As in NumPyro.

    Raises:
        ValueError: `total_count` is negative.
    """

    arg_constraints: ClassVar = {"logits": constraints.real}
    pytree_aux_fields = ("total_count",)
    has_enumerate_support = True

    def __init__(self, logits: ArrayLike, total_count: int, *, validate_args: bool | None = None) -> None:
        require_count(total_count)
        self.logits = logits
        self.total_count = total_count
        super().__init__(jnp.shape(logits), validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """The integers from 0 to `total_count`."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """The expected count."""
        return self.total_count * jax.nn.sigmoid(jnp.asarray(self.logits))

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Draw counts, as integers."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"
        probability = jax.nn.sigmoid(jnp.asarray(self.logits))
        return draw_count(key, jnp.broadcast_to(probability, sample_shape + self.batch_shape), self.total_count)

    @validate_sample
    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score counts of any dtype, in nats, one number for each."""
        dtype = jnp.result_type(self.logits, float)
        logits, count = jnp.asarray(self.logits, dtype), jnp.asarray(value, dtype)
        log_ratio = count * jax.nn.log_sigmoid(logits) + (self.total_count - count) * jax.nn.log_sigmoid(-logits)
        return log_choose(self.total_count, count) + log_ratio

    def _validate_sample(self, value: ArrayLike) -> ArrayLike:
        return super()._validate_sample(widened(value))

    def enumerate_support(self, expand: bool = True) -> Shaped[Array, "num_states ..."]:
        """Every count along a new first axis, the same for every entry; `states` has the product support."""
        return integers(0, self.total_count, self.batch_shape, expand)


def require_count(total_count: int) -> None:
    """Refuse a negative number of trials."""
    if total_count < 0:
        raise ValueError(f"`total_count` is a number of trials, 0 or more, but {total_count} came.")


def draw_count(key: Key[Array, ""], probability: Float[Array, "*shape"], total_count: int) -> Int[Array, "*shape"]:
    """Draw how many of `total_count` trials succeed, by running them."""
    trials = jax.random.uniform(key, (total_count, *probability.shape), probability.dtype) < probability[None]
    return trials.astype(int).sum(0)


def log_choose(total_count: int, count: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log of n over k, looked up in a table."""
    n = total_count
    table = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    return jnp.asarray(np.array(table), count.dtype)[count.astype(int)]


def integers(low: int, high: int, batch_shape: tuple[int, ...], expand: bool) -> Shaped[Array, "num_states ..."]:
    """The integers `low..high` along a new first axis before the batch, as `enumerate_support` gives them."""
    values = jnp.arange(low, high + 1).reshape((-1,) + (1,) * len(batch_shape))
    return jnp.broadcast_to(values, (high + 1 - low, *batch_shape)) if expand else values
