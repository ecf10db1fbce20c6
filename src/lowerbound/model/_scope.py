"""Values by name for one datum; deterministic ones are worked out when first asked for."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import jax
from jaxtyping import PRNGKeyArray

from lowerbound.dist import Distribution
from lowerbound.model._factor import KEY, Factor, Parent
from lowerbound.model._graph import Graph


class Scope:
    """What has a value so far, for one datum.

    A name is bound once: to an observation, a draw, one state of a finite variable, or a parameter. What depends
    on names that are not bound yet cannot be asked for, unless they are optional; so a deterministic value, once
    worked out, stays right in every scope that binds more, except where it reads an optional name bound there.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Any], key: PRNGKeyArray | None = None):
        self.graph = graph
        self._values = dict(values)
        self._key = key

    def bind(self, name: str, value: Any) -> "Scope":
        """Make a scope in which `name` has this value too."""
        kept = {other: known for other, known in self._values.items() if not self._reads(other, name)}
        return Scope(self.graph, {**kept, name: value}, self._key)

    def _reads(self, value: str, name: str) -> bool:
        """Say whether a deterministic value was worked out without `name`, an optional name above it."""
        factor = self.graph.values.get(value)
        return factor is not None and name in self.graph.random_parents(factor)

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = self.evaluate(self.graph.values[name])
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        if name in self._values:
            return True
        factor = self.graph.values.get(name)
        return factor is not None and all(p.optional or p.name in self for p in factor.parents if p.name != KEY)

    def evaluate(self, factor: Factor) -> Any:
        """Evaluate a factor at its parents' values."""
        return factor({parent.name: self._parent(factor, parent) for parent in factor.parents})

    def _parent(self, factor: Factor, parent: Parent) -> Any:
        if parent.name == KEY:  # each factor draws its own randomness; None in evaluation
            return None if self._key is None else jax.random.fold_in(self._key, crc32(factor.name.encode()))
        return None if parent.optional and parent.name not in self else self[parent.name]

    def model(self, name: str) -> Distribution:
        """Return p's distribution of `name` given its parents."""
        return self.evaluate(self.graph.p[name])

    def posterior(self, name: str) -> Distribution:
        """Return q's distribution of `name` given its parents."""
        return self.evaluate(self.graph.q[name])
