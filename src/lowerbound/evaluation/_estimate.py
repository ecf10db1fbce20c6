"""A number with its unit, its side and its error."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float64

from lowerbound.objective import Side


@dataclass(frozen=True)
class Estimate:
    """A score of data: one number a datum, with its errors and its side. Nats of the data's original units.

    Attributes:
        values: The score of each datum, summed over its entries. Higher is better.
        standard_errors: The Monte Carlo standard error of each; nan where one draw cannot tell.
        monte_carlo_error: The Monte Carlo standard error of the mean: how far other base draws would move it. nan where
            one draw cannot tell. Data that a key binarises or dequantises are taken at their one draw: what another
            draw of the data would change is part of the error over data.
        side: Where it stands against log p(x).
        num_samples: Draws for one datum.
        estimator: The name of the objective: `ELBO`, `IWAE-5000`.
        parameter_kl: KL(q(θ) || p(θ)) by name of a random parameter, in nats for all training data together. It is
            no part of the values.
        about: What the number is of: data, split, rows, steps such as the binarisation, key.
    """

    values: Float64[np.ndarray, " rows"] = field(repr=False)
    standard_errors: Float64[np.ndarray, " rows"] = field(repr=False)
    monte_carlo_error: float
    side: Side
    num_samples: int
    estimator: str
    parameter_kl: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The mean over data, in nats a datum."""
        return float(self.values.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of the mean over data: how far other data of the same kind would move it.

        It contains the Monte Carlo error; that of random parameters, whose draws all data share, is added to it.
        """
        if len(self.values) < 2:
            return float("nan")
        over_data = float(self.values.std(ddof=1) / np.sqrt(len(self.values)))
        return float(np.hypot(over_data, self.monte_carlo_error)) if self.parameter_kl else over_data

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        monte_carlo = "" if np.isnan(self.monte_carlo_error) else f", ± {self.monte_carlo_error:.2g} Monte Carlo"
        kl = "".join(f"; KL(q({k}) || p({k})) {v:.4g} nats for all data" for k, v in self.parameter_kl.items())
        return (
            f"{self.estimator} {self.mean:.2f} ± {self.standard_error:.2g} nats over {len(self)} data{monte_carlo} "
            f"({self.side}){kl}"
        )

    def __repr__(self) -> str:
        return f"Estimate({self})"

    def rows(self) -> list[tuple[str, str]]:
        """List everything that the number depends on, as pairs of words for a table."""
        known = [
            ("estimator", self.estimator),
            ("nats a datum", f"{self.mean:.4f}"),
            ("side", str(self.side)),
            ("standard error over data", f"{self.standard_error:.2g}"),
            ("Monte Carlo standard error", f"{self.monte_carlo_error:.2g}"),
            ("samples a datum", str(self.num_samples)),
        ]
        known += [(f"KL(q({name}) || p({name})), all data", f"{kl:.4g}") for name, kl in self.parameter_kl.items()]
        return known + [(name, str(value)) for name, value in self.about.items()]

    def _repr_html_(self) -> str:
        words = f"{self.estimator}, {self.side}, {len(self):,} rows"
        cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in self.rows())
        return (
            f'<p style="margin:0"><span style="font-size:1.7em">{self.mean:.2f}</span> ± {self.standard_error:.2g} '
            f'nats a datum, higher is better</p><p style="margin:0 0 0.6em">{escape(words)}</p><table>{cells}</table>'
        )
