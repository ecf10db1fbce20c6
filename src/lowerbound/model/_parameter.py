"""What is neither random nor computed: parameters, constants, inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from lowerbound.dist import biject_to, constraints, is_distribution
from lowerbound.model._factor import Factor, Given, function_factor, given_factor, is_network, root_factor
from lowerbound.nn import AbstractBlueprint


@dataclass(frozen=True, eq=False)
class Param:
    """A parameter with a constraint, or with a prior, which makes it a random variable.

    With `support` the value keeps to its constraint while an unconstrained twin trains: a scale stays positive,
    a Cholesky factor lower triangular. With `prior` the parameter is random, as in full variational Bayes:
    q is a mean-field Gaussian over its entries (mapped into the prior's support) unless q declares the name,
    one draw serves a whole training step, and KL(q(θ) || p(θ)) is counted once for all N data.

    Args:
        value: A number, an array, a tree of arrays, or a network. In its own units, strictly inside `support`.
        support: A constraint, such as `lowerbound.dist.positive`.
        prior: A distribution, given to every entry of the value; or a function of other parameters that returns
            one, such as `lambda tau: Normal(0.0, tau)`.

    Raises:
        ValueError: The value lies outside of `support` or on its border, or both `support` and `prior` are given.

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, appendix F, https://arxiv.org/abs/1312.6114.
    """

    value: Any
    support: Any = None
    prior: Any = None

    def __post_init__(self):
        if self.support is not None and self.prior is not None:
            raise ValueError(
                "`Param` takes `support` or `prior`, not both: a random parameter's support is its prior's. "
                "Drop `support`."
            )


@dataclass(frozen=True, eq=False)
class Fixed:
    """A value that is never trained: a mask, a known matrix, a frozen network, a temperature.

    Args:
        value: A number, an array, a tree of arrays, or a network.
        schedule: A function of the training step that gives the value instead, such as an Optax schedule. A trained
            model keeps the value of its last step.
    """

    value: Any
    schedule: Callable[[Array], Any] | None = None


@dataclass(frozen=True, init=False)
class Input:
    """A condition: given with each datum, with no density of its own, never inferred.

    Args:
        shape: The shape for one datum: `()`, a number of entries, or a tuple.
        dtype: The kind of number: `float`, `int` or `bool`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __init__(self, shape: int | tuple[int, ...] = (), dtype: Any = float):
        object.__setattr__(self, "shape", (shape,) if isinstance(shape, int) else tuple(shape))
        object.__setattr__(self, "dtype", np.dtype(dtype))


@dataclass(frozen=True, eq=False)
class Parameter:
    """A declared parameter: how its first value is made, and how its value follows from what is trained."""

    name: str
    declared: Any
    support: Any = None
    prior: Factor | None = None
    fixed: bool = False
    schedule: Callable[[Array], Any] | None = None

    @property
    def is_random(self) -> bool:
        """Whether it has a prior."""
        return self.prior is not None

    def make(self, key: PRNGKeyArray) -> PyTree:
        """Make the first value, in its own units."""
        if isinstance(self.declared, AbstractBlueprint):
            return self.declared.make(key=key)
        if isinstance(self.declared, eqx.Module):
            return self.declared
        return jax.tree.map(jnp.asarray, self.declared)

    def to_free(self, value: PyTree) -> PyTree:
        """Map a value to its unconstrained twin, which is what the optimizer moves."""
        return value if self.support is None else jax.tree.map(biject_to(self.support).inv, value)

    def to_value(self, free: PyTree) -> PyTree:
        """Map the unconstrained twin to the value in its own units."""
        return free if self.support is None else jax.tree.map(biject_to(self.support), free)


def read_parameter(name: str, declared: Any) -> Parameter:
    """Read a parameter's declaration, or say what is wrong with it."""
    match declared:
        case Fixed(value=value, schedule=schedule):
            return Parameter(name, _checked(name, value), fixed=True, schedule=schedule)
        case Param(value=value, support=support, prior=prior):
            value = _checked(name, value)
            _check_trains(name, value)
            _check_interior(name, value, support)
            return Parameter(name, value, support, None if prior is None else _prior(name, prior))
        case int() | float() | complex():
            raise ValueError(
                f"`{name}` is the Python number {declared!r}, which would silently not train. Write "
                f"`Param({float(declared.real)!r})` for a parameter or `Fixed({declared!r})` for a constant."
            )
        case _:
            value = _checked(name, declared)
            _check_trains(name, value)
            return Parameter(name, value)


def _prior(name: str, declared: Any) -> Factor:
    if is_distribution(declared):
        return root_factor(name, declared)
    if isinstance(declared, Given):
        return given_factor(name, declared)
    if callable(declared) and not is_network(declared):
        return function_factor(name, declared)
    raise ValueError(
        f"The prior of `{name}` is of type {type(declared).__name__}; a distribution was needed, or a function of "
        f"parameters that returns one."
    )


def _checked(name: str, value: Any) -> Any:
    """Refuse what is no network and no tree of arrays; numbers inside Param and Fixed become arrays."""
    if is_network(value):
        batch_norm = [
            leaf
            for leaf in jax.tree.leaves(value, is_leaf=lambda leaf: isinstance(leaf, eqx.nn.BatchNorm))
            if isinstance(leaf, eqx.nn.BatchNorm)
        ]
        if batch_norm:
            raise ValueError(
                f"`{name}` holds a BatchNorm, which couples the rows of a batch; a factor is written for one datum. "
                f"Use `eqx.nn.LayerNorm`, `eqx.nn.GroupNorm`, or `MLP(..., layer_norm=True)`."
            )
        return value
    leaves = jax.tree.leaves(value)
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array | np.ndarray | np.generic | int | float | bool)]
    if not leaves or len(arrays) < len(leaves):
        raise ValueError(
            f"`{name}` is of type {type(value).__name__}; a distribution, a function of its parents, a network, or "
            f"an array was needed."
        )
    return jax.tree.map(jnp.asarray, value)


def _check_trains(name: str, value: Any) -> None:
    if is_network(value):
        return
    for leaf in jax.tree.leaves(value):
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            raise ValueError(
                f"`{name}` is an array of {leaf.dtype}, which no gradient trains. Give it a floating dtype, or write "
                f"`Fixed(...)` for a constant."
            )


def _check_interior(name: str, value: Any, support: Any) -> None:
    if support is None:
        return
    if is_network(value) or not isinstance(support, constraints.Constraint):
        got = "a network" if is_network(value) else f"`{support!r}`"
        raise ValueError(
            f"`{name}` has a support, but got {got}: an array and a constraint were needed, such as "
            f"`Param(1.0, support=positive)` with `positive` of `lowerbound.dist`."
        )
    for leaf in jax.tree.leaves(value):
        free = np.asarray(biject_to(support).inv(leaf))
        if not (np.all(np.asarray(support(leaf))) and np.all(np.isfinite(free))):
            shown = np.array2string(np.asarray(leaf), threshold=6, precision=4)
            raise ValueError(
                f"`{name}` starts at {shown}, which does not lie strictly inside its support {describe(support)}: "
                f"it could not move from there. Start it in the interior."
            )


def describe(support: Any) -> str:
    """Name a constraint in a message: `positive`, `unit_interval`."""
    name = type(support).__name__.strip("_")
    return str(support) if name == "Interval" else name
