"""A model in plain words that a file can keep: its names, their roles, parents and shapes, a hash of each factor."""

import hashlib
import sys
from types import CodeType
from typing import Any

import equinox as eqx
import jax
import numpy as np

from lowerbound.model._factor import Factor
from lowerbound.model._vae import VAE


def describe(vae: VAE) -> dict[str, Any]:
    """Describe a model in dictionaries, lists, strings and numbers, to be kept beside its weights.

    A factor's `code` is a SHA-256 of its bytecode, constants and what it captures, which tells whether a declaration
    is still the one that was trained. Bytecode belongs to a version of Python, so that version is said too.

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
        names[name] = {"role": role, "of": of, "shapes": {path: list(leaf.shape) for path, leaf in leaves(name, value)}}
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
        said["distribution"] = type(distribution).__name__
    digest = hashlib.sha256()
    if factor.is_root:  # its function returns a constant: what it is of counts
        root = factor({})
        _feed(digest, type(root).__name__)
        for leaf in sorted((np.asarray(leaf) for leaf in jax.tree.leaves(root)), key=lambda leaf: leaf.tobytes()):
            _feed(digest, leaf)
    else:
        _feed(digest, factor.function)
    said["code"] = digest.hexdigest()
    return said


def _feed(digest: Any, value: Any, depth: int = 0) -> None:
    """Add what a value is to a hash: code by its instructions, arrays by their bytes, all else by its kind."""
    if isinstance(value, CodeType):
        digest.update(value.co_code)
        for part in (value.co_names, value.co_varnames, value.co_freevars):
            digest.update(repr(part).encode())
        for constant in value.co_consts:
            _feed(digest, constant, depth)
    elif isinstance(value, np.ndarray | jax.Array):
        digest.update(f"{value.dtype} {value.shape}".encode() + np.asarray(value).tobytes())
    elif value is None or isinstance(value, bool | int | float | complex | str | bytes):
        digest.update(f"{type(value).__name__} {value!r}".encode())
    elif isinstance(value, tuple | list | frozenset):
        members = sorted(value, key=repr) if isinstance(value, frozenset) else value
        for member in members:
            _feed(digest, member, depth)
    elif callable(value) and hasattr(value, "__code__") and depth < 4:
        _feed(digest, value.__code__, depth + 1)
        _feed(digest, value.__defaults__ or (), depth + 1)
        for cell in value.__closure__ or ():
            _feed(digest, _content(cell), depth + 1)
    elif callable(value) and hasattr(value, "func") and hasattr(value, "keywords"):  # functools.partial
        _feed(digest, (value.func, *value.args, *sorted(value.keywords.items())), depth + 1)
    elif callable(value) and hasattr(value, "__wrapped__") and depth < 4:  # jax.jit and its kind
        _feed(digest, value.__wrapped__, depth + 1)
    else:
        digest.update(f"{type(value).__module__}.{type(value).__qualname__}".encode())


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return None
