"""The baseline that a model of counts must beat: every entry on its own."""

import numpy as np

from lowerbound.data import Data
from lowerbound.evaluation._estimate import Estimate
from lowerbound.objective import Side

#: Added to every count of a level: Krichevsky and Trofimov's estimator, so that no level is impossible.
PSEUDOCOUNT = 0.5


def independent_counts(train: Data, test: Data, name: str, num_levels: int) -> Estimate:
    """Score integers 0..num_levels-1 by independent categorical entries, fitted to the training rows.

    Args:
        train: The rows that the frequencies of each entry are counted in.
        test: The rows to score.
        name: The array.
        num_levels: The number of values that an entry can take.

    References:
        Krichevsky and Trofimov (1981), *The performance of universal encoding*,
        https://doi.org/10.1109/TIT.1981.1056331.
    """
    seen = train.arrays[name].reshape(len(train), -1)
    scored = test.arrays[name].reshape(len(test), -1)
    counts = np.stack([(seen == level).sum(axis=0) for level in range(num_levels)]) + PSEUDOCOUNT
    log_mass = np.log(counts / counts.sum(axis=0))
    values = log_mass[scored.astype(np.int64), np.arange(scored.shape[1])].sum(axis=1)
    return Estimate(
        values=values,
        standard_errors=np.zeros(len(values)),
        monte_carlo_error=0.0,
        side=Side.EXACT,
        num_samples=0,
        estimator="independent entries",
        about=test.description,
    )
