"""The logistic distribution in integer bins, scored in the log domain."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Shaped
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import validate_sample

from lowerbound.dist._binomial import integers
from lowerbound.dist._discrete_uniform import require_range
from lowerbound.dist._widened import widened


class DiscretizedLogistic(Distribution):
    r"""An integer from `low` to `high`: a logistic variable, rounded; the outer bins take the tails.

    With $u$ and $v$ for the upper and the lower edge of the bin, less `loc`, over `scale`, the log mass in nats is
    $$ \log(\sigma(u) - \sigma(v)) = \log\sigma(u) + \log\sigma(-v) + \log(1 - e^{v - u}), $$
    exact in both tails, where a difference of distribution functions underflows. It is in units of the data: `loc`
    and `scale` are grey levels, if those are the integers.

    Args:
        loc: The centre, of any shape.
        scale: The scale, positive, of a shape that broadcasts with it.
        low: The least value, a Python integer.
        high: The greatest value, a Python integer, included.
        validate_args: As in NumPyro.

    Raises:
        ValueError: `low` lies above `high`.

    References:
        Salimans, Karpathy, Chen and Kingma (2017), *PixelCNN++*, Section 2.1, https://arxiv.org/abs/1701.05517. The
        closed form of the inner bins replaces the two approximations that they switch between.
    """

    arg_constraints: ClassVar = {"loc": constraints.real, "scale": constraints.positive}
    pytree_aux_fields = ("low", "high")
    has_enumerate_support = True

    def __init__(
        self, loc: ArrayLike, scale: ArrayLike, low: int, high: int, *, validate_args: bool | None = None
    ) -> None:
        require_range(low, high)
        self.loc, self.scale = jnp.broadcast_arrays(loc, scale)
        self.low, self.high = low, high
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """The integers from `low` to `high`."""
        return constraints.integer_interval(self.low, self.high)

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """The expected value, tails included."""
        # E[x] = low + Σ P(x > j) over j = low, ..., high − 1.
        above = jax.vmap(lambda edge: jax.nn.sigmoid((self.loc - edge) / self.scale))
        return self.low + above(jnp.arange(self.low, self.high) + 0.5).sum(0)

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Draw integers."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"
        shape = sample_shape + self.batch_shape
        noise = jax.random.logistic(key, shape, jnp.result_type(self.loc, self.scale, float))
        value = jnp.broadcast_to(self.loc, shape) + jnp.broadcast_to(self.scale, shape) * noise
        # Clipped before it is an integer, so that no tail can overflow.
        return jnp.clip(jnp.round(value), self.low, self.high).astype(int)

    @validate_sample
    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score integers of any dtype, in nats, one number for each."""
        dtype = jnp.result_type(self.loc, self.scale, float)
        loc, scale, x = (jnp.asarray(array, dtype) for array in (self.loc, self.scale, value))
        lowest, highest = x <= self.low, x >= self.high
        below_upper = jax.nn.log_sigmoid((x - loc + 0.5) / scale)
        above_lower = jax.nn.log_sigmoid((loc - x + 0.5) / scale)
        width = jnp.log(-jnp.expm1(-1 / scale))
        return (
            jnp.where(highest, 0, below_upper)
            + jnp.where(lowest, 0, above_lower)
            + jnp.where(lowest | highest, 0, width)
        )

    def _validate_sample(self, value: ArrayLike) -> ArrayLike:
        return super()._validate_sample(widened(value))

    def enumerate_support(self, expand: bool = True) -> Shaped[Array, "num_states ..."]:
        """Every integer along a new first axis, the same for every entry; `states` has the product support."""
        return integers(self.low, self.high, self.batch_shape, expand)
