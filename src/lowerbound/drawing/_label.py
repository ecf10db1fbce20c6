"""A label: a symbol, a role and indices, from which each renderer sets its own text."""

import re
from dataclasses import dataclass
from enum import StrEnum

_NAMES = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
#: The straight phi and the lunate epsilon, as Kingma and Welling have them.
_GREEK = dict(zip(f"{_NAMES} phi chi psi omega".split(), "αβγδϵζηθικλμνξοπρστυϕχψω", strict=True))


class Role(StrEnum):
    """What a node of a diagram is; it sets the node's shape and its label's style."""

    LATENT = "latent"
    OBSERVED = "observed"
    SUMMED_OUT = "summed-out"  # a finite latent that q leaves out
    VALUE = "value"  # deterministic
    INPUT = "input"
    PARAMETER = "parameter"
    RANDOM_PARAMETER = "random-parameter"
    FIXED = "fixed"

    @property
    def is_random(self) -> bool:
        """Whether it is a random variable: bold upright in a circle. All else is bold italic."""
        return self in (Role.LATENT, Role.OBSERVED, Role.SUMMED_OUT, Role.RANDOM_PARAMETER)


@dataclass(frozen=True)
class Label:
    """A symbol with indices below it; the role sets it upright or italic."""

    symbol: str
    role: Role
    indices: tuple[str, ...] = ()

    @property
    def is_word(self) -> bool:
        """Whether the symbol is a word, set as plain upright text, and no letter."""
        return len(self.symbol) > 1

    @property
    def subscript(self) -> str:
        """The indices as text."""
        return ",".join(self.indices)


def read_label(name: str, role: Role) -> Label:
    """Read a declared name: `z1` is z with the index 1, `sigma_x` a Greek letter with the index x, `image` a word."""
    head, *indices = re.findall(r"[^\W\d_]+|\d+", name) or [name]
    letter = _GREEK.get(head) or (_GREEK[head.lower()].upper() if head.lower() in _GREEK else head)
    if len(letter) == 1 or all(index.isdigit() for index in indices):
        return Label(letter, role, tuple(indices))
    return Label(name, role)
