"""The steps between a raw entry and what the model sees."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

#: Mean and standard deviation per entry of a row, in float64 on the host.
Moments = tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]


def as_float(value: Shaped[Array, "*entries"]) -> Float[Array, "*entries"]:
    """Cast integers and booleans to JAX's default float; leave floats as they are."""
    return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(jnp.result_type(float))


class AbstractStep(eqx.Module):
    """One step on the entries of one array of one row; its arrays are leaves, the rest is static."""

    @abstractmethod
    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        """Return the entries after the step; `key` is used by the random steps only."""

    @property
    @abstractmethod
    def log_slope(self) -> Float[Array, "..."]:
        """log|d after / d before| of each entry in nats, or one number for all of them."""

    @abstractmethod
    def inverse(self, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        """Map entries after the step back to the units before it."""

    @abstractmethod
    def moments(self, before: Moments) -> Moments:
        """Return mean and standard deviation after the step, given those before."""


class AbstractBinarization(AbstractStep):
    """A step to 0 or 1, after which there is no density: the likelihood is a mass."""

    @property
    def log_slope(self) -> Float[Array, ""]:
        return jnp.zeros(())

    def inverse(self, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        return value  # the grey levels are lost; bits, or their probabilities, stay what they are

    def moments(self, before: Moments) -> Moments:
        raise AssertionError("nothing that needs moments follows a binarization")


class StochasticBinarization(AbstractBinarization):
    """Draw 1 with probability value / top."""

    top: int = eqx.field(static=True)

    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        grey = as_float(value) / self.top
        return jax.random.bernoulli(key, grey).astype(grey.dtype)


class Threshold(AbstractBinarization):
    """Give 1 where value / top is a half or more."""

    top: int = eqx.field(static=True)

    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        grey = as_float(value) / self.top
        return (grey >= 0.5).astype(grey.dtype)


class Dequantization(AbstractStep):
    """Spread each integer evenly over its cell: (value + u) / levels with u ~ U[0, 1)."""

    levels: int = eqx.field(static=True)

    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        value = as_float(value)
        spread = (value + jax.random.uniform(key, value.shape, value.dtype)) / self.levels
        # In float32, 255 + u rounds up to 256 for one u in 130,000; 1 would be outside the support.
        return jnp.minimum(spread, 1 - jnp.finfo(value.dtype).epsneg)

    @property
    def log_slope(self) -> Float[Array, ""]:
        return -jnp.log(float(self.levels))

    def inverse(self, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        return jnp.clip(value * self.levels - 0.5, 0, self.levels - 1)  # the centre of a cell, u = 1/2

    def moments(self, before: Moments) -> Moments:
        mean, deviation = before
        return (mean + 0.5) / self.levels, np.sqrt(deviation**2 + 1 / 12) / self.levels  # var(u) = 1/12


class Scaling(AbstractStep):
    """Multiply by a number."""

    factor: float = eqx.field(static=True)

    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        return as_float(value) * self.factor

    @property
    def log_slope(self) -> Float[Array, ""]:
        return jnp.log(abs(self.factor))

    def inverse(self, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        return value / self.factor

    def moments(self, before: Moments) -> Moments:
        mean, deviation = before
        return mean * self.factor, deviation * abs(self.factor)


class Standardization(AbstractStep):
    """Subtract a mean and divide by a standard deviation, entry by entry; None until fitted.

    Attributes:
        mean: Per entry.
        together: Whether all entries share them.
        rate: One over the standard deviation. (XLA turns some divisions into products and not others, so a
            division could round a row differently alone and in a batch.)
    """

    mean: Float[Array, "..."] | None = None
    rate: Float[Array, "..."] | None = None
    together: bool = eqx.field(static=True, default=False)

    def fitted(self, moments: Moments) -> "Standardization":
        """Take these statistics, or those of all entries together; an entry that is constant keeps its scale."""
        mean, deviation = moments
        if self.together:  # the variance of all is the mean of the variances and the variance of the means
            deviation = np.broadcast_to(np.sqrt(np.mean(deviation**2) + np.var(mean)), mean.shape)
            mean = np.broadcast_to(np.mean(mean), mean.shape)
        rate = 1 / np.where(deviation > 0, deviation, 1.0)
        return Standardization(jnp.asarray(mean), jnp.asarray(rate), self.together)

    def __call__(self, value: Shaped[Array, "*entries"], key: PRNGKeyArray) -> Float[Array, "*entries"]:
        assert self.mean is not None, "fitted first"
        assert self.rate is not None, "fitted first"
        value = as_float(value)
        return (value - self.mean.astype(value.dtype)) * self.rate.astype(value.dtype)

    @property
    def log_slope(self) -> Float[Array, "..."]:
        assert self.rate is not None, "fitted first"
        return jnp.log(self.rate)

    def inverse(self, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        assert self.mean is not None, "fitted first"
        assert self.rate is not None, "fitted first"
        return value / self.rate + self.mean

    def moments(self, before: Moments) -> Moments:
        mean, deviation = before
        rate = np.asarray(self.rate, np.float64)
        return (mean - np.asarray(self.mean, np.float64)) * rate, deviation * rate
