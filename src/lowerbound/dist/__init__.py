"""The distributions: NumPyro's, re-exported, those that it lacks or gets wrong, and what is known of them.

A factor of a model returns one of these for one datum. Log-densities are in nats. Four of the names replace NumPyro's:
`Bernoulli`, whose gradient is right at a logit of 0, and `Binomial`, `BetaBinomial` and `DiscreteUniform`, whose range
is known before anything is traced. `DiscretizedLogistic` and `mixture` are new; `ZINB2` is NumPyro's zero-inflated
negative binomial by mean and concentration.

About a distribution as a whole, all of its axes taken together: `log_density` scores a draw; `num_states` and `states`
list the draws of a finite one; `has_kl` and `kl` are the table of divergences; `is_reparameterized`, `noise_shape` and
`from_noise` make draws of noise; `support_fits` and `outside_support` compare supports and check data;
`is_distribution`, `is_foreign_distribution` and `came_out_of_vmap` tell sound distributions from others.

Constraints are NumPyro's: `real`, `positive` and the others, all of `constraints`, and `biject_to`.
"""

from numpyro.distributions import (
    Beta,
    Categorical,
    Cauchy,
    Delta,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Independent,
    Kumaraswamy,
    Laplace,
    Logistic,
    LogNormal,
    LowRankMultivariateNormal,
    MixtureSameFamily,
    MultivariateNormal,
    NegativeBinomial2,
    Normal,
    Poisson,
    StudentT,
    TransformedDistribution,
    TruncatedNormal,
    Uniform,
    VonMises,
    Weibull,
    biject_to,
    constraints,
    transforms,
)
from numpyro.distributions import ZeroInflatedNegativeBinomial2 as ZINB2  # noqa: N814, a name of its own, no constant
from numpyro.distributions.constraints import (
    boolean,
    corr_cholesky,
    greater_than,
    integer_interval,
    interval,
    less_than,
    lower_cholesky,
    nonnegative,
    nonnegative_integer,
    ordered_vector,
    positive,
    positive_integer,
    positive_ordered_vector,
    real,
    real_matrix,
    real_vector,
    simplex,
    sphere,
    unit_interval,
)

from lowerbound.dist._base_draws import from_noise, is_reparameterized, noise_shape
from lowerbound.dist._bernoulli import Bernoulli
from lowerbound.dist._beta_binomial import BetaBinomial
from lowerbound.dist._binomial import Binomial
from lowerbound.dist._discrete_uniform import DiscreteUniform
from lowerbound.dist._discretized_logistic import DiscretizedLogistic
from lowerbound.dist._kinds import came_out_of_vmap, family, is_distribution, is_foreign_distribution
from lowerbound.dist._kl import has_kl, kl
from lowerbound.dist._log_density import log_density
from lowerbound.dist._mixture import Mixture, mixture
from lowerbound.dist._states import num_states, states
from lowerbound.dist._support import outside_support, support_fits

__all__ = [
    "ZINB2",
    "Bernoulli",
    "Beta",
    "BetaBinomial",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Delta",
    "Dirichlet",
    "DiscreteUniform",
    "DiscretizedLogistic",
    "Distribution",
    "Exponential",
    "Gamma",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "Logistic",
    "LowRankMultivariateNormal",
    "Mixture",
    "MixtureSameFamily",
    "MultivariateNormal",
    "NegativeBinomial2",
    "Normal",
    "Poisson",
    "StudentT",
    "TransformedDistribution",
    "TruncatedNormal",
    "Uniform",
    "VonMises",
    "Weibull",
    "biject_to",
    "boolean",
    "came_out_of_vmap",
    "constraints",
    "corr_cholesky",
    "family",
    "from_noise",
    "greater_than",
    "has_kl",
    "integer_interval",
    "interval",
    "is_distribution",
    "is_foreign_distribution",
    "is_reparameterized",
    "kl",
    "less_than",
    "log_density",
    "lower_cholesky",
    "mixture",
    "noise_shape",
    "nonnegative",
    "nonnegative_integer",
    "num_states",
    "ordered_vector",
    "outside_support",
    "positive",
    "positive_integer",
    "positive_ordered_vector",
    "real",
    "real_matrix",
    "real_vector",
    "simplex",
    "sphere",
    "states",
    "support_fits",
    "transforms",
    "unit_interval",
]
