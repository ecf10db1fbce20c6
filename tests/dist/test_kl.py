"""The table of divergences: against quadrature and enumeration, in float64, at random parameters."""

import re
from itertools import pairwise, product
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dist_members import BETALN
from numpyro import distributions as numpyro
from scipy import integrate, special, stats

from lowerbound import dist
from lowerbound.dist import has_kl, kl

EPS = np.finfo(np.float64).eps
QUADRATURE = 1e-9  # what is asked of SciPy's integrator


def divergence(make_q, make_p):
    """KL(q || p), compiled as a whole."""
    return jax.jit(lambda: kl(make_q(), make_p()))()


def laplace(a, b):
    """SciPy's takes the logarithm of a density that underflows."""
    return SimpleNamespace(logpdf=lambda x: -abs(x - a) / b - np.log(2 * b), median=lambda: a)


# Name, law from two numbers, SciPy's law of them, the range of the numbers, where to integrate.
SCALAR = {
    "Normal": (dist.Normal, stats.norm, (-1, 1), (0.3, 2), (-np.inf, np.inf)),
    "LogNormal": (dist.LogNormal, lambda a, b: stats.lognorm(b, scale=np.exp(a)), (-1, 1), (0.3, 0.9), (0, np.inf)),
    "Laplace": (dist.Laplace, laplace, (-1, 1), (0.3, 2), (-np.inf, np.inf)),
    "Gamma": (dist.Gamma, lambda a, b: stats.gamma(a, scale=1 / b), (0.8, 3), (0.3, 2), (0, np.inf)),
    "Beta": (dist.Beta, stats.beta, (0.8, 3), (0.8, 3), (0, 1)),
    "Exponential": (
        lambda a, _: dist.Exponential(a),
        lambda a, _: stats.expon(scale=1 / a),
        (0.3, 2),
        (0, 1),
        (0, np.inf),
    ),
    "Weibull": (dist.Weibull, lambda a, b: stats.weibull_min(b, scale=a), (0.5, 2), (0.9, 3), (0, np.inf)),
}
PAIRS = [(name, name) for name in SCALAR if name != "Weibull"] + [("Weibull", "Gamma")]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("q_name", "p_name"), PAIRS)
def test_scalar_pairs_agree_with_quadrature(q_name, p_name, seed):
    rng = np.random.default_rng(seed)
    make_q, scipy_q, *ranges_q, ends = SCALAR[q_name]
    make_p, scipy_p, *ranges_p, _ = SCALAR[p_name]
    at_q, at_p = ([rng.uniform(*ends) for ends in ranges] for ranges in (ranges_q, ranges_p))
    log_q, log_p = scipy_q(*at_q).logpdf, scipy_p(*at_p).logpdf
    centre = scipy_q(*at_q).median()
    kink = at_p[0] if p_name == "Laplace" else centre + 1e-3
    knots = [ends[0], *sorted({centre, kink}), ends[1]]

    def integrand(x):
        return np.exp(log_q(x)) * (log_q(x) - log_p(x)) if np.isfinite(log_q(x)) else 0.0

    pieces = pairwise(knots)
    expected = sum(integrate.quad(integrand, *ends, epsabs=1e-11, epsrel=1e-11, limit=500)[0] for ends in pieces)
    with jax.enable_x64(True):
        ours = divergence(lambda: make_q(*at_q), lambda: make_p(*at_p))
    assert has_kl(make_q(*at_q), make_p(*at_p))
    assert abs(float(ours) - expected) <= (BETALN if q_name == "Beta" else QUADRATURE)


def gaussians(rng, kind, size):
    """A Gaussian vector of one of the three classes, its mean and its covariance."""
    loc = rng.normal(size=size)
    if kind == "Normal":
        scale = rng.uniform(0.3, 2, size)
        return lambda: dist.Normal(loc, scale), loc, np.diag(scale**2)
    if kind == "MultivariateNormal":
        factor = np.tril(rng.normal(size=(size, size)), -1) + np.diag(rng.uniform(0.3, 2, size))
        return lambda: dist.MultivariateNormal(loc, scale_tril=factor), loc, factor @ factor.T
    factor, diagonal = rng.normal(size=(size, 2)), rng.uniform(0.3, 2, size)
    return lambda: dist.LowRankMultivariateNormal(loc, factor, diagonal), loc, factor @ factor.T + np.diag(diagonal)


