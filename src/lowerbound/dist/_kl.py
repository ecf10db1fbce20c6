"""The table of Kullback-Leibler divergences in closed form."""

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float
from numpyro.distributions import (
    BernoulliLogits,
    BernoulliProbs,
    Beta,
    CategoricalLogits,
    CategoricalProbs,
    Dirichlet,
    Distribution,
    ExpandedDistribution,
    Exponential,
    Gamma,
    Independent,
    Laplace,
    LogNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    Weibull,
    kl_divergence,
)

from lowerbound._types import Nats
from lowerbound.dist._bernoulli import Bernoulli

# A formula takes the two laws without their wrappers and the shape of a draw, and returns nats that are still to be
# summed.
_Formula = Callable[[Any, Any, tuple[int, ...]], Float[Array, "..."]]


def has_kl(q: Distribution, p: Distribution) -> bool:
    """Say whether KL(q || p) is known in closed form.

    Decided by the types alone, so leaves may be abstract, as `jax.eval_shape` gives them. `Independent` and expanded
    distributions are seen through. A masked one has no closed form here.
    """
    return (type(_law(q)), type(_law(p))) in _TABLE


def kl(q: Distribution, p: Distribution) -> Nats:
    r"""Compute $\mathrm{KL}(q \,\|\, p) = \mathbb{E}_q[\log q - \log p]$ in closed form.

    Args:
        q: Where the expectation is taken.
        p: What it is compared with; it draws the same shape.

    Returns:
        One number in nats, at least 0 but for rounding: summed over all axes.

    Raises:
        TypeError: The table lacks the pair; `has_kl` says so beforehand.
        ValueError: The two draw different shapes, or have different numbers of classes.
    """
    if not has_kl(q, p):
        raise TypeError(
            f"No closed form is known for KL({type(_law(q)).__name__} || {type(_law(p)).__name__}). "
            "Ask `has_kl` first, and average log q - log p over draws of q where it says no."
        )
    if q.shape() != p.shape():
        raise ValueError(f"q draws shape {q.shape()}, but p draws {p.shape()}. A divergence needs them to be the same.")
    inner_q, inner_p = _law(q), _law(p)
    formula = _TABLE[type(inner_q), type(inner_p)]
    return jnp.sum(formula(inner_q, inner_p, q.shape()))


def _law(distribution: Distribution) -> Distribution:
    """The distribution within wrappers that only rearrange or repeat it."""
    while isinstance(distribution, (Independent, ExpandedDistribution)):
        distribution = distribution.base_dist
    return distribution


def _spread(distribution: Any, shape: tuple[int, ...]) -> Any:
    """The same law with each parameter written out over the batch of a draw of this shape."""
    batch = shape[: len(shape) - distribution.event_dim]
    parameters = {}
    for name, constraint in distribution.arg_constraints.items():
        value = jnp.asarray(getattr(distribution, name))
        parameters[name] = jnp.broadcast_to(value, batch + value.shape[value.ndim - constraint.event_dim :])
    return type(distribution)(**parameters, validate_args=False)


