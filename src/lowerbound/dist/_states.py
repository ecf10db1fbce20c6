"""The states of a finite distribution, as a whole."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from numpyro.distributions import (
    BernoulliLogits,
    BernoulliProbs,
    CategoricalLogits,
    CategoricalProbs,
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
)

from lowerbound.dist._bernoulli import Bernoulli
from lowerbound.dist._beta_binomial import BetaBinomial
from lowerbound.dist._binomial import Binomial
from lowerbound.dist._discrete_uniform import DiscreteUniform
from lowerbound.dist._discretized_logistic import DiscretizedLogistic


def num_states(distribution: Distribution) -> int | None:
    """Count the values that a draw of the distribution's whole shape can take.

    Five bits have 32 states, six choices out of five 15,625. It reads types and shapes only, so leaves may be
    abstract, as `jax.eval_shape` gives them. NumPyro's own laws whose range is a traced array (`Binomial`,
    `BetaBinomial`, `DiscreteUniform`) are finite only once they have run, so they are not finite here: use those of
    `lowerbound.dist`.

    Returns:
        The number of states, or None where there is no end of them.
    """
    entry = _entry_states(distribution)
    return None if entry is None else len(entry) ** math.prod(distribution.shape())


def states(distribution: Distribution) -> Int[Array, "num_states ..."]:
    """List the values that a draw of the distribution's whole shape can take, the last entry varying fastest.

    NumPyro's `enumerate_support` lists those of one entry only, repeated over the others.

    Raises:
        TypeError: The distribution is not finite.
    """
    entry = _entry_states(distribution)
    if entry is None:
        raise TypeError(f"`{type(distribution).__name__}` has no finite list of states; see `num_states`.")
    # The digits of 0, 1, 2, ... in base `len(entry)`, one for each entry of a draw.
    num_entries = math.prod(distribution.shape())
    place_values = len(entry) ** np.arange(num_entries)[::-1]
    digits = np.arange(len(entry) ** num_entries)[:, None] // place_values % len(entry)
    return jnp.asarray(np.asarray(entry)[digits].reshape(len(digits), *distribution.shape()))


def _entry_states(distribution: Distribution) -> range | None:
    """The states of one entry, the same for all of them."""
    match distribution:
        case Independent() | ExpandedDistribution() | MaskedDistribution():
            return _entry_states(distribution.base_dist)
        case Bernoulli() | BernoulliLogits() | BernoulliProbs():
            return range(2)
        case CategoricalLogits():
            return range(np.shape(distribution.logits)[-1])
        case CategoricalProbs():
            return range(np.shape(distribution.probs)[-1])
        case Binomial() | BetaBinomial():
            return range(distribution.total_count + 1)
        case DiscreteUniform() | DiscretizedLogistic():
            return range(distribution.low, distribution.high + 1)
        case _:
            return None
