"""Where rows come from: embedded data or a file, and how it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lowerbound._suggest import suggest
from lowerbound.data import Data, digits, names_in

#: The names of embedded data.
EMBEDDED = ("digits",)


@dataclass(frozen=True)
class Source:
    """Embedded data or a file, and how it is read into `x` and labels `y`.

    Attributes:
        path: The file, or the name of embedded data.
        arrays: Names in the model with the arrays of an .npz that they are.
        labels: A column, an array or a file of labels; see `Data.read`.
        drop: Columns of a CSV to leave out.
        shape: The shape of one row.
    """

    path: str
    arrays: tuple[tuple[str, str], ...] = ()
    labels: str | None = None
    drop: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether this is the name of embedded data, and no file here has that name."""
        return self.path in EMBEDDED and not Path(self.path).is_file()

    def read(self) -> Data:
        """Read the rows: `x`, or the arrays by name; and labels `y` where there are any.

        Raises:
            ValueError: As `Data.read`; or this is neither a file nor the name of embedded data.
        """
        if self.is_embedded:
            return self._embedded()
        if not Path(self.path).exists() and Path(self.path).name == self.path and not Path(self.path).suffix:
            known = ", ".join(f"`{name}`" for name in EMBEDDED)
            raise ValueError(
                f"There is no file `{self.path}`, and no embedded data of that name; there are {known}."
                f"{suggest(self.path, list(EMBEDDED))}"
            )
        try:
            return Data.read(
                self.path, array=dict(self.arrays) or None, labels=self.labels, drop=self.drop, shape=self.shape
            )
        except ValueError as error:  # in the words of the command line
            raise ValueError(str(error).replace("`shape` is", "`--shape` is")) from error

    def _embedded(self) -> Data:
        given = [("--array", self.arrays), ("--labels", self.labels), ("--drop", self.drop)]
        for option, value in given:
            if value:
                raise ValueError(
                    f"`{option}` is about files, but `{self.path}` is embedded, with its labels. Leave it out."
                )
        data = digits(labels=True)
        shape = self.shape or (8, 8)
        if shape not in ((8, 8), (64,), (8, 8, 1)):
            raise ValueError(f"`--shape` is {'x'.join(map(str, shape))}, but a digit has 8x8 pixels.")
        return Data(x=data["x"].reshape(-1, *shape), y=data["y"]).named(self.path)

    def other(self, path: str, labels: str | None = None, columns: Sequence[str] = ()) -> "Source":
        """Say that another file is read in the same way, as far as it has what that names.

        Args:
            path: The file.
            labels: Where its labels are; left out, the column or array of the same name, if it has one.
            columns: The columns that are wanted of a CSV; what else it has is left out. All if empty.

        Raises:
            ValueError: A column that is wanted is missing, or the file cannot be read.
        """
        if replace(self, path=path).is_embedded:
            return Source(path, shape=self.shape)
        names = names_in(path)
        own = labels or (self.labels if self.labels in names else None)
        drop = tuple(name for name in self.drop if name in names)
        if columns and names:
            for column in columns:
                if column not in names:
                    nearest = suggest(column, list(names))
                    raise ValueError(f"`{path}` has no column `{column}`, which the training rows have.{nearest}")
            drop = tuple(name for name in names if name not in columns and name != own)
        arrays = tuple((name, array) for name, array in self.arrays if array in names)
        return replace(self, path=path, arrays=arrays, labels=own, drop=drop)

    def absolute(self) -> "Source":
        """Say the same with paths that hold wherever a command is run from."""
        if self.is_embedded:
            return self
        labels = self.labels
        if labels is not None and labels not in names_in(self.path):
            labels = str(Path(labels).resolve())
        return replace(self, path=str(Path(self.path).resolve()), labels=labels)

    def to_json(self) -> dict[str, Any]:
        """Say it in dictionaries, lists and strings."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Source":
        """Read what `to_json` wrote."""
        return cls(
            path=str(said["path"]),
            arrays=tuple((str(name), str(array)) for name, array in said["arrays"]),
            labels=None if said["labels"] is None else str(said["labels"]),
            drop=tuple(str(name) for name in said["drop"]),
            shape=None if said["shape"] is None else tuple(int(n) for n in said["shape"]),
        )
