"""The embedded digits: small grey images that need no download."""

import numpy as np

from lowerbound.data._data import Data


def digits(*, labels: bool = False) -> Data:
    """Return scikit-learn's 1797 handwritten digits, `x` of 64 grey levels from 0 to 16 (8 x 8, row by row).

    The levels stay the integers that they are, as uint8: `binarize` takes 16 for white, and
    `dequantize(levels=17)` makes a density of them.

    Args:
        labels: Whether to name the digit that is meant as `y` too, int64 from 0 to 9; what is named is observed.

    Example:
        >>> digits()
        Data(digits, 1797 rows: x uint8 (64,))

    References:
        Alpaydin and Kaynak (1998), *Optical Recognition of Handwritten Digits*, https://doi.org/10.24432/C50P49.
    """
    from sklearn.datasets import load_digits  # heavy, and needed here only

    images, meant = load_digits(return_X_y=True)
    x, y = np.asarray(images, np.uint8), np.asarray(meant, np.int64)
    return (Data(x=x, y=y) if labels else Data(x=x)).named("digits")
