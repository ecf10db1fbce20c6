"""Evaluate a factor abstractly: what it returns, and which arrays it uses without naming them."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
from jax.extend import core

from lowerbound.model._errors import CapturedParameterError
from lowerbound.model._factor import KEY, Factor, is_network, source_name
from lowerbound.nn import AbstractBlueprint


def trace(factor: Factor, values: Mapping[str, Any], absent: Collection[str] = ()) -> Any:
    """Return what the factor gives, with `jax.ShapeDtypeStruct` leaves, or refuse arrays that it captures.

    Nothing is run. A network or a `jax.Array` that the function reaches through a closure, a global or a helper is a
    constant of its jaxpr, or of one inside (a nested `jit`), and would silently not train. Literals such as
    `jnp.array([1.0, 2.0])` and NumPy arrays are constants too, of another type, and are left alone. Optional parents
    that are `absent` are None.
    """
    absent = {KEY, *absent}
    parents = {parent.name: None if parent.name in absent else values[parent.name] for parent in factor.parents}
    structures = []

    def leaves(parents: Mapping[str, Any]) -> list[Any]:
        # Equinox must not see the distribution itself: it would put a bool where NumPyro keeps a mask, and there a
        # bool means another structure.
        flat, structure = jax.tree.flatten(factor(parents))
        structures.append(structure)
        return flat

    try:
        jaxpr, dynamic, static = eqx.filter_make_jaxpr(leaves)(parents)
    except Exception as error:
        blueprint = next(_blueprints(factor.function, depth=0), None)
        if blueprint is not None:
            raise CapturedParameterError(_cure(factor, blueprint, "network")) from error
        error.add_note(f"This came from the factor `{factor.name}` ({source_name(factor.function)}).")
        raise
    for constant in () if factor.is_root else _constants(jaxpr):
        if isinstance(constant, jax.Array):
            raise CapturedParameterError(_message(factor, constant))
    return jax.tree.unflatten(structures[-1], eqx.combine(dynamic, static))


def _constants(closed: core.ClosedJaxpr) -> Iterator[Any]:
    """Yield the constants that the outputs depend on.

    NumPyro's checks of a distribution's arguments leave others behind, in equations whose results go nowhere.
    """
    needed = {variable for variable in closed.jaxpr.outvars if isinstance(variable, core.Var)}
    for equation in reversed(closed.jaxpr.eqns):
        if needed.isdisjoint(equation.outvars):
            continue
        needed.update(variable for variable in equation.invars if isinstance(variable, core.Var))
        for parameter in jax.tree.leaves(
            equation.params, is_leaf=lambda leaf: isinstance(leaf, core.ClosedJaxpr | core.Jaxpr)
        ):
            if isinstance(parameter, core.ClosedJaxpr):
                yield from _constants(parameter)
            elif isinstance(parameter, core.Jaxpr):
                yield from _constants(core.ClosedJaxpr(parameter, ()))
    yield from (value for name, value in zip(closed.jaxpr.constvars, closed.consts, strict=True) if name in needed)


def _message(factor: Factor, constant: jax.Array) -> str:
    found = next(_holders(factor.function, constant, depth=0), None)
    if found is None:
        shape = tuple(constant.shape)
        return (
            f"`{factor.name}` uses an array of shape {shape} without naming it, so it would never be trained. "
            f"Declare it as a parameter and name it in the factor's signature, or make it a NumPy array if it is "
            f"a constant."
        )
    return _cure(factor, *found)


def _cure(factor: Factor, name: str, kind: str) -> str:
    needs = ", ".join(parent.name for parent in factor.parents)
    cure = f"`lambda {needs + ', ' if needs else ''}{name}: ...`"
    constant_cure = "" if kind == "network" else " If it is a constant, make it `Fixed(...)` or a NumPy array."
    return (
        f"`{factor.name}` uses the {kind} `{name}` without naming it, so it would never be trained. "
        f"Write {cure}.{constant_cure}"
    )


def _blueprints(function: Callable[..., Any], depth: int) -> Iterator[str]:
    """Search the function's closure and globals, and those of the functions there, for blueprints."""
    variables = _variables(function) if depth <= 3 else {}
    for name, value in variables.items():
        if isinstance(value, AbstractBlueprint):
            yield name
    for value in variables.values():
        yield from _blueprints(value, depth + 1) if inspect.isfunction(value) else ()


def _variables(function: Callable[..., Any]) -> dict[str, Any]:
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        return {}
    closed = inspect.getclosurevars(function)
    return {**closed.globals, **closed.nonlocals}


def _holders(function: Callable[..., Any], constant: jax.Array, depth: int) -> Iterator[tuple[str, str]]:
    """Search the function's closure and globals, and those of the functions there, for what holds the constant."""
    variables = _variables(function) if depth <= 3 else {}
    for name, value in variables.items():
        if any(leaf is constant for leaf in jax.tree.leaves(value)):
            yield name, "network" if is_network(value) else "array"
    for value in variables.values():
        yield from _holders(value, constant, depth + 1) if callable(value) else ()
