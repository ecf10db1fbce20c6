"""The keys of a run, all from its seed."""

from typing import NamedTuple

import jax
from jaxtyping import PRNGKeyArray


class Keys(NamedTuple):
    """What each key decides: the parts of the rows, first weights, training, and all that is told of the run after."""

    split: PRNGKeyArray
    model: PRNGKeyArray
    fit: PRNGKeyArray
    page: PRNGKeyArray

    @classmethod
    def of(cls, seed: int) -> "Keys":
        """Make them."""
        return cls(*jax.random.split(jax.random.key(seed), 4))
