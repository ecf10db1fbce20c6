"""Parameters with a prior: KL(θ), the bound on all data, and scores that do not know N."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

import lowerbound as lb
from linear_gaussian import hermite, line, random_tril
from lowerbound.dist import Gamma, MultivariateNormal, Normal, kl
from lowerbound.model._realize import MeanField
from lowerbound.objective import ELBO, IWAE, elbo

ROUNDING = 1e-10
KEY = jax.random.key(0)
SIGMA = 0.7


class Regression:
    """y = u · w + noise of a known deviation, w ~ N(0, I): posterior and evidence of all rows are known."""

    def __init__(self, seed, rows=6, size=2):
        rng = np.random.default_rng(seed)
        self.u, self.rng = rng.normal(size=(rows, size)), rng
        self.y = self.u @ rng.normal(size=size) + SIGMA * rng.normal(size=rows)
        self.data = {"u": self.u, "y": self.y}
        precision = np.eye(size) + self.u.T @ self.u / SIGMA**2
        self.cov = np.linalg.inv(precision)
        self.loc = self.cov @ self.u.T @ self.y / SIGMA**2

    @property
    def evidence(self):
        cov = self.u @ self.u.T + SIGMA**2 * np.eye(len(self.y))
        return stats.multivariate_normal(np.zeros(len(self.y)), cov).logpdf(self.y)

    def declare(self, loc, tril):
        p = lb.Joint(
            u=lb.Input(len(loc)),
            y=lambda u, w: Normal(u @ w, SIGMA),
            w=lb.Param(jnp.zeros(len(loc)), prior=Normal(0.0, 1.0)),
        )
        q = lb.Joint(
            w=lambda loc, tril: MultivariateNormal(loc, scale_tril=jnp.tril(tril)),
            loc=jnp.asarray(loc),
            tril=jnp.asarray(tril),
        )
        return lb.VAE(p, q, key=KEY)

    def gap(self, loc, tril):
        """Return KL(q(w) || p(w | y))."""
        precision, shift = np.linalg.inv(self.cov), loc - self.loc
        log_dets = np.linalg.slogdet(precision)[1] + 2 * np.log(np.diagonal(tril)).sum()
        return 0.5 * (np.trace(precision @ tril @ tril.T) + shift @ precision @ shift - len(loc) - log_dets)


def bound_on_all_data(vae, data, size):
    """Integrate Σ_n elbo(x_n) - KL(θ) over Gauss-Hermite nodes of the one draw of `w`."""
    nodes, weights = hermite(size)
    rows = {name: jnp.asarray(values) for name, values in data.items()}

    def at(node):
        scores = jax.vmap(lambda row: elbo(vae, row, {"w": node}))(rows)
        return jnp.sum(scores) - vae.realize({"w": node}).kl["w"]

    return weights @ jax.jit(jax.vmap(at))(nodes)


@pytest.mark.parametrize("seed", range(2))
def test_bound_of_a_regression_is_its_evidence_less_the_gap(seed):
    """At the exact posterior, declared in q with full covariance, the bound on all rows is log p(y) itself."""
    regression = Regression(seed)
    exact = regression.loc, np.linalg.cholesky(regression.cov)
    wrong = regression.rng.normal(size=2), random_tril(regression.rng, 2)
    for loc, tril in (exact, wrong):
        bound = bound_on_all_data(regression.declare(loc, tril), regression.data, 2)
        np.testing.assert_allclose(bound, regression.evidence - regression.gap(loc, tril), rtol=0, atol=ROUNDING)
        assert bound <= regression.evidence + ROUNDING
    assert regression.gap(*exact) < ROUNDING < 0.1 < regression.gap(*wrong)


def step_value(regression, node, monkeypatch):
    """Return the objective that one step of `fit` over all rows reports, at one draw of w; times N."""
    monkeypatch.setattr("lowerbound.training._step.parameter_noise", lambda *_: {"w": node})
    vae = regression.declare(regression.loc, np.linalg.cholesky(regression.cov))
    ascent = optax.sgd(0.1)
    run = lb.fit(vae, regression.data, ELBO(), key=KEY, optimizer=ascent, batch_size=6, steps=1, progress=False)
    assert "-KL(q(w) || p(w)) / N" in run.history.terms
    assert run.vae.num_data == 6
    return 6 * sum(values[0] for values in run.history.terms.values())


def assert_step_bounds_the_evidence(monkeypatch):
    """One latent weight has two Gauss-Hermite nodes of order 2, of equal weight: a step at each, and their mean."""
    regression = Regression(4, size=1)
    values = [step_value(regression, jnp.array([sign]), monkeypatch) for sign in (-1.0, 1.0)]
    np.testing.assert_allclose(np.mean(values), regression.evidence, rtol=0, atol=ROUNDING)


def test_step_spreads_the_kl_over_all_data(monkeypatch):
    """N times what `fit` reports for a step is the bound on all rows: here the evidence itself."""
    assert_step_bounds_the_evidence(monkeypatch)


def test_a_wrong_share_of_the_kl_fails(monkeypatch):
    monkeypatch.setattr("lowerbound.model._realize.kl", lambda q, p: 1.01 * kl(q, p))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_step_bounds_the_evidence(monkeypatch)


def test_bound_of_ppca_with_a_random_mean_is_its_evidence():
    """μ random and shared, z_n local, x_n = W z_n + μ + noise; q(μ) and q(z | x, μ) exact: Σ_n elbo - KL(μ) = log p."""
    rng = np.random.default_rng(0)
    W, rows, size = np.array([[1.2], [-0.6]]), 4, 2
    xs = rng.normal(size=(rows, size))
    local = W @ W.T + SIGMA**2 * np.eye(size)  # of x given μ
    cov = np.kron(np.ones((rows, rows)), np.eye(size)) + np.kron(np.eye(rows), local)
    evidence = stats.multivariate_normal(np.zeros(rows * size), cov).logpdf(xs.ravel())
    mean_cov = np.linalg.inv(np.eye(size) + rows * np.linalg.inv(local))
    mean_loc = mean_cov @ np.linalg.inv(local) @ xs.sum(0)
    variance = 1 / (1 + np.sum(W**2) / SIGMA**2)
    A = variance * W.T / SIGMA**2
    p = lb.Joint(
        z=Normal(jnp.zeros(1), 1.0),
        x=lambda z, W, mu: Normal(W @ z + mu, SIGMA),
        W=lb.Fixed(W),
        mu=lb.Param(jnp.zeros(size), prior=Normal(0.0, 1.0)),
    )
    q = lb.Joint(
        z=lambda x, mu: Normal(A @ (x - mu), math.sqrt(variance)),
        mu=lambda loc, tril: MultivariateNormal(loc, scale_tril=jnp.tril(tril)),
        loc=jnp.asarray(mean_loc),
        tril=jnp.asarray(np.linalg.cholesky(mean_cov)),
    )
    vae, (nodes, weights), (inner, inner_weights) = lb.VAE(p, q, key=KEY), hermite(size), hermite(1)

    def at(node):
        def score(x):
            draws = jax.vmap(lambda eps: elbo(vae, {"x": x}, {"z": eps, "mu": node}))(inner)
            return inner_weights @ draws

        return jnp.sum(jax.vmap(score)(jnp.asarray(xs))) - vae.realize({"mu": node}).kl["mu"]

    np.testing.assert_allclose(weights @ jax.jit(jax.vmap(at))(nodes), evidence, rtol=0, atol=ROUNDING)


# KL(θ) against quadrature.


def random_scale(prior, **more):
    p = lb.Joint(x=lambda s: Normal(0.0, 1.0 + s**2), s=lb.Param(jnp.array(0.8), prior=prior), **more)
    vae = lb.VAE(p, key=KEY)
    field = MeanField(jnp.array(-0.3), jnp.log(jnp.array(0.6)))
    vae.free["s"] = field
    return vae


def kl_by_quadrature(log_prior):
    """Integrate q (log q - log p) with q = N(-0.3, 0.6²) in unconstrained units."""
    q, t = stats.norm(-0.3, 0.6), np.arange(-6.5, 6.0, 0.01)  # the trapezoid rule, far finer than it need be
    return np.sum(0.01 * q.pdf(t) * (q.logpdf(t) - log_prior(t)))


def test_closed_form_kl_of_a_parameter_is_its_integral():
    """Whatever the draw is; also where the scale of the prior is itself a parameter."""
    for prior, more in ((Normal(0.5, 2.0), {}), (lambda tau: Normal(0.5, tau), {"tau": jnp.array(2.0)})):
        vae = random_scale(prior, **more)
        ours = [vae.realize({"s": [jnp.array(eps)]}).kl["s"] for eps in (-1.0, 2.0)]
        expected = kl_by_quadrature(stats.norm(0.5, 2.0).logpdf)
        np.testing.assert_allclose(ours, [expected] * 2, rtol=0, atol=ROUNDING)


def test_sampled_kl_of_a_positive_parameter_integrates_to_it():
    """Under a Gamma prior q is log-normal, a pair that the table lacks: log q - log p at the draw, in s's own units."""
    vae, (nodes, weights) = random_scale(Gamma(2.0, 3.0)), line()
    draws = jax.jit(jax.vmap(lambda eps: vae.realize({"s": [eps]}).kl["s"]))(nodes)
    # With t = log s, the prior's density of t is that of s times ds/dt = s.
    expected = kl_by_quadrature(lambda t: stats.gamma(2.0, scale=1 / 3).logpdf(np.exp(t)) + t)
    np.testing.assert_allclose(weights @ draws, expected, rtol=0, atol=ROUNDING)
    value = vae.realize({"s": [jnp.array(1.0)]}).values["s"]
    np.testing.assert_allclose(value, math.exp(-0.3 + 0.6), rtol=ROUNDING)


