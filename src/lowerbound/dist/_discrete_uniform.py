"""The uniform distribution of a range of integers, known before anything is traced."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Shaped
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import validate_sample

from lowerbound.dist._binomial import integers
from lowerbound.dist._widened import widened


class DiscreteUniform(Distribution):
    r"""One of the integers `low`, ..., `high`, each as likely; `.expand(shape)` makes an array of them.

    The log mass is $-\log(\mathrm{high} - \mathrm{low} + 1)$, in nats. In NumPyro's own the bounds are traced arrays,
    so that its support cannot be told while a model is planned.

    Args:
        low: The least value, a Python integer.
        high: The greatest value, a Python integer, included.
        validate_args: As in NumPyro.

    Raises:
        ValueError: `low` lies above `high`.
    """

    pytree_aux_fields = ("low", "high")
    has_enumerate_support = True

    def __init__(self, low: int, high: int, *, validate_args: bool | None = None) -> None:
        require_range(low, high)
        self.low, self.high = low, high
        super().__init__(validate_args=validate_args)

    @property
    def has_rsample(self) -> bool:
        """Never: NumPyro would conclude it from the lack of parameters that are arrays."""
        return False

    @property
    def support(self) -> constraints.Constraint:
        """The integers from `low` to `high`."""
        return constraints.integer_interval(self.low, self.high)

    @property
    def mean(self) -> Float[Array, ""]:
        """The middle of the range."""
        return jnp.asarray((self.low + self.high) / 2)

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Draw integers."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"
        return jax.random.randint(key, sample_shape, self.low, self.high + 1)

    @validate_sample
    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score integers of any dtype, in nats, one number for each."""
        return jnp.full(jnp.shape(value), -math.log(self.high - self.low + 1))

    def _validate_sample(self, value: ArrayLike) -> ArrayLike:
        return super()._validate_sample(widened(value))

    def enumerate_support(self, expand: bool = True) -> Shaped[Array, " num_states"]:
        """Every integer of the range."""
        return integers(self.low, self.high, (), expand)


def require_range(low: int, high: int) -> None:
    """Refuse a range without integers."""
    if low > high:
        raise ValueError(f"`low` is the least value and `high` the greatest, but {low} and {high} came.")
