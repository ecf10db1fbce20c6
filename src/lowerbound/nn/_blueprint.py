"""A blueprint: a network's description, from which the library makes its weights."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import prod

import equinox as eqx
from jaxtyping import PRNGKeyArray


class AbstractBlueprint(ABC):
    """A network that is described but has no weights yet.

    Blueprints are small frozen dataclasses, so they can be compared, printed and declared before there is a key.
    `VAE(p, q, key=key)` makes each from a key folded with its name. Your own need only define `make`.
    """

    @abstractmethod
    def make(self, *, key: PRNGKeyArray) -> eqx.Module:
        """Make the network, a module for one datum; the same key gives the same weights, bit for bit."""


def checked_shape(name: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    """Return a size or shape as a tuple, or refuse it in the words of the argument `name`."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size < 1 for size in sizes):
        raise ValueError(f"`{name}` needs sizes of at least 1, got {shape}.")
    return sizes


def checked_size(name: str, shape: int | Sequence[int]) -> int:
    """Return the number of entries of a size or shape, or refuse it in the words of the argument `name`."""
    return prod(checked_shape(name, shape))
