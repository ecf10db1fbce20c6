"""How the rows of a run are read, prepared and parted: the same again whenever it is asked."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lowerbound._key import host_generator, named_key
from lowerbound._suggest import suggest
from lowerbound.data import Data, Parts, Recipe
from lowerbound.model import VAE
from lowerbound.report import labels_of, needs_labels, without_labels
from lowerbound.runs._keys import Keys
from lowerbound.runs._source import Source

#: A part of the rows: a fraction, a number of them, or rows from elsewhere.
Part = float | int | Source


@dataclass(frozen=True)
class Preparation:
    """Where a run's rows come from, which are held out, and the steps before the model.

    Attributes:
        source: The rows.
        valid: The validation rows.
        test: The test rows.
        seed: Decides the parts and what `binarize` fixes.
        missing: What stands for a missing entry (nan does for a gap), or None.
        binarize: "stochastic", "fixed" or "threshold", or None.
        dequantize: The number of levels to spread integers over, or None.
        allow_outliers: Whether values that lie far out are accepted.
        standardize: Whether columns are standardized by the training rows.
    """

    source: Source
    valid: Part
    test: Part
    seed: int
    missing: float | None = None
    binarize: str | None = None
    dequantize: int | None = None
    allow_outliers: bool = False
    standardize: bool = False

    def read(self) -> Data:
        """Read all rows of the source and declare the steps, standardization excepted."""
        data = self.source.read()
        names = [name for name in data.names if name != "y"]
        if self.missing is not None:
            self._check_marker(data, names)
            data = data.missing(self.missing, names=names)
        if self.allow_outliers:
            data = data.allow_outliers(*names)
        for name in names:
            if self.binarize is not None:
                key = named_key(Keys.of(self.seed).split, "binarize") if self.binarize == "fixed" else None
                data = data.binarize(self.binarize, name, key=key)
            if self.dequantize is not None:
                data = data.dequantize(name, levels=self.dequantize)
        return data

    def _check_marker(self, data: Data, names: Iterable[str]) -> None:
        """Refuse a number that marks nothing: most likely another one does. Gaps may come with later rows."""
        assert self.missing is not None, "asked where something is missing"
        if not math.isnan(self.missing) and not any((data[name] == self.missing).any() for name in names):
            raise ValueError(
                f"`--missing` is {self.missing:g}, but no entry is that. Give the number that stands for a gap, or nan "
                "where gaps are empty."
            )

    def split(self, data: Data) -> Parts:
        """Part the rows that `read` gave, and bring in those from elsewhere."""
        if self.standardize:
            for name in without_labels(data):  # the entries of a picture have one unit, those of a table each its own
                data = data.standardize(name, together=data[name].ndim > 2)
        if len(data) < 1 + sum(not isinstance(part, Source) for part in self._held_out.values()):
            counted = "1 row" if len(data) == 1 else f"{len(data)} rows"
            raise ValueError(
                f"`{self.source.path}` has {counted}, but some are needed to train on, some to choose the best state "
                "by, and some to test on."
            )
        fractions = {name: 0 if isinstance(part, Source) else part for name, part in self._held_out.items()}
        key = Keys.of(self.seed).split
        parts = data.split(key=key, valid=fractions["valid"], test=fractions["test"])
        elsewhere = {
            name: follow(parts.train.recipe, part.read(), data.columns("x"), data.classes, part.path).named(
                Path(part.path).name, split=name
            )
            for name, part in self._held_out.items()
            if isinstance(part, Source)
        }
        return Parts(**(parts._asdict() | elsewhere))

    @property
    def _held_out(self) -> dict[str, Part]:
        return {"valid": self.valid, "test": self.test}

    def absolute(self) -> "Preparation":
        """Say the same with paths that hold wherever a command is run from."""
        valid, test = (part.absolute() if isinstance(part, Source) else part for part in (self.valid, self.test))
        return replace(self, source=self.source.absolute(), valid=valid, test=test)

    def to_json(self) -> dict[str, Any]:
        """Say it in dictionaries, lists, strings and numbers."""
        missing = self.missing if self.missing is None or math.isfinite(self.missing) else str(self.missing)
        parts = {name: part.to_json() if isinstance(part, Source) else part for name, part in self._held_out.items()}
        return {
            "source": self.source.to_json(),
            **parts,
            "seed": self.seed,
            "missing": missing,
            "binarize": self.binarize,
            "dequantize": self.dequantize,
            "allow_outliers": self.allow_outliers,
            "standardize": self.standardize,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Preparation":
        """Read what `to_json` wrote."""
        valid, test = (
            Source.from_json(part) if isinstance(part, Mapping) else part for part in (said["valid"], said["test"])
        )
        return cls(
            source=Source.from_json(said["source"]),
            valid=valid,
            test=test,
            seed=int(said["seed"]),
            missing=None if said["missing"] is None else float(said["missing"]),
            binarize=None if said["binarize"] is None else str(said["binarize"]),
            dequantize=None if said["dequantize"] is None else int(said["dequantize"]),
            allow_outliers=bool(said["allow_outliers"]),
            standardize=bool(said["standardize"]),
        )


def follow(recipe: Recipe, raw: Data, columns: tuple[str, ...], classes: tuple[str, ...], path: str) -> Data:
    """Take rows from elsewhere through the steps of the training rows, without labels where one of them has none.

    Columns go by their names, whatever their order; labels that are words are numbered as the training rows number
    them, for another file may hold other words. Whole numbers of a CSV are reals where the training rows had gaps.

    Raises:
        ValueError: The rows do not go with the training rows.
    """
    arrays = {name: raw[name] for name in raw.names}
    if columns and raw.columns("x"):
        arrays["x"] = _in_order(raw, columns, path)
        if np.dtype(recipe.arrays["x"][0]).kind == "f":
            arrays["x"] = arrays["x"].astype(np.float64)
    if "y" in arrays and "y" not in recipe.arrays:
        del arrays["y"]
    if "y" in recipe.arrays and "y" not in arrays:
        recipe = recipe.without("y")
    if "y" in arrays:
        arrays["y"] = _codes(arrays["y"], raw.classes, classes, path)
    try:
        return Data.following(recipe, arrays)
    except ValueError as error:
        raise ValueError(f"`{path}` does not go with the training rows: {error}") from error


def _in_order(raw: Data, columns: tuple[str, ...], path: str) -> np.ndarray:
    """Put the columns in the order of the training rows."""
    found = raw.columns("x")
    for name in columns:
        if name not in found:
            raise ValueError(
                f"`{path}` has no column `{name}`, which the training rows have.{suggest(name, list(found))}"
            )
    for name in found:
        if name not in columns:
            raise ValueError(f"`{path}` has the column `{name}`, which the training rows have not.")
    return raw["x"] if found == columns else raw["x"][:, [found.index(name) for name in columns]]


def _codes(labels: np.ndarray, words: tuple[str, ...], classes: tuple[str, ...], path: str) -> np.ndarray:
    """Number labels as the training rows do; -1 stays -1."""
    if bool(words) != bool(classes):
        raise ValueError(f"The labels of `{path}` are {_kind(words)}, but those of the training rows {_kind(classes)}.")
    for word in words:
        if word not in classes:
            raise ValueError(
                f"`{path}` has the label `{word}`, which no training row has.{suggest(word, list(classes))}"
            )
    codes = np.array([*(classes.index(word) for word in words), -1], np.int64)
    return codes[labels] if words else labels


def _kind(words: tuple[str, ...]) -> str:
    return "words" if words else "numbers"


def training_sets(vae: VAE, data: Data, num_labeled: int | None = None, *, key: Any) -> list[Data]:
    """Part rows by what is observed: with their label, and without it.

    Args:
        vae: The model. Labels that it does not name are left out.
        data: Rows, with labels `y` perhaps, -1 where there is none.
        num_labeled: How many labels to use, as evenly over the classes as there are; all if None.
        key: Chooses them.

    Raises:
        ValueError: A label is needed in every row and one has none; or fewer rows have one than are asked for.
    """
    names = without_labels(data)
    labels = labels_of(data)
    if labels is None or "y" not in vae.graph.names:
        if num_labeled is not None:
            raise ValueError(
                "`--labeled` counts labels, but "
                + ("these rows have none. Name them: `--labels`." if labels is None else "the model names no `y`.")
            )
        return [data.only(*names) if "y" in data and "y" not in vae.graph.names else data]
    known = np.flatnonzero(labels >= 0)
    if num_labeled is not None:
        known = np.sort(_evenly(labels, known, num_labeled, key))
    rest = np.setdiff1d(np.arange(len(data)), known)
    if len(rest) and needs_labels(vae, data):
        raise ValueError(
            f"Row {data.row_ids[rest[0]]} has no label, but the model can do nothing without `y`. Leave such rows out, "
            "or give q a factor for `y`."
        )
    sets = [data[known]] if len(known) else []
    return [*sets, data.only(*names)[rest]] if len(rest) else sets


def _evenly(labels: np.ndarray, known: np.ndarray, number: int, key: Any) -> np.ndarray:
    """Choose rows class by class in turns, at random within a class."""
    if not 1 <= number <= len(known):
        raise ValueError(f"`--labeled` is {number}, but {len(known)} of the training rows have a label.")
    shuffled = host_generator(key).permutation(known)
    turn = np.zeros(len(shuffled), np.int64)
    for label in np.unique(labels[shuffled]):
        of_class = labels[shuffled] == label
        turn[of_class] = np.arange(of_class.sum())
    return shuffled[np.argsort(turn, kind="stable")][:number]
