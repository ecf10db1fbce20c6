"""The rule that chooses a likelihood by the values that the data hold."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from lowerbound._suggest import suggest
from lowerbound.data import Data
from lowerbound.presets._likelihood import MAX_END, MAX_RANGE, WORDS, Likelihood, listed

#: The largest total of a beta-binomial that the rule chooses: its cost grows with it.
MAX_TOTAL = 63
#: The largest count: float32 tells whole numbers apart up to here.
MAX_COUNT = 2**24
#: What people call the likelihoods elsewhere.
SYNONYMS = {
    "gaussian": "normal",
    "binary": "bernoulli",
    "binomial": "beta-binomial",
    "betabinomial": "beta-binomial",
    "discretized-logistic": "logistic",
    "discretised-logistic": "logistic",
    "nb": "negative-binomial",
    "negativebinomial": "negative-binomial",
    "poisson": "negative-binomial",
    "counts": "negative-binomial",
}
#: Entries that are looked at together, so that no copy of large data is made.
_CHUNK = 1 << 20


def choose_likelihood(data: Data, name: str = "x", *, asked: str | None = None) -> Likelihood:
    """Choose the likelihood that fits the values of an array, or check the one that was asked for.

    | what the observed entries are | the likelihood |
    | --- | --- |
    | binarised, or all 0 or 1 | Bernoulli |
    | whole numbers from 0 to K, K at most 63 | beta-binomial, a mass on 0..K |
    | bytes, or whole numbers from 0 to 255 exactly | discretised logistic, a mass on 0..255 |
    | other whole numbers from 0 | negative binomial |
    | whole numbers below 0 too, over at most 1023 steps | discretised logistic, a mass from the least to the greatest |
    | other numbers | Normal with a learned scale |

    A mass on whole numbers comes first wherever it fits: the density of a Normal at whole numbers can grow without end.

    Args:
        data: All rows, before or after their steps; the ends of a mass are those seen here. Entries that are missing
            or not finite are not looked at.
        name: The array.
        asked: The word of a likelihood to use instead.

    Returns:
        The likelihood, with its reason as a sentence to print.

    Raises:
        KeyError: There is no array of that name.
        ValueError: `asked` is no word, or does not fit the values; or no entry is observed.
    """
    if asked is not None and asked not in WORDS:
        nearest = SYNONYMS.get(asked.lower().replace("_", "-"), asked)
        raise ValueError(f"`{asked}` is no likelihood; there are {listed(WORDS)}.{suggest(nearest, WORDS)}")
    seen = _look(data, name)
    best = _rule(seen)
    if asked is None:
        return Likelihood(best.word, best.low, best.high, f"{name} {seen}, so its likelihood is {_said(best)}.")
    found = _asked(seen, asked, best)
    if isinstance(found, str):
        raise ValueError(f"`{name}` {found}")
    return Likelihood(found.word, found.low, found.high, f"{name} {seen}; its likelihood is {_said(found)}, as asked.")


@dataclass(frozen=True)
class _Seen:
    """What the observed entries of an array are; prints as the verb and object of a sentence."""

    least: float
    greatest: float
    is_whole: bool
    is_binarised: bool = False
    has_steps: bool = False
    is_bytes: bool = False

    @property
    def is_bits(self) -> bool:
        return self.is_whole and self.least >= 0 and self.greatest <= 1

    def __str__(self) -> str:
        if self.is_binarised:
            return "is binarised"
        if self.has_steps:
            return "holds real numbers once its steps are done"
        if self.is_bits:
            return "holds bits, 0 and 1"
        if self.is_whole:
            return f"holds whole numbers from {int(self.least)} to {int(self.greatest)}"
        greys = (
            ", grey levels perhaps, of which `--binarize` makes bits" if (self.least, self.greatest) == (0, 1) else ""
        )
        return f"holds real numbers from {self.least:g} to {self.greatest:g}{greys}"


def _look(data: Data, name: str) -> _Seen:
    data[name]  # an unknown name is refused in the words of `Data`
    transform = data.transform
    if transform.changes_units(name):
        return _Seen(-math.inf, math.inf, is_whole=False, has_steps=True)
    if transform.steps.get(name):
        return _Seen(0.0, 1.0, is_whole=True, is_binarised=True)
    least, greatest, is_whole = math.inf, -math.inf, True
    for values in _observed_chunks(data, name):
        # Unsigned 64-bit integers and floats alike; what JAX's 32 bits cannot hold is refused by `Data`.
        least, greatest = min(least, float(values.min())), max(greatest, float(values.max()))
        is_whole = is_whole and (values.dtype.kind in "biu" or bool((np.floor(values) == values).all()))
    if least > greatest:
        raise ValueError(f"`{name}` has no observed entry, so no likelihood can be chosen for it.")
    return _Seen(least, greatest, is_whole, is_bytes=data[name].dtype == np.uint8)


def _observed_chunks(data: Data, name: str) -> Iterator[Shaped[np.ndarray, " entries"]]:
    """Give the observed, finite entries of an array, some rows at a time; never an empty array."""
    rows = data[name]
    observed = data.observed(name)
    step = max(1, _CHUNK // max(1, rows[0].size))
    for start in range(0, len(rows), step):
        values = rows[start : start + step]
        kept = None if observed is None else observed[start : start + step]
        if values.dtype.kind not in "biu":
            finite = np.isfinite(values)
            kept = finite if kept is None else kept & finite
        values = values.reshape(-1) if kept is None else values[kept]
        if values.size:
            yield values


def _rule(seen: _Seen) -> Likelihood:
    if seen.is_binarised or seen.is_bits:
        return Likelihood("bernoulli", 0, 1)
    if not seen.is_whole:
        return Likelihood("normal")
    least, greatest = int(seen.least), int(seen.greatest)
    if least >= 0:
        if greatest <= MAX_TOTAL:
            return Likelihood("beta-binomial", 0, greatest)
        if greatest == 255 or (seen.is_bytes and greatest < 255):
            return Likelihood("logistic", 0, 255)
        return Likelihood("negative-binomial" if greatest <= MAX_COUNT else "normal")
    if greatest - least <= MAX_RANGE and max(abs(least), abs(greatest)) <= MAX_END and least < greatest:
        return Likelihood("logistic", least, greatest)
    return Likelihood("normal")


def _asked(seen: _Seen, asked: str, best: Likelihood) -> Likelihood | str:
    """Return the likelihood that was asked for, or the rest of the sentence that refuses it."""
    choose = f"hoose `--likelihood {best.word}`."
    if asked == best.word:
        return best
    if seen.is_binarised:
        return f"is binarised, and bits have a Bernoulli likelihood, not {WORDS[asked]}. C{choose}"
    if asked == "normal":
        return Likelihood("normal")
    if not seen.is_whole:
        if asked == "bernoulli" and not seen.has_steps and seen.least >= 0 and seen.greatest <= 1:
            return (
                f"holds grey levels, real numbers from {seen.least:g} to {seen.greatest:g}, which a Bernoulli gives "
                f"no mass. Binarise them, `--binarize stochastic`, or c{choose}"
            )
        return f"{seen}, which {WORDS[asked]}, a mass on whole numbers, does not score. C{choose}"
    least, greatest = int(seen.least), int(seen.greatest)
    if asked == "bernoulli":
        if least >= 0 and greatest <= 255:
            return (
                f"holds grey levels, whole numbers from {least} to {greatest}, which a Bernoulli gives no mass. "
                f"Binarise them, `--binarize stochastic`, or c{choose}"
            )
        return f"{seen}, which a Bernoulli gives no mass. C{choose}"
    if asked != "logistic" and least < 0:
        return f"{seen}, but {WORDS[asked]} begins at 0. C{choose}"
    if asked == "negative-binomial":
        return Likelihood("negative-binomial") if greatest <= MAX_COUNT else f"{seen}, too large to count. C{choose}"
    least = min(least, 0) if greatest <= MAX_RANGE else least
    if asked == "beta-binomial":
        least = 0
    # Bytes keep the range that they have in every picture; fewer levels are all that there are.
    greatest = 255 if asked == "logistic" and least == 0 and MAX_TOTAL < greatest <= 255 else max(greatest, least + 1)
    if greatest - least > MAX_RANGE or max(abs(least), abs(greatest)) > MAX_END:
        return f"{seen}, more than the {MAX_RANGE} steps that {WORDS[asked]} takes. C{choose}"
    return Likelihood(asked, least, greatest)


def _said(likelihood: Likelihood) -> str:
    said = WORDS[likelihood.word]
    if likelihood.word == "normal":
        return f"{said}, whose scale is learned"
    if likelihood.word == "negative-binomial":
        return f"{said}, a mass on 0, 1, 2 and so on"
    return said if likelihood.word == "bernoulli" else f"{said}, a mass on {likelihood.low}..{likelihood.high}"