KINDS = ["Normal", "MultivariateNormal", "LowRankMultivariateNormal"]


@pytest.mark.parametrize(("q_kind", "p_kind"), list(product(KINDS, KINDS)))
def test_gaussian_pairs_agree_with_quadrature(q_kind, p_kind):
    """log q - log p is quadratic, so three nodes of Gauss and Hermite an axis integrate it exactly."""
    rng = np.random.default_rng(0)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(3)
    grid = np.array(list(product(nodes, repeat=3)))
    weights = np.array(list(product(node_weights / node_weights.sum(), repeat=3))).prod(1)
    with jax.enable_x64(True):
        q, loc_q, cov_q = gaussians(rng, q_kind, 3)
        p, loc_p, cov_p = gaussians(rng, p_kind, 3)
        x = loc_q + grid @ np.linalg.cholesky(cov_q).T
        log_q, log_p = stats.multivariate_normal(loc_q, cov_q), stats.multivariate_normal(loc_p, cov_p)
        expected = weights @ (log_q.logpdf(x) - log_p.logpdf(x))
        assert has_kl(*jax.eval_shape(lambda: (q(), p())))
        np.testing.assert_allclose(divergence(q, p), expected, rtol=2**12 * EPS)


def test_dirichlet_is_the_expectation():
    """Each log x is integrated under its marginal, a beta; the constants are exact."""
    a, b = np.array([1.5, 2.0, 0.8]), np.array([1.0, 3.0, 2.0])
    log_beta = lambda c: special.gammaln(c).sum() - special.gammaln(c.sum())
    means = [
        integrate.quad(lambda x, m=m: np.log(x) * stats.beta(m, a.sum() - m).pdf(x), 0, 1, epsabs=1e-11)[0] for m in a
    ]
    with jax.enable_x64(True):
        ours = divergence(lambda: dist.Dirichlet(a), lambda: dist.Dirichlet(b))
    assert abs(float(ours) - (log_beta(b) - log_beta(a) + (a - b) @ means)) <= QUADRATURE


def test_uniform_is_the_ratio_of_lengths_or_infinite():
    assert kl(dist.Uniform(0.0, 1.0), dist.Uniform(-1.0, 3.0)) == jnp.log(4.0)
    assert kl(dist.Uniform(0.0, 1.0), dist.Uniform(0.5, 3.0)) == jnp.inf
    assert kl(dist.Uniform(0.0, 1.0), dist.Uniform(0.0, 1.0)) == 0


def test_poisson_is_the_sum():
    k = np.arange(200)
    q, p = stats.poisson(3.7), stats.poisson(2.2)
    with jax.enable_x64(True):
        ours = kl(dist.Poisson(3.7), dist.Poisson(2.2))
    np.testing.assert_allclose(ours, np.sum(q.pmf(k) * (q.logpmf(k) - p.logpmf(k))), rtol=2**10 * EPS)


def bits(kind, logits):
    probs = special.expit(logits)
    return {
        "ours": lambda: dist.Bernoulli(logits),
        "logits": lambda: numpyro.Bernoulli(logits=logits),
        "probs": lambda: numpyro.Bernoulli(probs=probs),
    }[kind](), np.stack([1 - probs, probs], -1)


def classes(kind, logits):
    probs = special.softmax(logits, -1)
    return {
        "logits": lambda: dist.Categorical(logits=logits),
        "probs": lambda: dist.Categorical(probs=probs),
    }[kind](), probs


