"""The rows of a run: to train on, to choose the state by, to test on."""

from typing import NamedTuple

from lowerbound.data._data import Data


class Parts(NamedTuple):
    """The three parts of a run's rows, none of them empty; `Splits` is what one splitting gives."""

    train: Data
    valid: Data
    test: Data
