"""Which values a distribution allows, and whether one's are among another's."""

import math
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Bool
from numpyro.distributions import constraints
from numpyro.distributions.constraints import Constraint

_CHOLESKY = type(constraints.lower_cholesky)  # and its subclasses: the same set, parameterized otherwise


def support_fits(inner: Constraint, outer: Constraint) -> bool:
    """Say whether a law on `inner` has a density with respect to one on `outer`: KL(inner || outer) can be finite.

    Every value of `inner` has to lie in `outer`, end points aside, and both have to be measured alike: a mass is no
    density, and a density on the simplex or the sphere none in the space around it.

    Args:
        inner: The support of q, say.
        outer: The support of p, say.

    Returns:
        Whether it fits. A bound that is not known while tracing counts as fitting.
    """
    inner, outer = _of_an_entry(inner), _of_an_entry(outer)
    if constraints.is_dependent(inner) or constraints.is_dependent(outer):
        return True
    if inner.is_discrete != outer.is_discrete:
        return False
    inner_range, outer_bounds = _bounds(inner) or _hull(inner), _bounds(outer)
    if inner_range and outer_bounds:
        return _at_least(inner_range[0], outer_bounds[0]) and _at_least(outer_bounds[1], inner_range[1])
    if isinstance(inner, _CHOLESKY) and isinstance(outer, _CHOLESKY):
        return True
    if outer == constraints.ordered_vector and inner == constraints.positive_ordered_vector:
        return True
    return type(inner).__name__ == type(outer).__name__


def outside_support(support: Constraint, value: ArrayLike) -> Bool[np.ndarray, "..."]:
    """Mark what lies outside of a support, in data that are about to be scored.

    Args:
        support: A distribution's support.
        value: Concrete data of any dtype, with any leading axes.

    Returns:
        True where the value is impossible (NaN is), one entry for each number or, where the support is of vectors or
        matrices, for each of them. A bound that is not known while tracing allows everything.
    """
    support = _of_an_entry(support)
    array = np.asarray(value)
    if constraints.is_dependent(support):
        return np.zeros(array.shape, bool)
    if any(_is_abstract(bound) for bound in jax.tree.leaves(support)):
        return np.zeros(array.shape[: array.ndim - support.event_dim], bool)
    with np.errstate(invalid="ignore"):  # the remainder of an infinite number is no number, hence outside
        return ~np.asarray(support(array))


def _of_an_entry(support: Constraint) -> Any:
    """The constraint within `independent(...)`, which only says what is an event."""
    return support.base_constraint if isinstance(support, constraints.independent) else support


def _bounds(support: Any) -> tuple[Any, Any] | None:
    """The least and the greatest value of an entry, if the support is all that lies between."""
    match support:
        case constraints.boolean:
            return 0, 1
        case constraints.real:
            return -math.inf, math.inf
        case constraints.greater_than() | constraints.integer_greater_than():
            return support.lower_bound, math.inf
        case constraints.less_than():
            return -math.inf, support.upper_bound
        case constraints.interval() | constraints.integer_interval():
            return support.lower_bound, support.upper_bound
        case _:
            return None


def _hull(support: Any) -> tuple[Any, Any] | None:
    """The least and the greatest value of an entry, for vectors that fill a part of space but not a box."""
    match support:
        case constraints.ordered_vector:
            return -math.inf, math.inf
        case constraints.positive_ordered_vector:
            return 0, math.inf
        case constraints.l1_ball:
            return -1, 1
        case _:
            return None


def _at_least(bound: Any, other: Any) -> bool:
    """Whether `bound >= other` everywhere, as far as it is known."""
    return _is_abstract(bound) or _is_abstract(other) or bool(np.all(np.asarray(bound) >= np.asarray(other)))


def _is_abstract(bound: Any) -> bool:
    return isinstance(bound, (Tracer, jax.ShapeDtypeStruct))