@pytest.mark.parametrize(
    ("make", "q_kind", "p_kind"),
    [(bits, *pair) for pair in product(["ours", "logits", "probs"], repeat=2)]
    + [(classes, *pair) for pair in product(["logits", "probs"], repeat=2)],
)
def test_finite_pairs_agree_with_enumeration(make, q_kind, p_kind):
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        (q, probs_q), (p, probs_p) = make(q_kind, rng.normal(size=(3, 4))), make(p_kind, rng.normal(size=(3, 4)))
        assert has_kl(q, p)
        np.testing.assert_allclose(jax.jit(kl)(q, p), np.sum(probs_q * np.log(probs_q / probs_p)), rtol=2**8 * EPS)


def test_impossible_states():
    sure, fair = dist.Categorical(probs=jnp.array([0.0, 1.0])), dist.Categorical(probs=jnp.array([0.5, 0.5]))
    np.testing.assert_allclose(kl(sure, fair), np.log(2), rtol=1e-6)
    assert kl(fair, sure) == jnp.inf
    assert kl(sure, sure) == 0
    assert jax.grad(lambda logit: kl(dist.Bernoulli(logit), dist.Bernoulli(0.0)))(200.0) == 0
    np.testing.assert_allclose(kl(dist.Bernoulli(200.0), dist.Bernoulli(-200.0)), 200.0)


