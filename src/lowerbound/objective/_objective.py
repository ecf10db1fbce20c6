"""What every objective can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lowerbound._types import Nats
from lowerbound.model import Noise, Plan, Scope
from lowerbound.objective._average import Terms
from lowerbound.objective._side import Side

Datum = Mapping[str, Any]


class AbstractObjective(ABC):
    """A quantity for one datum, in nats, to be raised: a bound, possibly with penalties.

    Objectives are small immutable objects, the same for `fit` and `evaluate`.
    """

    #: The number of sets of base draws that it takes for one datum.
    num_samples: int

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables call it: `ELBO`, `IWAE-50`."""

    @property
    @abstractmethod
    def side(self) -> Side:
        """On which side of log p(x) it stands."""

    @property
    @abstractmethod
    def uses_weights(self) -> bool:
        """Whether it is the log of a mean of importance weights, rather than a mean over q."""

    @property
    @abstractmethod
    def sampled(self) -> tuple[str, ...]:
        """Latents whose KL it samples although it has a closed form."""

    @abstractmethod
    def terms(self, plan: Plan, parameters: Datum, datum: Datum, noises: Noise, step: Array) -> Terms:
        """Estimate it for one datum from `num_samples` sets of base draws, term by term: their sum is to be raised.

        Args:
            plan: What is done with each latent.
            parameters: The values of the parameters by name.
            datum: The observed variables and inputs by name.
            noises: Base draws by latent name, with a leading axis of length `num_samples`.
            step: The training step, which schedules follow.
        """

    @abstractmethod
    def draw(self, plan: Plan, parameters: Datum, datum: Datum, noise: Noise, step: Array) -> tuple[Nats, Nats]:
        """Return one draw of it and what to add to the mean of many.

        The first is averaged as it is, or as the log of a mean of exponentials where `uses_weights`.
        """


def check_objective(how: object) -> None:
    """Refuse what is no objective: no string picks one in Python."""
    if not isinstance(how, AbstractObjective):
        raise TypeError(f"`how` is of type {type(how).__name__}; an objective was needed, such as `ELBO()`.")


def make_scope(plan: Plan, parameters: Datum, datum: Datum, noise: Noise) -> Scope:
    """Bind the parameters and the datum; the `key` of training comes with the noise."""
    return Scope(plan.graph, {**parameters, **datum}, noise.get("key"))


#: Draws that are mapped over at once; more go in chunks whose intermediate values are worked out anew for the gradient.
CHUNK = 8


def over_draws(function: Callable[[Noise], Any], noises: Noise, num_samples: int) -> Any:
    """Map over sets of base draws, in memory that does not grow with their number beyond a chunk."""
    if not jax.tree.leaves(noises):  # nothing is drawn, so every draw is the same
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_samples, *jnp.shape(leaf))), function(noises))
    if num_samples == 1:  # spares the compiler an axis of length one
        return jax.tree.map(lambda leaf: leaf[None], function(jax.tree.map(lambda leaf: leaf[0], noises)))
    if num_samples <= CHUNK:
        return jax.vmap(function)(noises)
    return jax.lax.map(jax.checkpoint(function), noises, batch_size=CHUNK)
