"""On which side of log p(x) a number stands."""

from enum import StrEnum


class Side(StrEnum):
    """What is known of a number's place against log p(x)."""

    EXACT = "exact"
    LOWER = "lower bound in expectation"
    UPPER = "upper bound in expectation"
    CONSISTENT = "consistent"
    NONE = "bounds nothing"
