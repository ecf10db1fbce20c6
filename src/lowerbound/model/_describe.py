"""A model in plain words that a file can keep: its names, their roles, parents and shapes, a hash of each factor."""

import functools
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import equinox as eqx
import jax
import numpy as np

from lowerbound.dist import Distribution, constraints, family
from lowerbound.model._factor import Factor
from lowerbound.model._vae import VAE

#: Where functions are that no user wrote: they go by name, and the versions of a run say which they are.
_INSTALLED = tuple(
    {
        str(Path(__file__).parent.parent),
        *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
)


def describe(vae: VAE) -> dict[str, Any]:
    """Describe a model in dictionaries, lists, strings and numbers, to be kept beside its weights.

    A factor's `code` is a SHA-256 of its bytecode, of what it captures and of the globals that it names, which tells
    whether a declaration is still the one that was trained; functions of installed packages go by name. A parameter's
    is of what it is beside numbers: a network's activation, a constraint. Bytecode belongs to a version of Python, so
    that version is said too.

    Returns:
        `python`, the version that the hashes are of; and `names`: by name its `role` ("random variable",
        "deterministic value", "parameter", "fixed", "random parameter" or "input"), its `shape` for one datum or the
        `shapes` of its arrays by path, and its factors in `p` and `q` with `parents`, `distribution` and `code`.
    """
    graph = vae.graph
    names: dict[str, dict[str, Any]] = {}
    for name, factor in graph.p.items():
        names[name] = {"role": "random variable", "shape": list(graph.shape(name))}
        names[name]["p"] = _factor(factor, graph.abstract_p[name])
        if name in graph.q:
            names[name]["q"] = _factor(graph.q[name], graph.abstract_q[name])
    for name, factor in graph.values.items():
        side = "p" if name in graph.declared_by_p else "q"
        names[name] = {"role": "deterministic value", side: _factor(factor)}
    for name, parameter in graph.parameters.items():
        role = "random parameter" if parameter.is_random else "fixed" if parameter.fixed else "parameter"
        of = "p" if name in graph.declared_by_p else "q"
        value = {**vae.free, **vae.fixed}[name]
        abstract = eqx.filter_eval_shape(lambda value=value: value)
        names[name] = {
            "role": role,
            "of": of,
            "shapes": {path: list(leaf.shape) for path, leaf in leaves(name, value)},
            # What is no array (an activation), and the constraint, by which the trained numbers are read.
            "code": _hash((abstract, parameter.support)),
        }
        if parameter.prior is not None:
            names[name]["p"] = _factor(parameter.prior, graph.abstract_priors.get(name))
        if name in graph.posteriors:
            names[name]["q"] = _factor(graph.posteriors[name], graph.abstract_posteriors.get(name))
    for name, declared in graph.inputs.items():
        names[name] = {"role": "input", "shape": list(declared.shape), "dtype": declared.dtype.name}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "names": names}


def leaves(name: str, value: Any) -> list[tuple[str, Any]]:
    """List the arrays of a parameter's value with their paths: `theta.layers.0.weight`."""
    found = jax.tree_util.tree_leaves_with_path({name: value})
    return [
        (jax.tree_util.keystr(path, simple=True, separator="."), leaf) for path, leaf in found if eqx.is_array(leaf)
    ]


def _factor(factor: Factor, distribution: Any = None) -> dict[str, Any]:
    said: dict[str, Any] = {"parents": [parent.name for parent in factor.parents]}
    if distribution is not None:
        said["distribution"] = family(distribution)
    # The function of a root returns a constant: what it is of counts.
    said["code"] = _hash(factor({}) if factor.is_root else factor.function)
    return said


def _hash(value: Any) -> str:
    digest = hashlib.sha256()
    _feed(digest, value, frozenset())
    return digest.hexdigest()


def _feed(digest: Any, value: Any, above: frozenset[int]) -> None:
    """Add what a value is to a hash: functions by their code and what they reach, arrays by their bytes.

    `above` holds the functions that this is reached from, for functions that call themselves.
    """
    if id(value) in above:
        return
    if isinstance(value, np.ndarray | jax.Array):
        digest.update(f"{value.dtype} {value.shape}".encode() + np.asarray(value).tobytes())
    elif isinstance(value, jax.ShapeDtypeStruct):
        digest.update(f"{value.dtype} {value.shape}".encode())
    elif value is None or isinstance(value, bool | int | float | complex | str | bytes):
        digest.update(f"{type(value).__name__} {value!r}".encode())
    elif isinstance(value, Distribution | constraints.Constraint):
        digest.update(type(value).__name__.encode())
        # By name: the order of a distribution's leaves is not stable. What begins with _ is a cache, or a shape.
        for name, field in sorted(vars(value).items()):
            if not name.startswith("_"):
                digest.update(name.encode())
                _feed(digest, field, above | {id(value)})
    elif isinstance(value, Mapping):
        for name, item in sorted(value.items(), key=lambda pair: repr(pair[0])):
            _feed(digest, (name, item), above)
    elif isinstance(value, tuple | list):
        for item in value:
            _feed(digest, item, above)
    elif isinstance(value, set | frozenset):
        for item in sorted(value, key=repr):
            _feed(digest, item, above)
    elif isinstance(value, functools.partial):
        _feed(digest, (value.func, value.args, value.keywords), above)
    elif callable(value) and inspect.isfunction(inspect.unwrap(value)):  # jax.jit and its kind wrap one
        _feed_function(digest, inspect.unwrap(value), above | {id(value)})
    elif isinstance(value, eqx.Module) or (is_dataclass(value) and not isinstance(value, type)):
        digest.update(type(value).__name__.encode())
        for field in fields(value):
            _feed(digest, getattr(value, field.name), above)
    else:
        digest.update(getattr(value, "__name__", type(value).__qualname__).encode())


def _feed_function(digest: Any, function: FunctionType, above: frozenset[int]) -> None:
    """Add a function of the user's: its code, what it captures, and the globals that it names. Others go by name."""
    file = function.__code__.co_filename
    if any(file.startswith(folder) for folder in _INSTALLED):
        digest.update(f"{function.__module__}.{function.__qualname__}".encode())
        return
    _feed_code(digest, function.__code__, function.__doc__)
    captured = [_content(cell) for cell in function.__closure__ or ()]
    _feed(digest, (function.__defaults__, function.__kwdefaults__, captured), above)
    for name in _names(function.__code__):
        if name in function.__globals__ and not isinstance(function.__globals__[name], ModuleType | type):
            digest.update(name.encode())
            _feed(digest, function.__globals__[name], above)


def _feed_code(digest: Any, code: CodeType, doc: str | None = None) -> None:
    digest.update(code.co_code)
    for part in (code.co_names, code.co_varnames, code.co_freevars):
        digest.update(repr(part).encode())
    for index, constant in enumerate(code.co_consts):
        if isinstance(constant, CodeType):
            _feed_code(digest, constant)
        elif not (index == 0 and constant in (None, doc)):  # a docstring, or its empty place, changes nothing
            _feed(digest, constant, frozenset())


def _names(code: CodeType) -> list[str]:
    """List the names that code looks up, the code within it included."""
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return sorted({*code.co_names, *inner})


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return None
