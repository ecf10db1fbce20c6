"""Assertions about draws, with both kinds of error bounded."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike


def assert_mean(draws: ArrayLike, expected: float, *, resolves: float, error_rate: float = 1e-6) -> None:
    """Fail unless the draws' mean is `expected`, with both kinds of error bounded.

    By the normal approximation, right code fails with probability `error_rate`, and code wrong by `resolves` passes
    with no more. The sample size is judged before the mean is seen.
    """
    draws = np.asarray(draws, np.float64)
    z = NormalDist().inv_cdf(1 - error_rate / 2)
    standard_error = draws.std(ddof=1) / math.sqrt(draws.size)
    assert 2 * z * standard_error <= resolves, f"too few: {draws.size} draws"
    assert abs(draws.mean() - expected) <= z * standard_error, (
        f"the mean of {draws.size} draws is {draws.mean():.6g} ± {standard_error:.2g}, not {expected:.6g}"
    )
