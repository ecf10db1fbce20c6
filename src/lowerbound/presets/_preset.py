"""A preset: the words and whole numbers from which a `model.py` is written."""

from dataclasses import asdict, dataclass, fields
from math import isqrt, prod
from typing import Any

from lowerbound._suggest import suggest
from lowerbound.presets._likelihood import Likelihood, check_ends, listed, shown
from lowerbound.presets._parts import Parts
from lowerbound.presets._write import write

#: The presets' names, each with what it is in a line.
PRESETS = {
    "mlp": "one Gaussian latent and perceptrons, for rows of any shape: the place to start",
    "conv": "the same with convolutions, for pictures",
    "ladder": "two or three levels of latents, inferred from the top down",
    "mixture": "a prior of several Gaussians, for data that fall into clusters",
    "semisupervised": "a label y beside the latent, for data of which some rows are labelled",
}

#: Sizes of latents, layers and axes reach up to here, and so do components and classes up to `MAX_STATES`.
MAX_SIZE = 65_536
MAX_STATES = 1000
MAX_ENTRIES = 2**24
MAX_AXES = 4
MAX_LAYERS = 8


@dataclass(frozen=True)
class Defaults:
    """The sizes of a preset where none are given; `hidden` is empty where the shape of a row decides it."""

    latent: tuple[int, ...]
    hidden: tuple[int, ...]
    components: int = 0


#: By name. The sizes of `mlp` are those that did best on held-out digits.
DEFAULTS = {
    "mlp": Defaults((12,), (200,)),
    "conv": Defaults((12,), ()),
    "ladder": Defaults((12, 6), (200,)),
    "mixture": Defaults((12,), (200,), components=10),
    "semisupervised": Defaults((12,), (200,)),
}


@dataclass(frozen=True)
class Preset:
    """A model in words and whole numbers, all of them checked: what is written is executed.

    `Preset.of` fills in the default sizes.

    Attributes:
        name: One of `PRESETS`.
        shape: The shape of one row of x.
        likelihood: What p(x | z) is for each entry.
        latent: The latents' sizes, one number but for the ladder: there two or three, from the one next to x up.
        hidden: The sizes of the hidden layers; in conv, the channels after each stage.
        components: The components of the mixture, else 0.
        classes: The classes of y in the semi-supervised model, else 0.
        masked: Whether a boolean array `m` of the shape of x tells the observed entries.

    Raises:
        ValueError: A field is of another type or out of range, or does not fit the others.
    """

    name: str
    shape: tuple[int, ...]
    likelihood: Likelihood
    latent: tuple[int, ...]
    hidden: tuple[int, ...]
    components: int = 0
    classes: int = 0
    masked: bool = False

    def __post_init__(self):
        if type(self.likelihood) is not Likelihood:
            raise ValueError(f"`likelihood` is {shown(self.likelihood)}; a `Likelihood` was needed.")
        _check_types(vars(self))
        _check_sizes("shape", self.shape, MAX_AXES, fewest=0)
        if prod(self.shape) > MAX_ENTRIES:
            raise ValueError(f"`shape` {self.shape} has {prod(self.shape)} entries; at most {MAX_ENTRIES} were needed.")
        if self.name == "conv":  # before its stages, which follow from the picture
            _check_picture(self.shape, self.hidden)
        _check_sizes("hidden", self.hidden, MAX_LAYERS)
        _check_sizes("latent", self.latent, MAX_LAYERS)
        _check_levels(self.name, self.latent)
        for field, owner, cure in (
            ("components", "mixture", "2 or more were needed, such as `--components 10`"),
            ("classes", "semisupervised", "labels `y` of 2 classes or more were needed; without labels, use mixture"),
        ):
            value, least = getattr(self, field), 2 if self.name == owner else 0
            if not 0 <= value <= MAX_STATES:
                raise ValueError(f"`{field}` is {shown(value)}; a whole number from 0 to {MAX_STATES} was needed.")
            if value < least:
                raise ValueError(f"{owner} has {value} {field}; {cure}.")
            if value and not least:
                raise ValueError(f"{self.name} has no {field}, got {value}; {owner} has.")

    @classmethod
    def of(
        cls,
        name: str,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        *,
        latent: tuple[int, ...] | None = None,
        hidden: tuple[int, ...] | None = None,
        components: int | None = None,
        classes: int = 0,
        masked: bool = False,
    ) -> "Preset":
        """Return the preset with its default sizes where none are given; raises as the class does."""
        sizes = DEFAULTS.get(name, DEFAULTS["mlp"])  # an unknown name is refused by the class
        return cls(
            name,
            shape,
            likelihood,
            latent=sizes.latent if latent is None else latent,
            hidden=(sizes.hidden or stage_channels(shape)) if hidden is None else hidden,
            components=sizes.components if components is None else components,
            classes=classes,
            masked=masked,
        )

    def write(self) -> str:
        """Return the text of `model.py`, the same for the same preset, byte for byte."""
        parts = Parts(self.shape, self.likelihood, self.masked, is_picture=self.name == "conv")
        return write(self.name, parts, self.latent, self.hidden, self.components or self.classes)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `json.dumps` takes them; the likelihood without its reason."""
        values = {field: list(value) if isinstance(value, tuple) else value for field, value in asdict(self).items()}
        return values | {"likelihood": self.likelihood.to_json()}

    @classmethod
    def from_json(cls, saved: Any) -> "Preset":
        """Return the preset that `to_json` gave.

        Raises:
            ValueError: A field is missing, unknown, of another type or out of range.
        """
        values = _fields(saved, "preset", [field.name for field in fields(cls)])
        likelihood = _fields(values["likelihood"], "likelihood", ["word", "low", "high"])
        for field in ("shape", "latent", "hidden"):
            if type(values[field]) is not list:
                raise ValueError(f"`{field}` is {shown(values[field])}; a list of whole numbers was needed.")
            values[field] = tuple(values[field])
        _check_types(values)
        check_ends(**likelihood)
        values["likelihood"] = Likelihood(**likelihood)
        return cls(**values)


def stage_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the channels after each stage for pictures of this shape.

    Stages halve a picture until its smaller side is below 8, and at least once: 8 becomes 4, 28 becomes 7.
    """
    channels, side = [32], min(shape[:2], default=0) // 2
    while side >= 8 and len(channels) < 5:
        channels.append(min(2 * channels[-1], 256))
        side //= 2
    return tuple(channels)