def _numpyro(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    return kl_divergence(_spread(q, shape), _spread(p, shape))


def _normal(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    q, p = _spread(q, shape), _spread(p, shape)
    # ½(r² − 1 + t²) − log r for r = σ_q / σ_p, with r² − 1 as expm1(2 log r): near r = 1 little is left of either
    # r² − 1 or log r, and both have to be right.
    log_ratio = jnp.log(q.scale / p.scale)
    return 0.5 * (jnp.expm1(2 * log_ratio) + ((q.loc - p.loc) / p.scale) ** 2) - log_ratio


def _gaussian(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    def divergence(
        loc_q: Float[Array, " dim"],
        tril_q: Float[Array, "dim dim"],
        loc_p: Float[Array, " dim"],
        tril_p: Float[Array, "dim dim"],
    ) -> Nats:
        # ½(tr Σ_p⁻¹Σ_q + |L_p⁻¹(μ_q − μ_p)|² − D) + log|L_p| − log|L_q|, both squares from one triangular solve.
        columns = jnp.concatenate([tril_q, (loc_q - loc_p)[:, None]], axis=1)
        squares = jnp.sum(solve_triangular(tril_p, columns, lower=True) ** 2)
        log_dets = jnp.log(jnp.diagonal(tril_p)) - jnp.log(jnp.diagonal(tril_q))
        return 0.5 * (squares - len(loc_q)) + jnp.sum(log_dets)

    for _ in shape[:-1]:
        divergence = jax.vmap(divergence)
    return divergence(*_loc_and_tril(q, shape), *_loc_and_tril(p, shape))


def _loc_and_tril(
    distribution: Any, shape: tuple[int, ...]
) -> tuple[Float[Array, "*batch dim"], Float[Array, "*batch dim dim"]]:
    """The mean and the Cholesky factor of the covariance of a Gaussian, its last axis taken as the vector."""
    loc = jnp.broadcast_to(distribution.loc, shape)
    law = type(distribution)
    if law is Normal:
        return loc, jnp.vectorize(jnp.diag, signature="(d)->(d,d)")(jnp.broadcast_to(distribution.scale, shape))
    return loc, jnp.broadcast_to(distribution.scale_tril, (*shape, shape[-1]))


def _finite(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    log_q, log_p = _log_masses(_spread(q, shape)), _log_masses(_spread(p, shape))
    if log_q.shape != log_p.shape:
        raise ValueError(f"q has {log_q.shape[-1]} classes, but p has {log_p.shape[-1]}.")
    # A state that q never takes adds nothing, whatever p says of it.
    possible = log_q > -jnp.inf
    return jnp.where(possible, jnp.exp(log_q) * (jnp.where(possible, log_q, 0) - jnp.where(possible, log_p, 0)), 0)


def _log_masses(distribution: Any) -> Float[Array, "*shape num_states"]:
    """The log mass of every state of each entry, normalized."""
    law = type(distribution)
    if law is CategoricalLogits:
        return jax.nn.log_softmax(distribution.logits)
    if law is CategoricalProbs:
        return _log(distribution.probs)
    if law is BernoulliProbs:
        return _log(jnp.stack([1 - distribution.probs, distribution.probs], axis=-1))
    return jax.nn.log_sigmoid(jnp.stack([-distribution.logits, distribution.logits], axis=-1))


def _log(probs: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log of probabilities, whose gradient is 0 rather than NaN at a probability of 0."""
    return jnp.where(probs > 0, jnp.log(jnp.where(probs > 0, probs, 1)), -jnp.inf)


def _laplace(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    q, p = _spread(q, shape), _spread(p, shape)
    distance, ratio = jnp.abs(q.loc - p.loc), q.scale / p.scale
    return ratio * jnp.exp(-distance / q.scale) + distance / p.scale - 1 - jnp.log(ratio)


def _exponential(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    ratio = _spread(p, shape).rate / _spread(q, shape).rate
    return ratio - 1 - jnp.log(ratio)


def _poisson(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    q, p = _spread(q, shape), _spread(p, shape)
    return q.rate * jnp.log(q.rate / p.rate) - q.rate + p.rate


def _uniform(q: Any, p: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    low_q, high_q, low_p, high_p = (jnp.broadcast_to(bound, shape) for bound in (q.low, q.high, p.low, p.high))
    inside = (low_p <= low_q) & (high_q <= high_p)
    return jnp.where(inside, jnp.log((high_p - low_p) / (high_q - low_q)), jnp.inf)


_GAUSSIANS = (Normal, MultivariateNormal, LowRankMultivariateNormal)
_BITS = (Bernoulli, BernoulliLogits, BernoulliProbs)
_CLASSES = (CategoricalLogits, CategoricalProbs)

# Kumaraswamy || Beta is missing on purpose: it is an infinite series, and NumPyro's ten terms of it are an
# approximation, not a bound.
_TABLE: dict[tuple[type, type], _Formula] = {
    **dict.fromkeys(product(_GAUSSIANS, _GAUSSIANS), _gaussian),
    **dict.fromkeys(product(_BITS, _BITS), _finite),
    **dict.fromkeys(product(_CLASSES, _CLASSES), _finite),
    **dict.fromkeys([(Beta, Beta), (Dirichlet, Dirichlet), (Gamma, Gamma), (Weibull, Gamma)], _numpyro),
    (Normal, Normal): _normal,
    (LogNormal, LogNormal): _normal,
    (Laplace, Laplace): _laplace,
    (Exponential, Exponential): _exponential,
    (Poisson, Poisson): _poisson,
    (Uniform, Uniform): _uniform,
}
