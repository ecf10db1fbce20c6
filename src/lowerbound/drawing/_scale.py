"""A scale: where a number stands on an axis, and at which round numbers the axis has its marks."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Number = float | int
#: One number or many.
Values = Float[np.ndarray, "..."] | Number


@dataclass(frozen=True)
class Scale:
    """The interval that an axis shows, linear or logarithmic."""

    low: Number
    high: Number
    log: bool = False

    def __call__(self, values: Values) -> Values:
        """Return where values stand: 0 at the low end, 1 at the high one."""
        low, high, values = (np.log(v) if self.log else np.asarray(v) for v in (self.low, self.high, values))
        return (values - low) / (high - low)

    @property
    def length(self) -> Number:
        """How much it holds."""
        return self.high - self.low

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """List about `count` round numbers within the interval, each with its text."""
        if not count:
            return []
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = max(1, -(-(last - first) // count))
            return [(10.0**k, _decade(k)) for k in range(first, last + 1, step)]
        power = 10.0 ** math.floor(math.log10(self.length / max(count, 1)))
        # Of the round steps the one whose number of marks comes nearest, and the wider of two.
        step = min((m * power for m in (10, 5, 2, 1, 0.5)), key=lambda s: abs(len(self._multiples(s)) - count))
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(k * step, number(k * step, decimals)) for k in self._multiples(step)]

    def _multiples(self, step: Number) -> range:
        """Return which multiples of a step lie within."""
        return range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)


def around(*values: Values, margin: Number = 0.05) -> Scale:
    """Return a linear scale that holds all finite values, with a margin; never of no length."""
    flat = np.concatenate([np.ravel(np.asarray(v, float)) for v in values])
    flat = flat[np.isfinite(flat)]
    low, high = (float(flat.min()), float(flat.max())) if flat.size else (0.0, 1.0)
    # Values that agree to nine digits are one value to a reader, and their differences are rounding.
    length = high - low if high - low > 1e-9 * max(abs(low), abs(high)) else max(abs(high), 1.0) * 0.2
    return Scale(low - margin * length, high + margin * length)


def number(value: Number, decimals: int) -> str:
    """Write a number with a true minus sign."""
    text = f"{value:,.{decimals}f}" if abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text.replace(",", "")) else text.removeprefix("-")


def _decade(power: int) -> str:
    return f"{10.0**power:g}" if -4 <= power <= 4 else f"1e{power}".replace("-", "\N{MINUS SIGN}")
