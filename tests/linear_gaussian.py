"""Linear-Gaussian models, declared with the library, whose evidence, posterior and bound are known.

p(z) = N(m, S Sᵀ), p(x | z) = N(W z + b, R Rᵀ) and q(z | x) = N(A x + c, L Lᵀ), under the same names in the
declarations. A deviation of one axis is that of a diagonal covariance.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import multivariate_normal

from lowerbound.dist import MultivariateNormal, Normal, lower_cholesky, positive
from lowerbound.model import VAE, Joint, Param

#: The declarations by name: prior, likelihood, posterior.
KINDS = {
    "diagonal": ("standard", "diagonal", "diagonal"),
    "full covariance": ("standard", "diagonal", "full"),
    "full covariance everywhere": ("full", "full", "full"),
    "constrained": ("standard", "diagonal", "constrained"),
    "diagonal q, full p": ("full", "full", "diagonal"),
}


def random_tril(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a Cholesky factor whose diagonal keeps away from 0."""
    return np.tril(rng.normal(size=(size, size)) / 2, -1) + np.diag(rng.uniform(0.6, 1.5, size))


@dataclass(frozen=True)
class LinearGaussian:
    """The numbers of one model, in NumPy's float64."""

    m: np.ndarray
    S: np.ndarray
    W: np.ndarray
    b: np.ndarray
    R: np.ndarray

    @classmethod
    def random(cls, seed: int, num_latents: int, num_observed: int, kind: str) -> "LinearGaussian":
        """Draw a model of a kind of `KINDS`."""
        rng = np.random.default_rng(seed)
        prior, likelihood, _ = KINDS[kind]
        loc, tril = rng.normal(size=num_latents), random_tril(rng, num_latents)
        noise = random_tril(rng, num_observed)
        return cls(
            m=np.zeros(num_latents) if prior == "standard" else loc,
            S=np.eye(num_latents) if prior == "standard" else tril,
            W=rng.normal(size=(num_observed, num_latents)),
            b=rng.normal(size=num_observed),
            R=np.diag(np.diagonal(noise)) if likelihood == "diagonal" else noise,
        )

    def draw(self, seed: int, num: int) -> np.ndarray:
        """Draw data from p(x)."""
        rng = np.random.default_rng(seed)
        z = self.m + rng.normal(size=(num, len(self.m))) @ self.S.T
        return z @ self.W.T + self.b + rng.normal(size=(num, len(self.b))) @ self.R.T

    def evidence(self, x: np.ndarray) -> Any:
        """Return log p(x), one number a row, by SciPy."""
        cov = self.W @ self.S @ self.S.T @ self.W.T + self.R @ self.R.T
        return multivariate_normal(self.W @ self.m + self.b, cov).logpdf(x)

    def posterior(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return A, c and L of p(z | x)."""
        precision, prior = np.linalg.inv(self.R @ self.R.T), np.linalg.inv(self.S @ self.S.T)
        cov = np.linalg.inv(prior + self.W.T @ precision @ self.W)
        A = cov @ self.W.T @ precision
        return A, cov @ prior @ self.m - A @ self.b, np.linalg.cholesky(cov)

    def gap(self, q: tuple[np.ndarray, np.ndarray, np.ndarray], x: np.ndarray) -> float:
        """Return KL(q(z | x) || p(z | x)) for A, c and L of q."""
        A, c, L = self.posterior()
        precision, shift, cov = np.linalg.inv(L @ L.T), (q[0] - A) @ x + q[1] - c, q[2] @ q[2].T
        log_dets = np.linalg.slogdet(precision)[1] + np.linalg.slogdet(cov)[1]
        return 0.5 * (np.trace(precision @ cov) + shift @ precision @ shift - len(c) - log_dets)

    def wrong_posterior(self, seed: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return another A, c and L, such as a kind of `KINDS` has."""
        rng = np.random.default_rng(seed)
        A, c, L = self.posterior()
        tril = random_tril(rng, len(L))
        tril = np.diag(np.diagonal(tril)) if KINDS[kind][2] == "diagonal" else tril
        return A + rng.normal(size=A.shape) / 4, c + rng.normal(size=c.shape) / 2, tril

    def declare(self, kind: str, q: tuple[np.ndarray, np.ndarray, np.ndarray]) -> VAE:
        """Declare the model with the library; all numbers are parameters."""
        prior, likelihood, posterior = KINDS[kind]
        A, c, L = q
        size = len(self.m)
        if prior == "standard":
            p: dict[str, Any] = {"z": Normal(jnp.zeros(size), 1.0)}
        else:
            p = {
                "z": lambda m, S: MultivariateNormal(m, scale_tril=jnp.tril(S)),
                "m": jnp.asarray(self.m),
                "S": jnp.asarray(self.S),
            }
        if likelihood == "diagonal":
            p["x"] = lambda z, W, b, R: Normal(W @ z + b, R)
            p["R"] = Param(jnp.asarray(np.diagonal(self.R)), support=positive)
        else:
            p["x"] = lambda z, W, b, R: MultivariateNormal(W @ z + b, scale_tril=jnp.tril(R))
            p["R"] = jnp.asarray(self.R)
        if posterior == "diagonal":
            Q: dict[str, Any] = {"z": lambda x, A, c, L: Normal(A @ x + c, L)}
            Q["L"] = Param(jnp.asarray(np.diagonal(L)), support=positive)
        else:
            Q = {"z": lambda x, A, c, L: MultivariateNormal(A @ x + c, scale_tril=jnp.tril(L))}
            Q["L"] = Param(jnp.asarray(L), support=lower_cholesky) if posterior == "constrained" else jnp.asarray(L)
        return VAE(
            Joint(p, W=jnp.asarray(self.W), b=jnp.asarray(self.b)),
            Joint(Q, A=jnp.asarray(A), c=jnp.asarray(c)),
            key=jax.random.key(0),
        )


def closed_form_elbo(values: Mapping[str, Any], x: Any) -> Any:
    """Return E_q[log p(x, z)] + H(q) from the parameters' values, without draws: what gradients are compared with."""
    W, b, A, c, R, L = (values[name] for name in "WbAcRL")
    cov = _covariance(L)
    loc = A @ x + c
    bound = 0.5 * len(loc) * (1 + math.log(2 * math.pi)) + _log_det(L)
    for shift, spread, deviation in (
        (x - W @ loc - b, W @ cov @ W.T, R),
        (loc - values.get("m", 0.0), cov, values.get("S", jnp.ones(len(loc)))),
    ):
        squares = jnp.outer(shift, shift) + spread  # E[(x - Wz - b)(x - Wz - b)ᵀ], and that of z - m
        if deviation.ndim == 1:
            total = jnp.sum(jnp.diagonal(squares) / deviation**2)
        else:
            total = jnp.trace(jnp.linalg.inv(_covariance(deviation)) @ squares)
        bound = bound - 0.5 * (total + len(shift) * math.log(2 * math.pi)) - _log_det(deviation)
    return bound


def _covariance(deviation: Any) -> Any:
    return jnp.diag(deviation**2) if deviation.ndim == 1 else jnp.tril(deviation) @ jnp.tril(deviation).T


def _log_det(deviation: Any) -> Any:
    return jnp.sum(jnp.log(deviation if deviation.ndim == 1 else jnp.diagonal(deviation)))


def hermite(size: int, order: int = 3) -> tuple[Any, Any]:
    """Return nodes (num, size) and weights (num,) of E[f(ε)], ε ~ N(0, I), exact for degrees below 2 x order."""
    points, weights = np.polynomial.hermite_e.hermegauss(order)
    nodes = np.array(list(itertools.product(points, repeat=size)))
    products = np.prod(np.array(list(itertools.product(weights / weights.sum(), repeat=size))), axis=1)
    return jnp.asarray(nodes), jnp.asarray(products)


def corners(size: int) -> Any:
    """Return the 2**size corners (±1, ..., ±1): Gauss-Hermite nodes of order 2, whose weights are all the same."""
    return jnp.asarray(np.array(list(itertools.product((-1.0, 1.0), repeat=size))))


def line(reach: float = 10.0, step: float = 0.25) -> tuple[Any, Any]:
    """Return nodes and weights of E[f(ε)], ε ~ N(0, 1), by the trapezoid rule.

    Its error falls like exp(-2π d / step) where f is analytic within a distance d of the real axis.
    """
    nodes = np.arange(-reach, reach + step / 2, step)
    return jnp.asarray(nodes), jnp.asarray(step * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi))
