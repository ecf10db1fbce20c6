"""Penalties: costs on named values, added to what training lowers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from lowerbound._suggest import suggest
from lowerbound._types import Nats
from lowerbound.model import KEY, Factor, Graph, Noise, Plan, Scope, Treatment, function_factor, trace
from lowerbound.objective._average import Terms, average
from lowerbound.objective._objective import AbstractObjective, Datum, make_scope, over_draws
from lowerbound.objective._side import Side


@dataclass(frozen=True)
class Penalty:
    """A cost to be added to what training lowers: `weight * function(...)`, in nats for one datum.

    Its arguments are names: observed variables, inputs, parameters, deterministic values, draws of latents. In data
    where one of them is averaged over or summed out, it has no one value and the penalty is left out: so a
    classifier's cost counts on labelled rows only.

    Args:
        function: A function of named values that returns a scalar.
        weight: A number, or a function of the training step.

    Example:
        >>> how = ELBO() + Penalty(lambda x, y, clf: -Categorical(logits=clf(x)).log_prob(y), weight=50.0)
    """

    function: Callable[..., Any]
    weight: Any = 1.0

    def __post_init__(self):
        if not callable(self.weight):
            try:
                object.__setattr__(self, "weight", float(self.weight))
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"The weight of a penalty is {self.weight!r}; a number was needed, or a function of the step."
                ) from error

    def factor(self, index: int) -> Factor:
        """Read the names that it takes."""
        return function_factor(f"penalty {index}", self.function)

    def check(self, graph: Graph) -> None:
        """Refuse a penalty of unknown names, one that captures a network, and one that is no scalar."""
        for parent in self.factor(0).parents:
            if parent.name not in graph.names and parent.name != KEY:
                raise ValueError(
                    f"A penalty names `{parent.name}`, which neither p nor q declares."
                    f"{suggest(parent.name, sorted(graph.names))}"
                )
        cost = trace(self.factor(0), graph.structs)
        if jnp.shape(cost) != ():
            raise ValueError(f"A penalty has shape {jnp.shape(cost)}; a scalar for one datum was needed. Sum it.")

    def applies(self, plan: Plan) -> bool:
        """Say whether each of its names has one value under this plan."""
        without_value = {
            latent.name for latent in plan.latents if latent.treatment not in (Treatment.CLOSED_FORM, Treatment.SAMPLED)
        }
        absent = set(plan.graph.inputs) - set(plan.inputs)
        factor = self.factor(0)
        needed = {parent.name for parent in factor.parents if not parent.optional}
        read = {*plan.graph.random_parents(factor), *plan.graph.input_parents(factor)} | needed
        return not read & (without_value | absent)


class AbstractBound(AbstractObjective):
    """An objective to which penalties can be added."""

    def __add__(self, penalty: Penalty) -> "Penalized":
        return Penalized(self, (penalty,)) if isinstance(penalty, Penalty) else NotImplemented


@dataclass(frozen=True)
class Penalized(AbstractObjective):
    """A bound with penalties. It bounds nothing; `fit` chooses its best state on the bound alone."""

    bound: AbstractObjective
    penalties: tuple[Penalty, ...]

    @property
    def name(self) -> str:
        """The bound's name and the number of penalties."""
        return f"{self.bound.name} with {len(self.penalties)} penalt{'y' if len(self.penalties) == 1 else 'ies'}"

    @property
    def num_samples(self) -> int:
        """As the bound's."""
        return self.bound.num_samples

    @property
    def side(self) -> Side:
        """None."""
        return Side.NONE

    @property
    def uses_weights(self) -> bool:
        """As the bound's."""
        return self.bound.uses_weights

    @property
    def sampled(self) -> tuple[str, ...]:
        """As the bound's."""
        return self.bound.sampled

    def __add__(self, penalty: Penalty) -> "Penalized":
        if not isinstance(penalty, Penalty):
            return NotImplemented
        return Penalized(self.bound, (*self.penalties, penalty))

    def terms(self, plan: Plan, parameters: Datum, datum: Datum, noises: Noise, step: Array) -> Terms:
        """Return the bound's terms and those of the penalties."""
        costs = over_draws(lambda noise: self._costs(plan, parameters, datum, noise, step), noises, self.num_samples)
        means = {label: jnp.mean(cost) for label, cost in costs.items()}
        return {**self.bound.terms(plan, parameters, datum, noises, step), **means}

    def draw(self, plan: Plan, parameters: Datum, datum: Datum, noise: Noise, step: Array) -> tuple[Nats, Nats]:
        """Return the bound's draw, and the penalties' for the mean."""
        value, extra = self.bound.draw(plan, parameters, datum, noise, step)
        costs = self._costs(plan, parameters, datum, noise, step)
        return value, extra + sum(costs.values(), start=jnp.zeros(()))

    def _costs(self, plan: Plan, parameters: Datum, datum: Datum, noise: Noise, step: Array) -> Terms:
        active = [(i, penalty) for i, penalty in enumerate(self.penalties, 1) if penalty.applies(plan)]

        def leaf(scope: Scope, _: object) -> Terms:
            costs = {}
            for index, penalty in active:
                weight: Any = penalty.weight(step) if callable(penalty.weight) else penalty.weight
                costs[f"-penalty {index}"] = -weight * jnp.asarray(scope.evaluate(penalty.factor(index)))
            return costs

        return average(plan, make_scope(plan, parameters, datum, noise), noise, leaf) if active else {}
