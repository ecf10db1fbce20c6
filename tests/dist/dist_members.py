"""The table of members: every law that is exported, with SciPy's density of the same law."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from lowerbound import dist

BETALN = 2e-6  # jax.scipy.special.betaln ends its series there from 8 on, in float64 too


@dataclass(frozen=True)
class Member:
    """One law, made afresh under the precision at hand, and its log-density in float64."""

    name: str
    make: Callable[[], dist.Distribution]
    reference: Callable[[np.ndarray], np.ndarray]
    reparameterized: bool = False
    error: float = 0.0  # what JAX's own special functions are known to lose

    def __repr__(self) -> str:
        return self.name


def beta_binomial(a, b, n):
    """SciPy's loses digits at extreme concentrations; the product over the trials does not."""

    def log_mass(k):
        i = np.arange(n)
        k = np.asarray(k, np.float64)[..., None]
        ratio = np.log(np.where(i < k, a + i, b + i - k) / (a + b + i)).sum(-1)
        return np.log(special.comb(n, k[..., 0])) + ratio

    return log_mass


def zero_inflated(mean, concentration, gate):
    def log_mass(k):
        zero = np.where(np.asarray(k) == 0, gate, 0)
        return np.log(zero + (1 - gate) * stats.nbinom.pmf(k, concentration, concentration / (concentration + mean)))

    return log_mass


def discretized_logistic(loc, scale, low, high):
    def log_mass(k):
        upper = np.where(k == high, np.inf, (k + 0.5 - loc) / scale)
        lower = np.where(k == low, -np.inf, (k - 0.5 - loc) / scale)
        # From whichever side does not cancel.
        sign = np.where(upper + lower > 0, -1, 1)
        return np.log(np.abs(special.expit(sign * upper) - special.expit(sign * lower)))

    return log_mass


def _probs(logits):
    return special.softmax(np.asarray(logits))


CONTINUOUS = [
    Member("Normal", lambda: dist.Normal(0.3, 1.7), stats.norm(0.3, 1.7).logpdf, True),
    Member("LogNormal", lambda: dist.LogNormal(0.3, 0.7), stats.lognorm(0.7, scale=np.exp(0.3)).logpdf, True),
    Member("Gamma", lambda: dist.Gamma(2.5, 1.5), stats.gamma(2.5, scale=1 / 1.5).logpdf, True),
    Member("Beta", lambda: dist.Beta(2.5, 1.5), stats.beta(2.5, 1.5).logpdf, True),
    Member("Laplace", lambda: dist.Laplace(0.3, 1.7), stats.laplace(0.3, 1.7).logpdf, True),
    Member("StudentT", lambda: dist.StudentT(3.5, 0.3, 1.7), stats.t(3.5, 0.3, 1.7).logpdf, True),
    Member("Logistic", lambda: dist.Logistic(0.3, 1.7), stats.logistic(0.3, 1.7).logpdf, True),
    Member("Cauchy", lambda: dist.Cauchy(0.3, 1.7), stats.cauchy(0.3, 1.7).logpdf, True),
    Member("Gumbel", lambda: dist.Gumbel(0.3, 1.7), stats.gumbel_r(0.3, 1.7).logpdf, True),
    Member("Uniform", lambda: dist.Uniform(-0.5, 1.5), stats.uniform(-0.5, 2.0).logpdf, True),
    Member("Exponential", lambda: dist.Exponential(1.7), stats.expon(scale=1 / 1.7).logpdf, True),
    Member("HalfNormal", lambda: dist.HalfNormal(1.7), stats.halfnorm(scale=1.7).logpdf, True),
    Member("HalfCauchy", lambda: dist.HalfCauchy(1.7), stats.halfcauchy(scale=1.7).logpdf, True),
    Member("Weibull", lambda: dist.Weibull(1.7, 2.5), stats.weibull_min(2.5, scale=1.7).logpdf, True),
    Member(
        "Kumaraswamy",
        lambda: dist.Kumaraswamy(2.5, 1.5),
        lambda x: np.log(2.5 * 1.5) + 1.5 * np.log(x) + 0.5 * np.log1p(-(x**2.5)),
        True,
    ),
    Member(
        "TruncatedNormal",
        lambda: dist.TruncatedNormal(0.3, 1.7, low=-1.0, high=2.0),
        stats.truncnorm(-1.3 / 1.7, 1.0, 0.3, 1.7).logpdf,
        True,
    ),
    Member("VonMises", lambda: dist.VonMises(0.3, 1.7), stats.vonmises(1.7, 0.3).logpdf),
    Member(
        "MixtureSameFamily",
        lambda: dist.MixtureSameFamily(
            dist.Categorical(logits=np.zeros(2)), dist.Normal(np.array([-1.0, 2.0]), np.array([1.0, 0.5]))
        ),
        lambda x: np.logaddexp(stats.norm(-1, 1).logpdf(x), stats.norm(2, 0.5).logpdf(x)) - np.log(2),
    ),
]

FINITE = [
    Member("Bernoulli", lambda: dist.Bernoulli(1.3), stats.bernoulli(special.expit(1.3)).logpmf),
    Member(
        "Categorical(logits)",
        lambda: dist.Categorical(logits=np.array([0.3, -1.0, 2.0])),
        lambda k: np.log(_probs([0.3, -1.0, 2.0]))[np.asarray(k)],
    ),
    Member(
        "Categorical(probs)",
        lambda: dist.Categorical(probs=np.array([0.25, 0.25, 0.5])),
        lambda k: np.log(np.array([0.25, 0.25, 0.5]))[np.asarray(k)],
    ),
    Member("Binomial", lambda: dist.Binomial(-0.7, 11), stats.binom(11, special.expit(-0.7)).logpmf),
    Member("BetaBinomial", lambda: dist.BetaBinomial(2.5, 0.7, 16), beta_binomial(2.5, 0.7, 16)),
    Member("BetaBinomial(255)", lambda: dist.BetaBinomial(2.5, 0.7, 255), beta_binomial(2.5, 0.7, 255)),
    Member("DiscreteUniform", lambda: dist.DiscreteUniform(-2, 5), stats.randint(-2, 6).logpmf),
    Member(
        "DiscretizedLogistic",
        lambda: dist.DiscretizedLogistic(3.3, 2.5, -1, 9),
        discretized_logistic(3.3, 2.5, -1, 9),
    ),
    Member(
        "DiscretizedLogistic(grey)",
        lambda: dist.DiscretizedLogistic(100.3, 12.5, 0, 255),
        discretized_logistic(100.3, 12.5, 0, 255),
    ),
]

COUNTS = [
    Member("Poisson", lambda: dist.Poisson(3.7), stats.poisson(3.7).logpmf),
    Member(
        "NegativeBinomial2", lambda: dist.NegativeBinomial2(3.7, 1.5), stats.nbinom(1.5, 1.5 / 5.2).logpmf, error=BETALN
    ),
    Member(
        "ZINB2",
        lambda: dist.ZINB2(mean=3.7, concentration=1.5, gate_logits=-0.5),
        zero_inflated(3.7, 1.5, special.expit(-0.5)),
        error=BETALN,
    ),
]
