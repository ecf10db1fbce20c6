"""A recipe: how raw rows became data of a model, apart from the rows, in plain words that a file can keep."""

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lowerbound.data._steps import (
    AbstractStep,
    Dequantization,
    Scaling,
    Standardization,
    StochasticBinarization,
    Threshold,
)
from lowerbound.data._transform import Transform

Steps = dict[str, tuple[AbstractStep, ...]]


class Call(NamedTuple):
    """One step as it was declared: in words, and as a method of `Data` with its arguments, for other rows."""

    words: str
    method: str
    positional: tuple[Any, ...]
    keywords: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays that it is about."""
        match self.method:
            case "missing":
                return tuple(self.positional[2])
            case "binarize" | "scale":
                return self.positional[1:]
            case _:
                return self.positional

    def only(self, kept: Container[str]) -> "Call":
        """Say the same of some of the arrays; a call is about one, but for those that only list names."""
        if self.method != "allow_outliers":
            return self
        names = tuple(name for name in self.positional if name in kept)
        return self._replace(words=f"allow outliers {', '.join(names)}", positional=names)


#: The methods that a recipe may call, with the kinds of their positional arguments (the last for all further ones) and
#: keywords. What is read from a file is held against it.
_METHODS: dict[str, tuple[tuple[type, ...], frozenset[str]]] = {
    "binarize": ((str,), frozenset({"levels", "key"})),
    "dequantize": ((str,), frozenset({"levels"})),
    "standardize": ((str,), frozenset({"together"})),
    "scale": ((float, str), frozenset()),
    "missing": ((float, str, tuple), frozenset()),
    "allow_outliers": ((str,), frozenset()),
}


@dataclass(frozen=True)
class Recipe:
    """The steps from raw rows to data, with the statistics of the training rows.

    `Data.recipe` gives it, `Data.following` takes other rows through it.

    Attributes:
        arrays: By name of a raw array, the name of its dtype and the shape of one row.
        calls: The steps in the order in which they were declared.
        steps: The steps by array, fitted.
    """

    arrays: dict[str, tuple[str, tuple[int, ...]]]
    calls: tuple[Call, ...]
    steps: Steps

    def without(self, name: str) -> "Recipe":
        """Leave out an array that has no steps."""
        return Recipe({other: array for other, array in self.arrays.items() if other != name}, self.calls, self.steps)

    def fitted(self, steps: Steps) -> Steps:
        """Return the same steps, declared anew of other rows, with the statistics that are kept here."""
        kept = {name: iter(self._standardizations(name)) for name in self.steps}
        return {
            name: tuple(next(kept[name]) if isinstance(step, Standardization) else step for step in declared)
            for name, declared in steps.items()
        }

    def _standardizations(self, name: str) -> list[Standardization]:
        return [step for step in self.steps.get(name, ()) if isinstance(step, Standardization)]

    def to_json(self) -> dict[str, Any]:
        """Say it in dictionaries, lists, strings and numbers; `from_json` gives the same bits back."""
        return {
            "arrays": {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in self.arrays.items()},
            "calls": [
                {
                    "words": call.words,
                    "method": call.method,
                    "positional": [_plain(value) for value in call.positional],
                    "keywords": {name: _plain(value) for name, value in call.keywords.items()},
                }
                for call in self.calls
            ],
            "statistics": {
                name: [{"mean": np.asarray(s.mean).tolist(), "rate": np.asarray(s.rate).tolist()} for s in found]
                for name in self.steps
                if (found := self._standardizations(name))
            },
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Recipe":
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            arrays = {
                str(name): (np.dtype(array["dtype"]).name, tuple(int(n) for n in array["shape"]))
                for name, array in said["arrays"].items()
            }
            calls = tuple(_call(call) for call in said["calls"])
            statistics = {
                str(name): [(jnp.asarray(s["mean"], float), jnp.asarray(s["rate"], float)) for s in found]
                for name, found in said["statistics"].items()
            }
        except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ValueError(f"This is no recipe of data: {error!r}.") from error
        declared = [name for call in calls if call.method == "standardize" for name in call.names]
        if sorted(declared) != sorted(name for name, found in statistics.items() for _ in found):
            raise ValueError("This is no recipe of data: its statistics are not those of what it standardizes.")
        for name, found in statistics.items():
            for mean, rate in found:
                shapes = {mean.shape, rate.shape}
                if shapes != {arrays.get(name, ("", (-1,)))[1]} or not np.isfinite(np.stack([mean, rate])).all():
                    raise ValueError(f"This is no recipe of data: the statistics of `{name}` do not fit its rows.")
        return cls(arrays, calls, _steps(calls, statistics))

    def restore(self, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Map values as the model has them back to the units of the raw rows; see `Data.restore`."""
        if not isinstance(values, Mapping):
            raise TypeError(
                f"`restore` takes arrays by name, but got a {type(values).__name__}. Write `restore({{...}})`."
            )
        transform = Transform(self.steps, ())
        return {
            name: np.asarray(jax.vmap(partial(transform.inverse, name))(jnp.asarray(value)))
            for name, value in values.items()
        }


def _steps(calls: tuple[Call, ...], statistics: Mapping[str, list[tuple[Array, Array]]]) -> Steps:
    """Make the steps that `Data` makes of these calls."""
    fitted = {name: iter(found) for name, found in statistics.items()}
    steps: Steps = {}
    for call in calls:
        for name in call.names:
            match call.method:
                case "binarize":
                    top = (call.keywords.get("levels") or 2) - 1
                    how = call.positional[0]
                    step = (
                        StochasticBinarization(top) if how == "stochastic" else Threshold(1 if how == "fixed" else top)
                    )
                case "dequantize":
                    step = Dequantization(call.keywords.get("levels", 256))
                case "scale":
                    step = Scaling(call.positional[0])
                case "standardize":
                    step = Standardization(*next(fitted[name]), bool(call.keywords.get("together")))
                case _:
                    continue
            steps[name] = (*steps.get(name, ()), step)
    return steps


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no nan and no inf
    if isinstance(value, jax.Array):
        return np.asarray(jax.random.key_data(value)).tolist()
    return list(value) if isinstance(value, tuple) else value


def _call(said: Mapping[str, Any]) -> Call:
    method = str(said["method"])
    if method not in _METHODS:
        raise ValueError(f"This is no recipe of data: there is no step `{method}`.")
    kinds, keywords = _METHODS[method]
    positional: list[Any] = []
    for index, value in enumerate(said["positional"]):
        kind = kinds[min(index, len(kinds) - 1)]
        read = float(value) if kind is float else tuple(map(str, value)) if kind is tuple else value
        if not isinstance(read, kind):
            raise ValueError(f"This is no recipe of data: `{method}` is given {value!r}.")
        positional.append(read)
    named = dict(said["keywords"])
    if not keywords.issuperset(named) or len(positional) < len(kinds):
        raise ValueError(f"This is no recipe of data: `{method}` is given other arguments.")
    if "together" in named:
        named["together"] = bool(named["together"])
    if named.get("levels") is not None:
        named["levels"] = int(named["levels"])
    if named.get("key") is not None:
        named["key"] = jax.random.wrap_key_data(jnp.asarray(named["key"], jnp.uint32))
    return Call(str(said["words"]), method, tuple(positional), named)