EQUAL = {
    "Normal": lambda a: dist.Normal(a, jnp.exp(a)),
    "LogNormal": lambda a: dist.LogNormal(a, jnp.exp(a)),
    "MultivariateNormal": lambda a: dist.MultivariateNormal(a, scale_tril=jnp.diag(jnp.exp(a)) + np.tri(3, k=-1)),
    "Categorical": lambda a: dist.Categorical(logits=a),
    "Bernoulli": lambda a: dist.Bernoulli(a),
    "Gamma": lambda a: dist.Gamma(jnp.exp(a), jnp.exp(-a)),
    "Beta": lambda a: dist.Beta(jnp.exp(a), jnp.exp(-a)),
    "Dirichlet": lambda a: dist.Dirichlet(jnp.exp(a)),
    "Laplace": lambda a: dist.Laplace(a, jnp.exp(a)),
    "Exponential": lambda a: dist.Exponential(jnp.exp(a)),
    "Poisson": lambda a: dist.Poisson(jnp.exp(a)),
    "Uniform": lambda a: dist.Uniform(a, a + 1),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_laws_diverge_by_nothing(name):
    """And, being at the least value, with no slope in either of them. (A uniform is at the end of its range.)"""
    at = jnp.array([-1.3, 0.0, 0.7])
    divergence = lambda a, b: kl(EQUAL[name](a), EQUAL[name](b))
    value, slopes = jax.jit(jax.value_and_grad(divergence, (0, 1)))(at, at)
    rounding = 32 * np.finfo(np.float32).eps
    assert abs(float(value)) <= rounding
    if name != "Uniform":
        np.testing.assert_allclose(slopes, np.zeros((2, 3)), atol=rounding)


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_small_divergences_of_normals_keep_their_digits(gap):
    """For scales e^u and 1 it is u² + O(u³): in float32, r² − 1 − log r² has nothing left of it."""
    scale = np.float32(np.exp(gap))
    u = np.log(np.float64(scale))
    error = abs(float(kl(dist.Normal(0.0, scale), dist.Normal(0.0, 1.0))) - (0.5 * np.expm1(2 * u) - u))
    assert error <= 4 * np.finfo(np.float32).eps * u


def test_tiny_and_huge_scales_do_not_overflow():
    np.testing.assert_allclose(kl(dist.Normal(0.0, 1e-30), dist.Normal(0.0, 1.0)), 30 * np.log(10) - 0.5, rtol=1e-6)


WRAPPED = {
    "lazily broadcast": lambda loc: dist.Normal(jnp.full(20, loc), 1.0),
    "expanded": lambda loc: dist.Normal(loc, 1.0).expand((20,)),
    "an event": lambda loc: dist.Normal(loc, jnp.ones(20)).to_event(1),
    "expanded event": lambda loc: dist.Normal(loc, 1.0).expand((20,)).to_event(1),
    "vectors": lambda loc: dist.MultivariateNormal(jnp.full(20, loc), jnp.eye(20)),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("prior", ["expanded", "lazily broadcast"])
def test_wrappers_are_seen_through(name, prior):
    q, p = WRAPPED[name], WRAPPED[prior]
    assert has_kl(*jax.eval_shape(lambda: (q(0.5), p(0.0))))
    np.testing.assert_allclose(divergence(lambda: q(0.5), lambda: p(0.0)), 20 * 0.125, rtol=1e-5)


def vectors(batch):
    return dist.MultivariateNormal(jnp.ones((*batch, 3)), scale_tril=jnp.eye(3))


BATCHES = [
    (lambda: vectors((2, 3)), lambda: dist.Normal(jnp.zeros(3), 1.0).expand((2, 3, 3))),
    (lambda: dist.Normal(jnp.zeros(3), 1.0).expand((2, 3, 3)), lambda: vectors(()).expand((2, 3))),
    (
        lambda: dist.Categorical(logits=jnp.arange(2.0)).expand((2, 3)),
        lambda: dist.Categorical(logits=jnp.zeros((2, 3, 2))),
    ),
    (lambda: dist.Dirichlet(jnp.ones(3)).expand((2, 3)), lambda: dist.Dirichlet(jnp.full((2, 3, 3), 2.0))),
]
ENTRIES = [
    (lambda: vectors(()), lambda: dist.Normal(jnp.zeros(3), 1.0)),
    (lambda: dist.Normal(jnp.zeros(3), 1.0), lambda: vectors(())),
    (lambda: dist.Categorical(logits=jnp.arange(2.0)), lambda: dist.Categorical(logits=jnp.zeros(2))),
    (lambda: dist.Dirichlet(jnp.ones(3)), lambda: dist.Dirichlet(jnp.full(3, 2.0))),
]


@pytest.mark.parametrize(("batch", "entry"), list(zip(BATCHES, ENTRIES, strict=True)), ids=range(4))
def test_a_batch_is_summed(batch, entry):
    np.testing.assert_allclose(divergence(*batch), 6 * divergence(*entry), rtol=1e-6)


@pytest.mark.parametrize(
    ("q", "p"),
    [
        (dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)),
        (dist.Normal(jnp.zeros(2), 1.0).mask(jnp.ones(2, bool)), dist.Normal(jnp.zeros(2), 1.0)),
        (dist.Normal(jnp.zeros(2), 1.0), dist.Normal(jnp.zeros(2), 1.0).mask(False)),
        (dist.Kumaraswamy(1.0, 1.0), dist.Beta(1.0, 1.0)),
        (dist.Bernoulli(0.0), dist.Categorical(logits=jnp.zeros(2))),
        (dist.StudentT(3.0), dist.Normal(0.0, 1.0)),
        (dist.Gamma(1.0, 1.0), dist.Weibull(1.0, 1.0)),
        (dist.LogNormal(0.0, 1.0), dist.Normal(0.0, 1.0)),
    ],
    ids=range(8),
)
def test_other_pairs_are_refused(q, p):
    assert not has_kl(q, p)
    message = (
        f"No closed form is known for KL({type(q).__name__} || {type(p).__name__}). "
        "Ask `has_kl` first, and average log q - log p over draws of q where it says no."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        kl(q, p)


@pytest.mark.parametrize("shape", [(), (1,), (5, 20)])
def test_shapes_that_would_broadcast_are_refused(shape):
    message = f"q draws shape (20,), but p draws {shape}. A divergence needs them to be the same."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kl(dist.Normal(jnp.zeros(20), 1.0), dist.Normal(jnp.zeros(shape), 1.0))


def test_different_numbers_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"^q has 3 classes, but p has 2\.$"):
        kl(dist.Categorical(logits=jnp.zeros(3)), dist.Categorical(logits=jnp.zeros(2)))
