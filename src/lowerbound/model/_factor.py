"""A factor: a function, for one datum, from named values to a distribution or to a value."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax

from lowerbound.model._errors import CapturedParameterError
from lowerbound.nn import AbstractBlueprint

#: A parent called `key` is not a variable: it asks for randomness, which training gives and evaluation does not.
KEY = "key"


@dataclass(frozen=True)
class Parent:
    """One parent of a factor: its name in the graph, the argument it fills, and whether it may be missing."""

    name: str
    argument: str | None  # None: passed by position
    optional: bool = False


@dataclass(frozen=True, eq=False)
class Factor:
    """One name's function and its parents, in the order in which the function takes them."""

    name: str
    function: Callable[..., Any]
    parents: tuple[Parent, ...] = ()
    #: A distribution as it was given: its numbers are constants, kept in a function so that they never train.
    is_root: bool = False

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Evaluate at the parents' values by name; None stands for an optional one that is missing."""
        positional = [values[parent.name] for parent in self.parents if parent.argument is None]
        named = {parent.argument: values[parent.name] for parent in self.parents if parent.argument is not None}
        return self.function(*positional, **named)


def root_factor(name: str, distribution: Any) -> Factor:
    """Keep a distribution as a function: stored as a tree, its numbers would be leaves that train."""
    return Factor(name, lambda: distribution, is_root=True)


@dataclass(frozen=True, eq=False)
class Given:
    """A function or a network together with the names of its parents: see `given`."""

    function: Any
    positional: tuple[str, ...]
    named: Mapping[str, str]


def given(function: Any, /, *parents: str, **named: str) -> Given:
    """Name the parents of a factor explicitly, where its signature cannot.

    A signature is a set of parents, which is all that most models need. In a loop over levels the names
    change and the function stays; and a network used as a factor has no telling signature.

    Args:
        function: A function, or a network (blueprint or Equinox module), whose weights are then a parameter
            called `NAME.net` for the factor's name.
        *parents: Names for the function's parameters in their order.
        **named: Names for its parameters by keyword. Parameters not mentioned keep their own name.

    Example:
        >>> level = lambda h, net: Normal(*net(h))
        >>> p = Joint({f"z{l}": given(level, h=f"z{l + 1}", net=f"net{l}") for l in (2, 1)}, ...)
    """
    return Given(function, parents, named)


def is_network(declared: Any) -> bool:
    """Say whether this is a network: a blueprint, or an Equinox module that does not merely wrap a function."""
    wrapper = isinstance(declared, eqx.Module) and callable(getattr(declared, "__wrapped__", None))
    return isinstance(declared, AbstractBlueprint) or (isinstance(declared, eqx.Module) and not wrapper)


def function_factor(name: str, function: Callable[..., Any]) -> Factor:
    """Read the parents of a conditional from its signature."""
    return Factor(name, function, tuple(Parent(p.name, p.argument, p.optional) for p in _signature(name, function)))


def given_factor(name: str, declared: Given) -> Factor:
    """Read the parents of a conditional from `given`."""
    signature = _signature(name, declared.function)
    if len(declared.positional) > len(signature):
        raise ValueError(
            f"`given` names {len(declared.positional)} parents by position for `{name}`, but its function takes "
            f"{len(signature)}."
        )
    renamed = {p.name: new for p, new in zip(signature, declared.positional, strict=False)}
    for argument, new in declared.named.items():
        if argument not in {p.name for p in signature}:
            known = ", ".join(f"`{p.name}`" for p in signature) or "none"
            raise ValueError(f"`given` names `{argument}` for `{name}`, but its function has the parameters: {known}.")
        renamed[argument] = new
    return Factor(
        name, declared.function, tuple(Parent(renamed.get(p.name, p.name), p.argument, p.optional) for p in signature)
    )


def network_factor(name: str, declared: Given, network: str) -> Factor:
    """Make a factor that applies the network kept under the name `network` to its parents, in their order."""
    parents = (network, *declared.positional, *declared.named.values())
    return Factor(name, lambda net, *inputs: net(*inputs), tuple(Parent(parent, None) for parent in parents))


def _signature(name: str, function: Callable[..., Any]) -> tuple[Parent, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` is a function whose signature cannot be read, so its parents are unknown. "
            f"Wrap it: `lambda z: f(z)`."
        ) from error
    parents = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ValueError(
                f"`{name}` takes `{parameter}`, but a signature is a set of parents and each must have its name. "
                f"Write them out, or name them with `given(f, ...)`."
            )
        required = parameter.default is parameter.empty
        if not required and _is_trainable(parameter.default):
            raise CapturedParameterError(
                f"`{name}` binds `{parameter.name}` as a default argument, so it would never be trained. "
                f"Declare it as a parameter and drop the default: `lambda ..., {parameter.name}: ...`."
            )
        if not required and parameter.default is not None:
            continue  # a constant of the function, such as the loop variable in `lambda z, level=level: ...`
        argument = None if parameter.kind is parameter.POSITIONAL_ONLY else parameter.name
        parents.append(Parent(parameter.name, argument, optional=not required))
    return tuple(parents)


def _is_trainable(default: Any) -> bool:
    leaves = jax.tree.leaves(default, is_leaf=lambda leaf: isinstance(leaf, AbstractBlueprint))
    return is_network(default) or any(isinstance(leaf, jax.Array | AbstractBlueprint) for leaf in leaves)


def source_name(function: Callable[..., Any]) -> str:
    """Name a factor's function for a message or a table: `likelihood`, or `lambda`."""
    inner = function.func if isinstance(function, functools.partial) else function
    return getattr(inner, "__name__", type(inner).__name__).strip("<>")
