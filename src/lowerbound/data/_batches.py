"""The stateless order of batches: a pure function of seed and step."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int32, Int64


@lru_cache(maxsize=4)
def order(seed: int, epoch: int, num_rows: int) -> Int64[np.ndarray, " rows"]:
    """Return the order in which an epoch visits the rows, as a read-only permutation of 0..num_rows-1.

    Nothing is carried from epoch to epoch (the generator is counter based), so a run may start, stop and
    be replayed anywhere. The last few orders are kept.

    Raises:
        ValueError: `seed`, `epoch` or `num_rows` is negative.

    References:
        Salmon et al. (2011), *Parallel random numbers: as easy as 1, 2, 3*, https://doi.org/10.1145/2063384.2063405.
    """
    for name, value in (("seed", seed), ("epoch", epoch), ("num_rows", num_rows)):
        if value < 0:
            raise ValueError(f"`{name}` is {value}, but it counts from 0.")
    permutation = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(num_rows).astype(np.int64)
    permutation.flags.writeable = False
    return permutation


def batch_indices(
    seed: int, start_step: int, num_steps: int, num_rows: int, batch_size: int
) -> Int32[np.ndarray, "steps batch"]:
    """Return the rows of `num_steps` consecutive batches, as positions in the data.

    With n rows and batches of B, step t is batch t mod (n // B) of epoch t // (n // B). The n mod B rows that
    come last in an epoch's order sit out that epoch: every batch has B rows, and no row comes twice in an epoch.

    Args:
        seed: The seed of the run.
        start_step: The first step, counted from 0 over the whole run.
        num_steps: How many batches to return.
        num_rows: n, the rows of the training data.
        batch_size: B, the rows of one batch.

    Raises:
        ValueError: `batch_size` is not between 1 and `num_rows`, or another argument is negative.
    """
    if not 1 <= batch_size <= num_rows:
        raise ValueError(
            f"`batch_size` is {batch_size}, but the data has {num_rows} rows. Choose between 1 and {num_rows}."
        )
    for name, value in (("start_step", start_step), ("num_steps", num_steps)):
        if value < 0:
            raise ValueError(f"`{name}` is {value}, but it counts from 0.")
    batches = num_rows // batch_size
    epochs, within = np.divmod(start_step + np.arange(num_steps), batches)
    indices = np.empty((num_steps, batch_size), np.int32)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        rows = order(seed, int(epoch), num_rows)[: batches * batch_size].reshape(batches, batch_size)
        indices[here] = rows[within[here]]
    return indices
