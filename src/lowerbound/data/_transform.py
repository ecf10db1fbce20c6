"""The transform from one raw row to one datum, on the device."""

from typing import NamedTuple
from zlib import crc32

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Int64, PRNGKeyArray, Shaped

from lowerbound._types import Nats
from lowerbound.data._steps import AbstractBinarization, AbstractStep


class Mask(NamedTuple):
    """Which boolean array tells the observed entries of `name`, and from which position of it on."""

    name: str
    mask: str
    start: int


class Transform(eqx.Module):
    """The steps from one raw row to the datum that encoder and likelihood both see.

    A pytree: statistics are leaves, all else is static. It is written for one row; map it with `jax.vmap`
    *after* gathering the rows on the device, so that they travel and stay in their own narrow type.
    Without steps, arrays of 32 and 64 bits and booleans pass through untouched; narrower ones are widened to
    32 bits (in uint8, 0 - 1 is 255).

    Attributes:
        steps: By array, the steps in order.
        masks: Where missing entries are marked; these are 0 after all steps, whatever the steps are.
    """

    steps: dict[str, tuple[AbstractStep, ...]]
    masks: tuple[Mask, ...] = eqx.field(static=True)

    def __call__(self, row: dict[str, Shaped[ArrayLike, "..."]], key: PRNGKeyArray) -> dict[str, Shaped[Array, "..."]]:
        """Return the datum of one raw row.

        Args:
            row: The raw arrays of one row by name, masks included.
            key: This row's own key, `fold_in(fold_in(key, step), row_id)`. Each array and step folds in its
                own number, so a draw depends on (key, step, row, name) and on nothing beside it.
        """
        datum = {name: _widened(jnp.asarray(value)) for name, value in row.items()}
        for name, steps in self.steps.items():
            name_key = jax.random.fold_in(key, np.uint32(crc32(name.encode())))
            value = datum[name]
            for index, step in enumerate(steps):
                value = step(value, jax.random.fold_in(name_key, index))
            observed = self._observed(row, name)
            datum[name] = value if observed is None else jnp.where(observed, value, 0)
        return datum

    def inverse(self, name: str, value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
        """Map one datum's values of an array, as the model has them, back to the raw row's units."""
        for step in reversed(self.steps.get(name, ())):
            value = step.inverse(value)
        return value

    def is_binarized(self, name: str) -> bool:
        """Say whether the entries of an array are 0 or 1 because a step makes them so."""
        return bool(self.steps.get(name)) and isinstance(self.steps[name][-1], AbstractBinarization)

    def changes_units(self, name: str) -> bool:
        """Say whether `log_det` can be other than 0 for this array."""
        return any(not isinstance(step, AbstractBinarization) for step in self.steps.get(name, ()))

    def log_det(self, row: dict[str, Shaped[ArrayLike, "..."]]) -> dict[str, Nats]:
        """Return log|det d datum / d row| in nats for each array, summed over its observed entries.

        Add it to a log-density of the datum to have the log-density in the row's own units. It is 0 where no
        step changes the units, and where the array is binarized.
        """
        return {name: self._log_det(row, name) for name in row}

    def _log_det(self, row: dict[str, Shaped[ArrayLike, "..."]], name: str) -> Nats:
        slopes = jnp.zeros(jnp.shape(row[name]))
        for step in self.steps.get(name, ()):
            slopes += step.log_slope
        return jnp.sum(slopes, where=self._observed(row, name))

    def _observed(self, row: dict[str, Shaped[ArrayLike, "..."]], name: str) -> Bool[Array, "..."] | None:
        for masked, mask, start in self.masks:
            if masked == name:
                shape = jnp.shape(row[name])
                return jnp.ravel(row[mask])[start : start + int(np.prod(shape))].reshape(shape)
        return None


@jax.jit
def prepare(
    transform: Transform,
    rows: dict[str, Shaped[ArrayLike, "rows ..."]],
    row_ids: Int64[np.ndarray, " rows"] | Shaped[Array, " rows"],
    key: PRNGKeyArray,
) -> dict[str, Shaped[Array, "rows ..."]]:
    """Return the data of all these rows, with the draws of step 0 of `key`."""
    step_key = jax.random.fold_in(key, 0)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(step_key, row_ids)
    return jax.vmap(transform)(rows, keys)


def _widened(value: Shaped[Array, "*entries"]) -> Shaped[Array, "*entries"]:
    if value.dtype.itemsize >= 4 or value.dtype == bool:
        return value
    return value.astype(jnp.int32 if jnp.issubdtype(value.dtype, jnp.integer) else jnp.float32)