# N never enters a score.


@pytest.mark.parametrize("how", [ELBO(2), IWAE(3)], ids=lambda how: how.name)
def test_score_of_a_datum_does_not_depend_on_the_batch(how):
    """Bit for bit the same alone and among 16, and whatever N the model was trained on."""
    regression = Regression(5, rows=16)
    vae, data = regression.declare(np.ones(2), np.eye(2)), lb.Data(regression.data)
    everything = lb.evaluate(vae, data, how, key=KEY)
    alone = lb.evaluate(vae, data[3:4], how, key=KEY)
    np.testing.assert_array_equal(alone.values, everything.values[3:4])
    assert alone.parameter_kl == everything.parameter_kl
    run = lb.fit(vae, data, ELBO(), key=KEY, optimizer=optax.sgd(0.0), steps=1, progress=False)
    assert run.vae.num_data == 16
    np.testing.assert_array_equal(lb.evaluate(run.vae, data, how, key=KEY).values, everything.values)
    # KL(q || p) for q = N((1, 1), I) and p = N(0, I) is 1 nat; the draws' mean log-densities have no part in it.
    np.testing.assert_allclose(everything.parameter_kl["w"], 1.0, rtol=0, atol=ROUNDING)


def test_evaluate_averages_over_draws_of_the_parameters():
    """Its values, over what draws of w it takes, agree with E_q[log p(y | w)] in closed form, row by row."""
    regression = Regression(6, rows=3)
    loc, tril = np.array([0.5, -0.2]), 0.01 * np.eye(2)
    estimate = lb.evaluate(regression.declare(loc, tril), regression.data, ELBO(), key=jax.random.key(2))
    spread = 0.01**2 * np.sum(regression.u**2, axis=1)
    squares = (regression.y - regression.u @ loc) ** 2 + spread
    expected = -0.5 * squares / SIGMA**2 - math.log(SIGMA) - 0.5 * math.log(2 * math.pi)
    # Eight draws: Student's t at 1e-6 / 3 on seven degrees of freedom.
    allowed = stats.t(7).ppf(1 - 1e-6 / 6) * estimate.standard_errors
    assert (np.abs(estimate.values - expected) <= allowed).all()
    assert (allowed < 2).all(), allowed  # an N or a KL(w) in the score would show