def _fields(saved: Any, what: str, names: list[str]) -> dict[str, Any]:
    """Return a dictionary that has these names and no others."""
    if type(saved) is not dict:
        raise ValueError(f"A {what} is saved as a dictionary; got {shown(saved)}.")
    for name in saved:
        if name not in names:
            near = suggest(name, names) if type(name) is str and len(name) <= 40 else ""
            raise ValueError(f"{_quoted(name)} is no field of a {what}, which has {listed(names)}.{near}")
    for name in names:
        if name not in saved:
            raise ValueError(f"A {what} needs the field `{name}`, which is missing.")
    return dict(saved)


def _quoted(word: Any) -> str:
    return f"`{word}`" if type(word) is str and len(word) <= 40 else shown(word)


def _check_types(values: dict[str, Any]) -> None:
    """Refuse a name that is none, and values of other types than the fields have."""
    name = values["name"]
    if type(name) is not str or name not in PRESETS:
        word = name if type(name) is str and len(name) <= 40 else ""
        raise ValueError(f"{_quoted(name)} is no preset; there are {listed(PRESETS)}.{suggest(word, PRESETS)}")
    # A bool is an int to Python, and a subclass could print as code: the file holds true integers only.
    for field in ("shape", "latent", "hidden"):
        sizes = values[field]
        if type(sizes) is not tuple or any(type(size) is not int for size in sizes):
            raise ValueError(f"`{field}` is {shown(sizes)}; whole numbers were needed.")
    for field in ("components", "classes"):
        if type(values[field]) is not int:
            raise ValueError(f"`{field}` is {shown(values[field])}; a whole number was needed.")
    if type(values["masked"]) is not bool:
        raise ValueError(f"`masked` is {shown(values['masked'])}; true or false was needed.")


def _check_sizes(field: str, sizes: tuple[int, ...], most: int, *, fewest: int = 1) -> None:
    if not fewest <= len(sizes) <= most:
        raise ValueError(f"`{field}` has {len(sizes)} sizes; {fewest} to {most} were needed.")
    for size in sizes:
        if not 1 <= size <= MAX_SIZE:
            raise ValueError(f"`{field}` has the size {shown(size)}; whole numbers from 1 to {MAX_SIZE} were needed.")


def _check_picture(shape: tuple[int, ...], channels: tuple[int, ...]) -> None:
    if len(shape) not in (2, 3):
        side = isqrt(prod(shape))
        guess = f"{side}x{side}" if side > 1 and side**2 == prod(shape) else "28x28"
        raise ValueError(
            f"`x` has rows of shape {shape}, but conv needs rows of shape (height, width) or (height, width, "
            f"channels); give their shape, `--shape {guess}`."
        )
    height, width = shape[:2]
    halvings = min(height, width).bit_length() - 1
    if halvings == 0:
        raise ValueError(f"`x` has pictures of {height} x {width}, which no stage of conv can halve. Choose mlp.")
    if len(channels) > halvings:
        raise ValueError(
            f"`hidden` has {len(channels)} stages, each of which halves the picture, but {height} x {width} can be "
            f"halved {halvings} time{'s' * (halvings > 1)}. Give fewer, `--hidden {','.join(['32'] * halvings)}`."
        )


def _check_levels(name: str, latent: tuple[int, ...]) -> None:
    given = ", ".join(str(size) for size in latent)
    if name == "ladder" and len(latent) not in (2, 3):
        raise ValueError(
            f"ladder has two or three latents, but `latent` is {given}; give their sizes from the one next to x up, "
            "`--latent 32,16`."
        )
    if name != "ladder" and len(latent) != 1:
        raise ValueError(
            f"{name} has one latent, but `latent` is {given}; give one size, `--latent {latent[0]}`, or choose ladder."
        )
