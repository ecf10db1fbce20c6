"""Data: named arrays in memory, and what happens to them before the model."""

import hashlib
import html
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar, overload
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int64, Integer, PRNGKeyArray, Shaped

from lowerbound._key import as_key, host_generator
from lowerbound._suggest import suggest
from lowerbound.data._checks import as_rows, check_values, shaped
from lowerbound.data._moments import column_moments
from lowerbound.data._read import read_table
from lowerbound.data._recipe import Call, Recipe
from lowerbound.data._steps import (
    AbstractBinarization,
    AbstractStep,
    Dequantization,
    Scaling,
    Standardization,
    StochasticBinarization,
    Threshold,
)
from lowerbound.data._transform import Mask, Transform, prepare

Rows = Shaped[np.ndarray, "rows ..."]

#: Rows that are drawn at once where the draws are stored.
BLOCK_ROWS = 4096
#: What others call the binarizations.
_ELSEWHERE = {"dynamic": "stochastic", "static": "fixed"}

Valid = TypeVar("Valid", bound="Data | None")
Test = TypeVar("Test", bound="Data | None")


class Data:
    r"""Named arrays with a common leading axis of rows, and the steps from raw rows to the data of a model.

    What the data names is observed. The arrays stay on the host as NumPy arrays of their own type: uint8 stays
    uint8 and float64 stays float64. On the device JAX's own setting decides, so float64 and int64 arrive there
    as 32 bits unless `jax_enable_x64` is set; values that would not survive it are refused.

    A `Data` never changes: each method returns a new one. Steps are declared in order, and carried out by
    `transform` one row at a time on the device, except for `missing` and `binarize("fixed")`, which change
    the stored rows. With a change of units comes its $\log|\det J|$, so densities can be reported in the
    units of the raw rows.

    Shapes and types are checked here. Values are checked when the rows are first used (`arrays`,
    `transform`, `split`, a step that reads them), so that `missing` can be declared before: entries that are
    not finite and values that would destroy a run in one step are refused by row and column.

    Args:
        arrays: Arrays by name, for names that are no Python identifiers (`{"age (y)": ...}`). Anything that
            `numpy.asarray` takes: JAX arrays, columns of data frames, nested lists. Writeable memory is copied.
        **named: More arrays by name.

    Raises:
        TypeError: `arrays` is no mapping, a name is no string, or an array is masked.
        ValueError: No array; a name given twice; an array that is ragged, empty, complex or holds objects;
            arrays with different numbers of rows.

    Example:
        >>> data = Data(x=np.zeros((10, 784), np.uint8)).binarize("stochastic")
        >>> data
        Data(10 rows: x uint8 (784,); binarize stochastic x)
    """

    _arrays: dict[str, Rows]
    _raw_types: dict[str, np.dtype]  # as they came; without the masks
    _row_ids: Int64[np.ndarray, " rows"]
    _masks: tuple[Mask, ...]
    _steps: dict[str, tuple[AbstractStep, ...]]
    _calls: tuple[Call, ...]
    _outliers: frozenset[str]  # the arrays that may have them
    _passed: frozenset[str]  # the arrays whose values are checked
    _settled: bool  # whether a split has fitted the statistics already
    _columns: dict[str, tuple[str, ...]]  # what the columns of a row are called, where they have names
    _classes: tuple[str, ...]  # what the labels stand for, where they are words
    _name: str
    _split: str

    def __init__(self, arrays: Mapping[str, Any] | None = None, /, **named: Any):
        if arrays is not None and not isinstance(arrays, Mapping):
            raise TypeError(f"`Data` wants arrays by name, but got a {type(arrays).__name__}. Write `Data(x=...)`.")
        arrays = dict(arrays or {})
        for name in arrays:
            if not isinstance(name, str):
                raise TypeError(f"The name of an array is a string, but one is {name!r}.")
            if name in named:
                raise ValueError(f"`{name}` is given twice, in the mapping and by keyword.")
        rows = {name: as_rows(name, values) for name, values in (arrays | named).items()}
        if not rows:
            raise ValueError("`Data` needs at least one array. Write `Data(x=...)`.")
        first, *others = rows
        for other in others:
            if len(rows[other]) != len(rows[first]):
                raise ValueError(
                    f"Every array has one entry a row, but `{first}` has {len(rows[first])} rows and "
                    f"`{other}` has {len(rows[other])}."
                )
        self.__dict__.update(
            _arrays=rows,
            _raw_types={name: array.dtype for name, array in rows.items()},
            _row_ids=_read_only(np.arange(len(rows[first]), dtype=np.int64)),
            _masks=(),
            _steps={},
            _calls=(),
            _outliers=frozenset(),
            _passed=frozenset(),
            _settled=False,
            _columns={},
            _classes=(),
            _name="data",
            _split="all",
        )

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        name: str = "x",
        *,
        array: str | Mapping[str, str] | None = None,
        labels: str | os.PathLike[str] | None = None,
        drop: Sequence[str] = (),
        shape: Sequence[int] | None = None,
    ) -> "Data":
        """Read rows from a file: .npy, .npz, IDX (plain or gzip), or CSV with a header.

        Nothing in a file is ever run. Files of one plain array are mapped into memory and not copied; types stay as
        they are, and a gap in a CSV becomes nan, to be declared by `missing`.

        Args:
            path: The file.
            name: What the rows are called in the model.
            array: Which array of an .npz; or several, by what they are called in the model.
            labels: A column of the CSV, an array of the .npz, or another file with one label a row. They are named
                `y`, as int64 and -1 where a row has none; what is named is observed.
            drop: Columns of the CSV to leave out.
            shape: The shape of one row, `(28, 28)` say, where the file holds it flat.

        Raises:
            ValueError: There is no such file; it is cut short, says of itself what is not so, or holds something else
                than numbers; it has several arrays and none is named.

        Example:
            >>> Data.read("train-images-idx3-ubyte.gz", labels="train-labels-idx1-ubyte.gz").only("x")
        """
        sources = dict(array) if isinstance(array, Mapping) else {name: array}
        tables = {
            called: read_table(path, array=source, labels=None if index else labels, drop=drop)
            for index, (called, source) in enumerate(sources.items())
        }
        table = next(iter(tables.values()))
        arrays = {
            called: found.rows if shape is None else shaped(called, found.rows, tuple(shape))
            for called, found in tables.items()
        }
        arrays |= {} if table.labels is None else {"y": table.labels}
        columns = {next(iter(sources)): table.columns} if table.columns else {}
        return cls(arrays)._with(_columns=columns, _classes=table.classes, _name=Path(path).name)

    def _with(self, **changes: Any) -> "Data":
        """Return a `Data` with other fields, and nothing that was cached of the old ones."""
        new = object.__new__(Data)
        new.__dict__.update({name: self.__dict__[name] for name in Data.__annotations__} | changes)
        return new

    def __setattr__(self, name: str, value: Any):
        raise AttributeError("`Data` does not change. Its methods return a new one.")

    # What it holds.

    def __len__(self) -> int:
        return len(self._row_ids)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    @overload
    def __getitem__(self, index: str) -> Rows: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | Shaped[Array, " index"] | np.ndarray) -> "Data": ...
    def __getitem__(self, index: Any) -> "Rows | Data":
        """Return an array by name, unchecked as it is stored; or `Data` of some rows, by slice or index array.

        Rows keep their identity and the statistics of the data that they are taken from: the same row is the
        same datum, whatever its neighbours. (A later `split` still fits the statistics anew.)

        Raises:
            KeyError: There is no array of that name.
            TypeError: `index` is one integer.
            ValueError: No row is left.
        """
        if isinstance(index, str):
            if index not in self._arrays:
                raise KeyError(_unknown(index, self.names))
            return self._arrays[index]
        if not isinstance(index, slice):
            index = np.asarray(index)
            if index.ndim == 0:
                raise TypeError(f"`data[{index}]` is no row of its own; write `data[{index}:{index + 1}]` for `Data`.")
        return self._rows(index, self._fitted if self._is_open else self._steps)

    def _rows(self, index: Any, steps: dict[str, tuple[AbstractStep, ...]], **changes: Any) -> "Data":
        row_ids = self._row_ids[index]
        if not len(row_ids):
            raise ValueError(f"No row is left of {len(self)}.")
        arrays = {name: _read_only(rows[index]) for name, rows in self._arrays.items()}
        return self._with(_arrays=arrays, _row_ids=_read_only(row_ids), _steps=steps, **changes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all arrays, masks included: what is observed."""
        return tuple(self._arrays)

    def columns(self, name: str) -> tuple[str, ...]:
        """What the columns of an array's rows are called in their file; () where they have no names."""
        return self._columns.get(name, ())

    @property
    def classes(self) -> tuple[str, ...]:
        """The words that the labels `y` of a file stand for, by code; () where they are numbers."""
        return self._classes

    @property
    def row_ids(self) -> Int64[np.ndarray, " rows"]:
        """Which row each was in the data that it was first part of: randomness per row goes by this number."""
        return self._row_ids

    @property
    def arrays(self) -> dict[str, Rows]:
        """The raw rows by name, read-only: what goes to the device, where `transform` makes data of them."""
        return {name: self._values(name) for name in self._arrays}

    @cached_property
    def transform(self) -> Transform:
        """The steps for one raw row, on the device; see `Transform`. Statistics are fitted by now."""
        return Transform(self._fitted, self._masks)

    def prepared(self, key: PRNGKeyArray) -> dict[str, Shaped[Array, "rows ..."]]:
        """Return all rows as the model sees them at step 0 of `key`, on the device."""
        return prepare(self.transform, self.arrays, self._row_ids, as_key(key))

    # Steps.

    def binarize(self, how: str, *names: str, levels: int | None = None, key: PRNGKeyArray | None = None) -> "Data":
        """Make grey levels binary.

        The grey level is value / top. For floats top is 1; for integers it is the largest value here, and 255
        for uint8 that reaches 128; `levels` declares it: top = levels - 1. Nothing may follow on that array.

        Args:
            how: "stochastic" draws 1 with probability grey level, anew for each step and row of a run;
                "fixed" draws so once, with `key`, and stores the bits; "threshold" gives 1 from a half on.
                These are different data: on MNIST the bound moves by 20 nats.
            *names: The arrays; may be left out where there is but one.
            levels: The number of grey levels, 256 for bytes.
            key: For "fixed", and only then.

        Raises:
            ValueError: An unknown word or name; values outside of 0 to top; a key too many or too few.
        """
        known = ("stochastic", "fixed", "threshold")
        if how not in known:
            raise ValueError(
                f'`how` is "{how}", but data are binarized by "stochastic", "fixed" or "threshold".'
                + suggest(_ELSEWHERE.get(how, how), known)
            )
        if how == "fixed" and key is None:
            raise ValueError('"fixed" draws once and for all, so it needs a key: `.binarize("fixed", key=key)`.')
        key = None if key is None else as_key(key)
        if how != "fixed" and key is not None:
            raise ValueError(f'"{how}" takes no key: only "fixed" draws here.')
        data = self
        for name in self._chosen("binarize", names, first=True):
            top = self._top("binarize", name, levels)
            step = Threshold(top) if how == "threshold" else StochasticBinarization(top)
            if key is not None:
                data = data._stored({name: self._drawn(name, step, key)})
                step = Threshold(1)
            # Other rows are scaled as these are, whatever their own largest value.
            same = levels if _is_float(self._raw_types[name]) else int(top) + 1
            words = f"binarize {how} {name}" + ("" if top == 1 else f", {top} is 1")
            data = data._stepped(Call(words, "binarize", (how, name), {"levels": same, "key": key}), name, step)
        return data

    def dequantize(self, *names: str, levels: int = 256) -> "Data":
        r"""Spread integers evenly over their cells, (x + u) / levels with u ~ U[0, 1), anew for each step and row.

        $\log|\det J|$ = -D log(levels). Reported densities are of x + u, in the units of x, and their average over u
        bounds the log mass of the integers from below: $\mathbb{E}_u[\log p(x + u)] \le \log P(x)$.

        Args:
            *names: The arrays; may be left out where there is but one.
            levels: Values are 0 to levels - 1.

        Raises:
            ValueError: Values that are no integers or outside of 0 to levels - 1; an unknown name.

        References:
            Theis, van den Oord and Bethge (2016), *A note on the evaluation of generative models*, Section 3.1,
            https://arxiv.org/abs/1511.01844.
        """
        data = self
        for name in self._chosen("dequantize", names, first=True):
            self._top("dequantize", name, levels)
            if _is_float(self._raw_types[name]) and (np.mod(self._arrays[name], 1) != 0).any():
                raise ValueError(f"`dequantize` spreads integers, but `{name}` has values between them.")
            call = Call(f"dequantize {name}, {levels} levels", "dequantize", (name,), {"levels": levels})
            data = data._stepped(call, name, Dequantization(levels))
        return data

    def standardize(self, *names: str, together: bool = False) -> "Data":
        r"""Subtract the mean and divide by the standard deviation, column by column or for all entries together.

        The statistics are of the training rows: `split` fits them on the training part. Without a split they
        are of the rows here, at first use. They count observed entries only; a constant column keeps its scale.
        $\log|\det J|$ = -Σ log sd, over the observed entries of a row.

        Args:
            *names: The arrays; may be left out where there is but one.
            together: Whether one mean and one deviation serve all entries of an array: for pictures, whose entries
                have one unit, and where one pixel may hardly vary.

        Raises:
            ValueError: An unknown name; an array that is binarized; a validation or test part, whose rows must
                not make statistics.
        """
        if self._split in ("valid", "test"):
            raise ValueError(
                f"`standardize` would take its statistics from the {self._split} rows. Declare it before `split`, or "
                "bring these rows in with `train.like(...)`."
            )
        data = self
        for name in self._chosen("standardize", names):
            words = f"standardize {name}" + (", all entries together" if together else "")
            call = Call(words, "standardize", (name,), {"together": together})
            data = data._stepped(call, name, Standardization(together=together))
        return data

    def scale(self, factor: float | int, *names: str) -> "Data":
        r"""Multiply by a number; $\log|\det J|$ = D log|factor|.

        Args:
            factor: Finite and not 0.
            *names: The arrays; may be left out where there is but one.

        Raises:
            ValueError: `factor` is 0 or not finite; an unknown name; an array that is binarized.
        """
        if factor == 0 or not np.isfinite(factor):
            raise ValueError(f"`factor` is {factor}, but a scale is finite and not 0.")
        data = self
        for name in self._chosen("scale", names):
            call = Call(f"scale {name} by {factor:g}", "scale", (float(factor), name), {})
            data = data._stepped(call, name, Scaling(float(factor)))
        return data

    def missing(self, marker: Any = float("nan"), mask: str = "m", names: str | Sequence[str] | None = None) -> "Data":
        """Set missing entries to 0 and add a boolean array that is True where an entry is observed.

        Such entries stay 0 through all steps, and no statistic or log-determinant counts them.

        Args:
            marker: What stands for a missing entry; nan by default.
            mask: The name of the new array. For one array it has that array's shape; for several it is one
                vector a row, their flattened masks in order.
            names: The arrays; may be left out where there is but one, or one of floats for nan.

        Raises:
            TypeError: `marker` is no number.
            ValueError: `mask` is taken; an unknown name; an array that has a mask or a step already.
        """
        if not isinstance(marker, float | int | np.number):
            raise TypeError(f"`marker` is {marker!r}; a number was needed. For an array: `.missing(names={marker!r})`.")
        floats = [name for name, dtype in self._raw_types.items() if _is_float(dtype)]
        if names is None and marker != marker and len(floats) == 1:
            names = floats  # whole numbers have no nan
        chosen = self._chosen("missing", (names,) if isinstance(names, str) else tuple(names or ()), first=True)
        if mask in self._arrays:
            raise ValueError(f"`{mask}` is an array already. Choose another name for the mask: `mask=...`.")
        for masked in self._masks:
            if masked.name in chosen:
                raise ValueError(f"`{masked.name}` has the mask `{masked.mask}` already.")
        raw = {name: self._arrays[name] for name in chosen}
        observed = {name: ~np.isnan(rows) if marker != marker else rows != marker for name, rows in raw.items()}
        flat = [flags.reshape(len(self), -1) for flags in observed.values()]
        starts = np.cumsum([0] + [flags.shape[1] for flags in flat])
        together = observed[chosen[0]] if len(chosen) == 1 else np.concatenate(flat, axis=1)
        filled = {name: np.where(observed[name], rows, np.zeros((), rows.dtype)) for name, rows in raw.items()}
        new = self._stored(filled | {mask: together})
        masks = tuple(Mask(name, mask, int(start)) for name, start in zip(chosen, starts, strict=False))
        words = f"missing {', '.join(chosen)}, {marker:g} is not observed in {mask}"
        call = Call(words, "missing", (float(marker), mask, chosen), {})
        return new._with(_masks=self._masks + masks, _calls=(*self._calls, call))

    def allow_outliers(self, *names: str) -> "Data":
        """Accept finite values however far out they are.

        Args:
            *names: The arrays; may be left out where there is but one.

        Raises:
            ValueError: An unknown name.
        """
        chosen = self._chosen("allow_outliers", names)
        call = Call(f"allow outliers {', '.join(chosen)}", "allow_outliers", chosen, {})
        return self._with(_outliers=self._outliers | set(chosen), _calls=(*self._calls, call))

    # Other rows.

    @overload
    def split(self, *, key: PRNGKeyArray, valid: Literal[0], test: Literal[0]) -> "Splits[None, None]": ...
    @overload
    def split(self, *, key: PRNGKeyArray, valid: Literal[0], test: float = 0.1) -> "Splits[None, Data]": ...
    @overload
    def split(self, *, key: PRNGKeyArray, valid: float = 0.1, test: Literal[0]) -> "Splits[Data, None]": ...
    @overload
    def split(self, *, key: PRNGKeyArray, valid: float = 0.1, test: float = 0.1) -> "Splits[Data, Data]": ...
    def split(self, *, key: PRNGKeyArray, valid: float | int = 0.1, test: float | int = 0.1) -> "Splits[Any, Any]":
        """Part the rows at random into training, validation and test rows, and fit statistics on the first.

        Statistics that an earlier split fitted stay as they are.

        Args:
            key: Decides the permutation; the same key and number of rows give the same parts.
            valid: A fraction below 1 of the rows (rounded), or a number of rows. 0 gives None for that part.
            test: Likewise.

        Returns:
            `Splits(train, valid, test)`.

        Raises:
            ValueError: A part that was asked for would have no row, or nothing would be left for training.
        """
        total = len(self)
        counts = {"valid": _num_rows("valid", valid, total), "test": _num_rows("test", test, total)}
        num_train = total - sum(counts.values())
        if num_train < 1:
            raise ValueError(
                f"{counts['valid']} rows for `valid` and {counts['test']} for `test` leave none of {total} to train on."
            )
        order = host_generator(as_key(key)).permutation(total)
        train, valid_rows, test_rows = np.split(order, [num_train, num_train + counts["valid"]])
        for name in self.names:
            self._values(name)  # all rows are checked, before they part
        steps = self._rows(train, self._steps)._fit(anew=not self._settled)

        def part(split: str, rows: Integer[np.ndarray, " part"]) -> Any:
            return self._rows(rows, steps, _settled=True, _split=split) if len(rows) else None

        return Splits(part("train", train), part("valid", valid_rows), part("test", test_rows))

    def like(self, arrays: Mapping[str, Any] | None = None, /, **named: Any) -> "Data":
        """Take other rows, an official test set say, through the same steps with the statistics fitted here.

        Args:
            arrays: Raw arrays by name: the names, row shapes and kinds of type that this data was made of.
            **named: More arrays by name.

        Raises:
            ValueError: Names, shapes or kinds differ, or a value does not fit a step.
        """
        return self.following(self.recipe, arrays, **named).named(self._name)

    @property
    def recipe(self) -> Recipe:
        """How the rows here became data of a model, apart from the rows: to be kept with a model, and followed."""
        arrays = {name: (dtype.name, self._arrays[name].shape[1:]) for name, dtype in self._raw_types.items()}
        return Recipe(arrays, self._calls, self._fitted)

    @classmethod
    def following(cls, recipe: Recipe, arrays: Mapping[str, Any] | None = None, /, **named: Any) -> "Data":
        """Take raw rows through the steps of a recipe, with the statistics that are kept in it.

        Args:
            recipe: `recipe` of other data, of the training rows usually.
            arrays: Raw arrays by name: the names, row shapes and kinds of type that the recipe was made of.
            **named: More arrays by name.

        Raises:
            ValueError: Names, shapes or kinds differ, or a value does not fit a step.
        """
        data = cls(arrays, **named)
        for name in data.names:
            if name not in recipe.arrays:
                raise ValueError(_unknown(name, recipe.arrays))
        for name, (dtype, shape) in recipe.arrays.items():
            if name not in data:
                raise ValueError(f"`{name}` is not given, but rows like these have {_listed(recipe.arrays)}.")
            if data[name].shape[1:] != shape:
                raise ValueError(
                    f"`{name}` has rows of shape {data[name].shape[1:]}, but rows like these have shape {shape}."
                )
            if _is_float(data[name].dtype) != _is_float(np.dtype(dtype)):
                raise ValueError(
                    f"`{name}` is {data[name].dtype}, but rows like these are {dtype}: the steps would misread it. "
                    "Give both in one type."
                )
        for call in recipe.calls:
            data = getattr(data, call.method)(*call.positional, **call.keywords)
        return data._with(_steps=recipe.fitted(data._steps), _settled=True, _split="other")

    def only(self, *names: str) -> "Data":
        """Keep these arrays, with their masks and steps: what is left out is no longer observed.

        Args:
            *names: The arrays.

        Raises:
            ValueError: No name, or an unknown one.
        """
        if not names:
            raise ValueError(f"`only` needs the names of the arrays to keep, out of {_listed(self.names)}.")
        for name in names:
            if name not in self._arrays:
                raise ValueError(_unknown(name, self.names))
        masks = tuple(mask for mask in self._masks if mask.name in names)
        kept = {*names, *(mask.mask for mask in masks)}
        if shared := [mask.name for mask in self._masks if mask.mask in kept and mask.name not in names]:
            raise ValueError(f"`{shared[0]}` shares its mask with {_listed(names)}. Keep `{shared[0]}` too.")
        return self._with(
            _arrays={name: rows for name, rows in self._arrays.items() if name in kept},
            _raw_types={name: dtype for name, dtype in self._raw_types.items() if name in kept},
            _masks=masks,
            _steps={name: steps for name, steps in self._steps.items() if name in kept},
            _calls=tuple(call.only(kept) for call in self._calls if kept.intersection(call.names)),
        )

    def restore(self, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Map values as the model has them back to the units of the raw rows: samples, or means of x.

        Binarized arrays stay bits, for what the steps lost does not come back; a dequantized value becomes the
        centre of its cell.

        Args:
            values: Arrays by name, each with a leading axis of rows; names without steps pass through.
        """
        return self.recipe.restore(values)

    def named(self, name: str, *, split: str | None = None) -> "Data":
        """Set the name, and the split if given, that reports and descriptions say."""
        return self._with(_name=name, _split=self._split if split is None else split)

    # What reports say.

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256, in hex, of the stored rows: names, types, shapes and bytes, whatever the order of names."""
        digest = hashlib.sha256()
        for name, rows in sorted(self._arrays.items()):
            digest.update(f"{name!r} {rows.dtype} {rows.shape} ".encode())
            digest.update(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    @property
    def description(self) -> dict[str, Any]:
        """What a report needs to say about these rows, in plain strings, numbers, lists and dictionaries."""
        return {
            "name": self._name,
            "split": self._split,
            "rows": len(self),
            "shapes": {name: list(rows.shape[1:]) for name, rows in self._arrays.items()},
            "dtypes": {name: str(rows.dtype) for name, rows in self._arrays.items()},
            "steps": [call.words for call in self._calls],
            "fingerprint": self.fingerprint,
        }

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {rows.dtype} {rows.shape[1:]}" for name, rows in self._arrays.items())
        title = "" if self._name == "data" else f"{self._name}, "
        split = "" if self._split == "all" else f"{self._split}, "
        return f"Data({'; '.join([f'{title}{split}{len(self)} rows: {arrays}', *(c.words for c in self._calls)])})"

    def _repr_html_(self) -> str:
        from lowerbound.drawing import preview

        head = f"{self._name}, {self._split}: {len(self)} rows"
        cells = [(name, str(rows.dtype), str(rows.shape[1:]), preview(rows)) for name, rows in self._arrays.items()]
        table = "".join(
            "<tr>" + "".join(f"<td>{html.escape(word)}</td>" for word in words) + f"<td>{shown}</td></tr>"
            for *words, shown in cells
        )
        steps = "<br>".join(html.escape(call.words) for call in self._calls)
        return (
            f"<table><caption>{html.escape(head)}</caption><tr><th>array</th><th>type</th><th>row</th>"
            f"<th>first rows, as stored</th></tr>{table}</table>{steps}"
        )

    # How it works.

    def _values(self, name: str) -> Rows:
        """Return an array once its values are checked; no step and no choice of rows makes a good value bad."""
        if name in self._raw_types and name not in self._passed:
            columns = self._columns.get(name, ())
            check_values(name, self._arrays[name], self.observed(name), self._row_ids, name in self._outliers, columns)
            self.__dict__["_passed"] = self._passed | {name}
        return self._arrays[name]

    @property
    def _is_open(self) -> bool:
        """Whether a statistic is still to be fitted."""
        steps = (step for steps in self._steps.values() for step in steps)
        return any(isinstance(step, Standardization) and step.mean is None for step in steps)

    @cached_property
    def _fitted(self) -> dict[str, tuple[AbstractStep, ...]]:
        return self._fit(anew=False)

    def _fit(self, *, anew: bool) -> dict[str, tuple[AbstractStep, ...]]:
        """Return the steps with statistics of the rows here, for those that have none yet or for all."""
        fitted = {}
        for name, steps in self._steps.items():
            done = []
            for step in steps:
                if isinstance(step, Standardization) and (anew or step.mean is None):
                    columns = self._columns.get(name, ())
                    moments = column_moments(name, self._values(name), self.observed(name), columns)
                    for before in done:
                        moments = before.moments(moments)
                    step = step.fitted(moments)
                done.append(step)
            fitted[name] = tuple(done)
        return fitted

    def observed(self, name: str) -> Bool[np.ndarray, "rows ..."] | None:
        """Return which entries of an array `missing` left observed; None where nothing was declared missing."""
        rows = self[name]
        for masked, mask, start in self._masks:
            if masked == name:
                flat = self._arrays[mask].reshape(len(rows), -1)
                return flat[:, start : start + rows[0].size].reshape(rows.shape)
        return None

    def _chosen(self, verb: str, names: Sequence[str], *, first: bool = False) -> tuple[str, ...]:
        """Resolve the names of a step; `first` is for steps that read raw values, so that none may precede them."""
        chosen = tuple(names or self._raw_types)
        if not names and len(chosen) > 1:
            raise ValueError(f"`{verb}` needs a name, for there are {len(chosen)} arrays: {_listed(chosen)}.")
        for name in chosen:
            if name in self._arrays and name not in self._raw_types:
                raise ValueError(f"`{name}` is a mask, which `{verb}` leaves alone.")
            if name not in self._arrays:
                raise ValueError(_unknown(name, self.names))
            if chosen.count(name) > 1:
                raise ValueError(f"`{name}` is named twice in `{verb}`.")
            steps = self._steps.get(name, ())
            if steps and isinstance(steps[-1], AbstractBinarization):
                raise ValueError(f"`{name}` is binarized, so `{verb}` cannot follow.")
            if steps and first:
                raise ValueError(f"`{verb}` reads the raw values of `{name}`, so it goes before its other steps.")
        return chosen

    def _drawn(self, name: str, step: AbstractStep, key: PRNGKeyArray) -> Rows:
        """Carry out a random step once and for all, some rows at a time.

        The key is folded with the rows: those of another file count from 0 too, and would get the same draws.
        """
        rows, transform = self._arrays[name], Transform({name: (step,)}, ())
        key = jax.random.fold_in(key, np.uint32(crc32(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)))
        drawn = np.empty(rows.shape, np.uint8)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            drawn[block] = prepare(transform, {name: rows[block]}, self._row_ids[block], key)[name]
        return drawn

    def _top(self, verb: str, name: str, levels: int | None) -> int:
        """Return the value that is white, once all values are known to lie between 0 and it."""
        if levels is not None and levels < 2:
            raise ValueError(f"`levels` is {levels}, but there are at least 2.")
        rows = self._values(name)
        lowest, highest = float(rows.min()), float(rows.max())
        if levels is not None:
            top = levels - 1
        elif _is_float(rows.dtype):
            top = 1
        else:
            top = 255 if rows.dtype == np.uint8 and highest >= 128 else max(1, int(highest))
        if lowest < 0 or highest > top:
            raise ValueError(
                f"`{name}` runs from {lowest:g} to {highest:g}, but `{verb}` takes 0 to {top}. Rescale it, or declare "
                "how many levels it has, `levels=256` for bytes."
            )
        return top

    def _stepped(self, call: Call, name: str, step: AbstractStep) -> "Data":
        steps = self._steps | {name: (*self._steps.get(name, ()), step)}
        return self._with(_steps=steps, _calls=(*self._calls, call))

    def _stored(self, changed: dict[str, Rows]) -> "Data":
        return self._with(_arrays=self._arrays | {name: _read_only(rows) for name, rows in changed.items()})


class Splits(NamedTuple, Generic[Valid, Test]):
    """The parts that `Data.split` makes; one that was asked to be 0 is None."""

    train: Data
    valid: Valid
    test: Test


def as_data(data: Data | Mapping[str, Any]) -> Data:
    """Return `data` itself, or `Data` of a mapping of arrays by name.

    Raises:
        TypeError: It is neither.
        ValueError: As `Data` does.
    """
    return data if isinstance(data, Data) else Data(data)


def _num_rows(part: str, asked: float | int, total: int) -> int:
    if asked < 0 or (isinstance(asked, float) and asked >= 1):
        raise ValueError(f"`{part}` is {asked}, but a part is a fraction from 0 to below 1, or a whole number of rows.")
    count = round(asked * total) if isinstance(asked, float) else asked
    if asked and not count:
        raise ValueError(f"`{part}` is {asked}, which of {total} rows is none. Ask for a larger part, or for 0.")
    return count


def _unknown(name: str, known: Iterable[str]) -> str:
    return f"`{name}` is no array of this data, which has {_listed(known)}.{suggest(str(name), list(known))}"


def _is_float(dtype: np.dtype) -> bool:
    return jnp.issubdtype(dtype, jnp.floating)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
