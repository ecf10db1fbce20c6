"""The baseline that every model must beat: each entry on its own."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float64, PRNGKeyArray, Shaped
from scipy.special import betaln, gammaln, log_ndtr, xlogy

from lowerbound._key import as_key
from lowerbound._suggest import suggest
from lowerbound.data import Data
from lowerbound.evaluation._estimate import Estimate
from lowerbound.objective import Side

#: Added to every count of a level: Krichevsky and Trofimov's estimator, so that no level is impossible.
PSEUDOCOUNT = 0.5
#: Whole numbers up to this are levels, each with a frequency of its own; larger ones are counts.
LARGEST_LEVEL = 255
#: The standard deviation of a constant column, as a part of the root mean square of those of the array's columns.
SD_FLOOR = 1e-3
#: The least variance of a discretised normal: that of U[-1/2, 1/2], which rounding hides.
ROUNDING_VARIANCE = 1 / 12
#: Entries that are worked on at once, a block of columns with all rows.
BLOCK_ENTRIES = 2**22
#: Rows that are binarised at once.
BLOCK_ROWS = 4096

Columns = Shaped[np.ndarray, "rows columns"]
Seen = Bool[np.ndarray, "rows columns"]
Scored = Shaped[np.ndarray, "scored columns"]
EntryNats = Float64[np.ndarray, "scored columns"]
#: Fits the columns of some rows, where they are seen, and scores those of others: nats for each entry.
Family = Callable[[Columns, Seen, Scored], EntryNats]


def independent(
    train: Data,
    test: Data,
    names: str | Sequence[str],
    *,
    key: PRNGKeyArray,
    levels: Mapping[str, int] | None = None,
    densities: Collection[str] = (),
) -> Estimate:
    """Score the test rows with every entry on its own, fitted to the training rows.

    The family of an array follows from the values of both parts, where they are observed:

    - Binarised by a step, or 0 and 1 only: Bernoulli, from counts with 1/2 added. Binarised are the bits that
      `prepared(key)` gives; all other arrays are scored as raw rows, whatever their steps.
    - Whole numbers from 0 to at most 255: categorical over the levels 0 to the largest, from counts with 1/2 added.
    - Larger whole numbers: negative binomial with the mean and the variance of the training rows (the sum of an entry
      with 1/2 added, so that no mean is 0); Poisson where the variance is no larger than the mean.
    - Whole numbers below 0 too: normal with the training rows' mean and variance, the latter at least 1/12, integrated
      over the cell of each integer.
    - Else, and for names in `densities`: normal with the training rows' mean and variance. The entries of a picture
      (rows with two axes or more) have one unit: there the variance counts one more row, with the mean variance of
      all entries, without which a pixel that is lit in few rows scores those without limit. The columns of a table
      have units of their own; a constant one gets 1/1000 of the root mean square of all deviations (1 if all are 0).

    Missing entries are neither fitted nor scored. Masses and densities are in the raw rows' units.

    Args:
        train: The rows that are fitted.
        test: The rows that are scored.
        names: The arrays.
        key: Draws the bits of arrays that are binarised anew for each use.
        levels: The number of levels by name, where it is known: more than both parts show.
        densities: The arrays to be scored by a density although they hold whole numbers, as a model's normal does: a
            density and a mass are not to be compared.

    Returns:
        An estimate whose `about` describes the test rows and the family of each array. It is exact, for the bits drawn.

    Raises:
        ValueError: A name is unknown, repeated or a mask; the parts differ in shape or binarisation; `levels` does not
            fit; or an entry that needs moments is observed in no training row.

    References:
        Krichevsky and Trofimov (1981), *The performance of universal encoding*,
        https://doi.org/10.1109/TIT.1981.1056331.
    """
    key, names = as_key(key), (names,) if isinstance(names, str) else tuple(names)
    levels = dict(levels or {})
    _check_names(train, test, names, levels)
    values = np.zeros(len(test))
    families = {}
    for name in names:
        fitted, scored = _part(train, name, key), _part(test, name, key)
        is_picture = train[name].ndim > 2
        family, families[name] = _family(name, fitted, scored, levels.get(name), name in densities, is_picture)
        for columns in _column_blocks(fitted, scored):
            seen = fitted.seen[:, columns]
            nats = family(fitted.values[:, columns], seen, scored.values[:, columns])
            values += np.sum(nats, axis=1, where=scored.seen[:, columns])
    return Estimate(
        values=values,
        standard_errors=np.zeros(len(values)),
        monte_carlo_error=0.0,
        side=Side.EXACT,
        num_samples=0,
        estimator="independent entries",
        about={**test.description, "families": families, "key": np.asarray(jax.random.key_data(key)).tolist()},
    )


class _Part(NamedTuple):
    """The entries of an array that are scored, flat, and where they are observed."""

    values: Columns
    seen: Seen
    binarised: bool


def _part(data: Data, name: str, key: PRNGKeyArray) -> _Part:
    raw = data.arrays[name]
    observed = data.observed(name)
    seen = np.broadcast_to(True, raw.shape) if observed is None else observed
    binarised = data.transform.is_binarized(name)
    if binarised:
        blocks = (data[start : start + BLOCK_ROWS].prepared(key)[name] for start in range(0, len(raw), BLOCK_ROWS))
        raw = np.concatenate([np.asarray(block).astype(np.uint8) for block in blocks])
    return _Part(raw.reshape(len(raw), -1), seen.reshape(len(raw), -1), binarised)


def _column_blocks(*parts: _Part) -> Iterator[slice]:
    rows = max(LARGEST_LEVEL + 1, *(len(part.values) for part in parts))
    size = max(1, BLOCK_ENTRIES // rows)
    for start in range(0, parts[0].values.shape[1], size):
        yield slice(start, start + size)


def _family(
    name: str, fitted: _Part, scored: _Part, levels: int | None, is_density: bool, is_picture: bool
) -> tuple[Family, str]:
    """Choose a family by what the values are, and name it."""
    if is_density:
        _check_seen(name, fitted)
        return _density(fitted, scored, is_picture)
    whole, low, high = True, np.inf, -np.inf
    for columns in _column_blocks(fitted, scored):
        for part in (fitted, scored):
            observed = part.values[:, columns][part.seen[:, columns]]
            if observed.size:
                whole = whole and not (observed.dtype.kind == "f" and np.any(np.mod(observed, 1)))
                low, high = min(low, float(observed.min())), max(high, float(observed.max()))
    if levels is not None and not (whole and low >= 0 and high < levels):
        raise ValueError(
            f"`levels` says that `{name}` is 0 to {levels - 1}, but its values are {low:g} to {high:g}"
            f"{'' if whole else ', and not all whole'}. Leave it out, or give it as many levels."
        )
    if levels is None and whole and low >= 0 and high <= 1:
        return _categorical(2), "Bernoulli"
    if levels is not None or (whole and low >= 0 and high <= LARGEST_LEVEL):
        num = levels or int(high) + 1
        return _categorical(num), f"categorical, {num} levels"
    _check_seen(name, fitted)
    if whole and low >= 0:
        return _counts, "negative binomial, or Poisson where the variance is no larger than the mean"
    if whole:
        return _discretised_normal, "normal, integrated over the cell of each integer"
    return _density(fitted, scored, is_picture)


def _density(fitted: _Part, scored: _Part, is_picture: bool) -> tuple[Family, str]:
    blocks = _column_blocks(fitted, scored)
    variances = [_moments(fitted.values[:, columns], fitted.seen[:, columns])[1] for columns in blocks]
    typical = float(np.mean(np.concatenate(variances)))
    if is_picture and typical:
        return _normal(typical, 1.0, 0.0), f"normal, with one more row of variance {typical:.4g}"
    floor = SD_FLOOR * typical**0.5 or 1.0
    return _normal(0.0, 0.0, floor), f"normal, standard deviation {floor:.4g} where a column is constant"


def _check_seen(name: str, fitted: _Part) -> None:
    unseen = ~fitted.seen.any(axis=0)
    if unseen.any():
        raise ValueError(
            f"`{name}` has no observed entry in column {int(unseen.argmax())} of the {len(fitted.values)} training "
            f"rows, so nothing can be fitted to it. Drop that column."
        )


def _categorical(levels: int) -> Family:
    """Frequencies with 1/2 added to each count; for two levels that is a Bernoulli."""

    def nats(fitted: Columns, seen: Seen, scored: Scored) -> EntryNats:
        width = fitted.shape[1]
        offsets = levels * np.arange(width)
        cells = (fitted.astype(np.int64) + offsets)[seen]
        counts = np.bincount(cells, minlength=levels * width).reshape(width, levels) + PSEUDOCOUNT
        log_mass = np.log(counts / counts.sum(axis=1, keepdims=True)).ravel()
        # What is missing holds a 0, or its marker in the range of levels; it is not summed.
        return log_mass[np.clip(scored, 0, levels - 1).astype(np.int64) + offsets]

    return nats


def _moments(fitted: Columns, seen: Seen) -> tuple[Float64[np.ndarray, " columns"], Float64[np.ndarray, " columns"]]:
    """Return mean and variance of the observed entries, which divides by their number; 0 for a constant, exactly."""
    values = fitted.astype(np.float64)
    first = np.take_along_axis(values, seen.argmax(axis=0)[None], axis=0)
    # About the first observed value: what is constant leaves exact zeros.
    shifted = values - first
    mean = np.mean(shifted, axis=0, where=seen)
    return first[0] + mean, np.mean((shifted - mean) ** 2, axis=0, where=seen)


def _counts(fitted: Columns, seen: Seen, scored: Scored) -> EntryNats:
    mean, variance = _moments(fitted, seen)
    mean = mean + PSEUDOCOUNT / seen.sum(axis=0)
    x = np.maximum(scored.astype(np.float64), 0)
    poisson = xlogy(x, mean) - mean - gammaln(x + 1)
    over = variance > mean
    # mean + mean² / size is the variance.
    size = np.where(over, mean**2 / np.where(over, variance - mean, 1), 1.0)
    total = size + mean
    coefficient = -betaln(size, x + 1) - np.log(size + x)  # log Γ(x + size) / (Γ(size) x!)
    negative_binomial = coefficient - size * np.log1p(mean / size) + xlogy(x, mean / total)
    return np.where(over, negative_binomial, poisson)


def _discretised_normal(fitted: Columns, seen: Seen, scored: Scored) -> EntryNats:
    mean, variance = _moments(fitted, seen)
    # log(Φ(b) - Φ(a)), in the lower tail, where neither is near 1: Φ(b) - Φ(a) = Φ(-a) - Φ(-b).
    distance, scale = np.abs(scored.astype(np.float64) - mean), np.sqrt(np.maximum(variance, ROUNDING_VARIANCE))
    upper, lower = log_ndtr((0.5 - distance) / scale), log_ndtr((-0.5 - distance) / scale)
    return upper + np.log(-np.expm1(lower - upper))


def _normal(typical: float, weight: float, of_a_constant: float) -> Family:
    """A normal whose variance counts `weight` more rows of variance `typical`; with a deviation for constants."""

    def nats(fitted: Columns, seen: Seen, scored: Scored) -> EntryNats:
        mean, variance = _moments(fitted, seen)
        count = seen.sum(axis=0)
        scale = np.sqrt((count * variance + weight * typical) / (count + weight))
        scale = np.where(scale > 0, scale, of_a_constant)
        return -0.5 * ((scored.astype(np.float64) - mean) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)

    return nats


def _check_names(train: Data, test: Data, names: tuple[str, ...], levels: Mapping[str, int]) -> None:
    if not names:
        raise ValueError("`names` is empty; the name of at least one array was needed.")
    for part, data in (("train", train), ("test", test)):
        if not isinstance(data, Data):
            raise TypeError(f"`{part}` is of type {type(data).__name__}; a `Data` was needed: `Data(x=...)`.")
        for name in names:
            if name not in data:
                have = ", ".join(f"`{known}`" for known in data.names)
                raise ValueError(f"`{name}` is no array of `{part}`, which has {have}.{suggest(name, data.names)}")
            if any(mask.mask == name for mask in data.transform.masks):
                raise ValueError(f"`{name}` is a mask, which tells what is missing and is not scored. Leave it out.")
            if names.count(name) > 1:
                raise ValueError(f"`names` has `{name}` twice.")
    for name in levels:
        if name not in names:
            raise ValueError(f"`levels` names `{name}`, which is not among `names`.{suggest(name, names)}")
    for name in names:
        if train[name].shape[1:] != test[name].shape[1:]:
            raise ValueError(
                f"`{name}` has rows of shape {train[name].shape[1:]} in `train`, but {test[name].shape[1:]} in `test`."
            )
        words = [[type(step).__name__ for step in data.transform.steps.get(name, ())] for data in (train, test)]
        if words[0] != words[1]:
            raise ValueError(
                f"`{name}` goes through other steps in `train` than in `test`. Take `test` from `train.like(...)` or "
                f"from the same split."
            )
