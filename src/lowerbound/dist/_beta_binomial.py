"""The beta-binomial distribution, exact in float32 where differences of log-gammas are not."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Shaped
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import validate_sample

from lowerbound.dist._binomial import draw_count, integers, log_choose, require_count
from lowerbound.dist._widened import widened


class BetaBinomial(Distribution):
    r"""How many of `total_count` trials succeed, their common probability drawn from a beta distribution.

    With $a$ for `concentration1`, $b$ for `concentration0` and $n$ for `total_count`, the log mass in nats is
    $$ \log\binom{n}{k} + \sum_{i=0}^{n-1} \log \frac{c_i}{a + b + i}, \qquad
       c_i = a + i \text{ for } i < k, \quad c_i = b + i - k \text{ otherwise}. $$
    Each ratio is at most 1, so nothing large is subtracted from anything large: the error is some roundings of the
    result, where log-gammas lose 0.5 nats at a concentration of a million. The cost grows with `total_count`.

    Args:
        concentration1: The pull towards successes, positive, of any shape.
        concentration0: The pull towards failures, positive, of a shape that broadcasts with it.
        total_count: The number of trials, a Python integer of at least 0.
        validate_args: As in NumPyro.

    Raises:
        ValueError: `total_count` is negative.
    """

    arg_constraints: ClassVar = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    pytree_aux_fields = ("total_count",)
    has_enumerate_support = True

    def __init__(
        self,
        concentration1: ArrayLike,
        concentration0: ArrayLike,
        total_count: int,
        *,
        validate_args: bool | None = None,
    ) -> None:
        require_count(total_count)
        self.concentration1, self.concentration0 = jnp.broadcast_arrays(concentration1, concentration0)
        self.total_count = total_count
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """The integers from 0 to `total_count`."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """The expected count."""
        return self.total_count * self.concentration1 / (self.concentration1 + self.concentration0)

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Draw counts, as integers."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"
        beta_key, count_key = jax.random.split(key)
        shape = sample_shape + self.batch_shape
        a, b = (jnp.broadcast_to(c, shape) for c in (self.concentration1, self.concentration0))
        return draw_count(count_key, jax.random.beta(beta_key, a, b), self.total_count)

    @validate_sample
    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score counts of any dtype, in nats, one number for each."""
        dtype = jnp.result_type(self.concentration1, self.concentration0, float)
        a, b, k = (jnp.asarray(array, dtype) for array in (self.concentration1, self.concentration0, value))

        def log_factor(i: ArrayLike) -> Float[Array, "..."]:
            return jnp.log(jnp.where(i < k, a + i, b + (i - k)) / (a + b + i))

        if self.total_count <= 32:  # written out, XLA makes one kernel of them: three times faster than along an axis
            log_ratio = sum((log_factor(i) for i in range(self.total_count)), jnp.zeros((), dtype))
        else:  # written out, hundreds of them compile for half a minute
            log_ratio = jax.vmap(log_factor)(jnp.arange(self.total_count, dtype=dtype)).sum(0)
        return log_choose(self.total_count, k) + log_ratio

    def _validate_sample(self, value: ArrayLike) -> ArrayLike:
        return super()._validate_sample(widened(value))

    def enumerate_support(self, expand: bool = True) -> Shaped[Array, "num_states ..."]:
        """Every count along a new first axis, the same for every entry; `states` has the product support."""
        return integers(0, self.total_count, self.batch_shape, expand)
