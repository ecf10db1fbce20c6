"""A likelihood in one word, and the whole numbers that it is a mass on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: The words, each with how a sentence says it.
WORDS = {
    "bernoulli": "a Bernoulli",
    "beta-binomial": "a beta-binomial",
    "logistic": "a discretised logistic",
    "negative-binomial": "a negative binomial",
    "normal": "a Normal",
}

#: A mass on low..high has at most this many steps from its least value to its greatest.
MAX_RANGE = 1023
#: How far from 0 the ends of a mass may lie.
MAX_END = 1_000_000


@dataclass(frozen=True)
class Likelihood:
    """What p(x | z) is for each entry of x.

    Attributes:
        word: "bernoulli", "beta-binomial", "logistic", "negative-binomial" or "normal".
        low: The least value of a bounded mass; 0 where there is no bound.
        high: The greatest value of a bounded mass; 0 where there is no bound.
        reason: Why it was chosen, in one sentence to print. It is neither compared nor saved, nor written to a file.

    Raises:
        ValueError: An unknown word, or ends that do not fit it.
    """

    word: str
    low: int = 0
    high: int = 0
    reason: str = field(default="", compare=False)

    def __post_init__(self):
        check_ends(self.word, self.low, self.high)
        low, high = self.low, self.high
        fits, needed = {
            "bernoulli": ((low, high) == (0, 1), "0..1"),
            "beta-binomial": (low == 0 < high <= MAX_RANGE, f"0..K with K from 1 to {MAX_RANGE}"),
            "logistic": (0 < high - low <= MAX_RANGE, f"low..high of at most {MAX_RANGE} steps"),
            "negative-binomial": ((low, high) == (0, 0), "no range, which is written 0..0,"),
            "normal": ((low, high) == (0, 0), "no range, which is written 0..0,"),
        }[self.word]
        if not fits:
            raise ValueError(f"`{self.word}` was given the range {low}..{high}; {needed} was needed.")

    @property
    def num_outputs(self) -> int:
        """How many numbers the decoder gives for an entry of x."""
        return 2 if self.word in ("beta-binomial", "logistic") else 1

    def to_json(self) -> dict[str, str | int]:
        """Return what it is, without the reason."""
        return {"word": self.word, "low": self.low, "high": self.high}


def check_ends(word: Any, low: Any, high: Any) -> None:
    """Refuse a word that is none, and ends that are no whole numbers or far out.

    Raises:
        ValueError: As said.
    """
    if type(word) is not str or word not in WORDS:
        raise ValueError(f"`word` is {shown(word)}; one of {listed(WORDS)} was needed.")
    for name, end in (("low", low), ("high", high)):
        # A bool is an int to Python, and a subclass could print as code: the file holds true integers only.
        if type(end) is not int or abs(end) > MAX_END:
            raise ValueError(f"`{name}` is {shown(end)}; a whole number within 1,000,000 of 0 was needed.")


def listed(words: Iterable[str]) -> str:
    """List words in backticks."""
    return ", ".join(f"`{word}`" for word in words)


def shown(value: object) -> str:
    """Print a value in a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
