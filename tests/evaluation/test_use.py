"""How latents are used: activity and KL against closed forms, and what is said of them."""

import math
from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import lowerbound as lb
from assertions import assert_mean
from linear_gaussian import KINDS, LinearGaussian
from lowerbound.dist import Bernoulli, Categorical, Normal
from lowerbound.evaluation import encode, use_of_latents
from lowerbound.evaluation._use import PRIOR_DRAWS
from lowerbound.nn import Gaussian
from lowerbound.objective import ELBO

KEY = jax.random.key(0)
#: Some sixty rounded operations.
ROUNDING = 64 * float(np.finfo(np.float32).eps)
#: Standard errors that right code exceeds once in 10^6 runs.
Z = NormalDist().inv_cdf(1 - 0.5e-6)
X = np.random.default_rng(0).normal(1, 2, 300).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_kl_and_activity_have_their_closed_forms(kind):
    """By row in NumPy; and activity is the variance of A x + c over data of p, diag(A Cov(x) Aᵀ), within its error, in
    units of the prior's, diag(S Sᵀ).
    """
    model = LinearGaussian.random(1, 2, 3, kind)
    q = model.wrong_posterior(2, kind)
    x = model.draw(3, 20_000).astype(np.float32)
    (use,) = use_of_latents(model.declare(kind, q), {"x": x}, key=KEY)
    assert (use.name, use.size, use.kl_label) == ("z", 2, "KL(q(z | x) || p(z))")
    A, c, L = q
    means, prior = x.astype(np.float64) @ A.T + c, model.S @ model.S.T
    np.testing.assert_allclose(use.activity, means.var(axis=0, ddof=1) / np.diagonal(prior), rtol=ROUNDING)
    shifts = means - model.m
    traces = np.trace(np.linalg.solve(prior, L @ L.T)) + np.sum(shifts * np.linalg.solve(prior, shifts.T).T, axis=1)
    kls = 0.5 * (traces - 2 + np.linalg.slogdet(prior)[1] - np.linalg.slogdet(L @ L.T)[1])
    assert use.kl == pytest.approx(kls.mean(), rel=ROUNDING)
    assert use.kl_standard_error == pytest.approx(kls.std(ddof=1) / math.sqrt(20_000), rel=ROUNDING)
    cov = model.W @ prior @ model.W.T + model.R @ model.R.T
    center, spread = A @ (model.W @ model.m + model.b) + c, np.diagonal(A @ cov @ A.T)
    for entry in range(2):
        assert_mean((means[:, entry] - center[entry]) ** 2, spread[entry], resolves=0.2 * spread[entry])
    assert use.num_active == 2
    assert use.words == f"z is used: 2 of its 2 entries are active, {use.kl:.2f} nats a datum."


def test_likelihood_less_kl_is_the_bound():
    """All is enumerated, so nothing is drawn: the likelihood's average is taken in NumPy, the bound by `evaluate`."""
    p = lb.Joint(
        c=Categorical(logits=jnp.asarray([0.0, 1.0, 2.0])),
        b=lambda c: Bernoulli(logits=1.0 * c),
        x=lambda b, c: Normal(2.0 * b + c, 1.0),
    )
    q = lb.Joint(
        c=lambda x: Categorical(logits=x * jnp.asarray([-1.0, 0.0, 1.0])), b=lambda x, c: Bernoulli(logits=x - c)
    )
    vae = lb.VAE(p, q, key=KEY)
    uses = use_of_latents(vae, {"x": X}, key=KEY)
    assert [use.kl_label for use in uses] == ["KL(q(c | x) || p(c))", "KL(q(b | x, c) || p(b | c))"]
    likelihood = np.zeros(300)
    logits = X[:, None] * np.array([-1.0, 0.0, 1.0])
    q_c = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    for c in range(3):
        q_b = expit(X - c)
        for b, weight in ((0, 1 - q_b), (1, q_b)):
            likelihood += q_c[:, c] * weight * stats.norm.logpdf(X, 2 * b + c, 1)
    bound = lb.evaluate(vae, {"x": X}, ELBO(), key=KEY, progress=False)
    scale = np.abs(likelihood).mean()
    assert likelihood.mean() - sum(use.kl for use in uses) == pytest.approx(bound.mean, abs=ROUNDING * scale)


def test_activity_of_a_finite_latent_is_that_of_its_probabilities():
    p = lb.Joint(c=Categorical(logits=jnp.zeros(3)), x=lambda c: Normal(1.0 * c, 1.0))
    q = lb.Joint(c=lambda x, a: Categorical(logits=a * x), a=jnp.asarray([-1.0, 0.0, 1.0]))
    vae = lb.VAE(p, q, key=KEY)
    (use,) = use_of_latents(vae, {"x": X}, key=KEY)
    probabilities = encode(vae, {"x": X}, key=KEY)["c"].astype(np.float64)
    np.testing.assert_allclose(use.activity, probabilities.var(axis=0, ddof=1), rtol=1e-12)
    kl = np.mean(np.sum(probabilities * np.log(3 * probabilities), axis=1))
    assert use.kl == pytest.approx(kl, rel=ROUNDING)
    assert use.words == f"c is used: 3 of its 3 class probabilities are active, {kl:.2f} nats a datum."


def chain(slope: float) -> lb.VAE:
    """q(z2 | x) = N(0, 0.8) and q(z1 | z2, x) = N(2 z2 + slope x, 1), whose mean varies over data by slope² Var(x)."""
    p = lb.Joint(z2=Normal(0.0, 1.0), z1=lambda z2: Normal(z2, 1.0), x=lambda z1: Normal(z1, 1.0))
    q = lb.Joint(
        z2=lambda x, s: Normal(0.0 * x, s),
        z1=lambda z2, x, a: Normal(2 * z2 + a * x, 1.0),
        s=jnp.asarray(0.8),
        a=jnp.asarray(slope),
    )
    return lb.VAE(p, q, key=KEY)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_what_draws_of_parents_add_to_the_activity_is_taken_off(slope):
    """With S draws they add v = (2 x 0.8)² / S, which is estimated too; the sums of squares are χ² and independent.

    So with slope 0 the error is v sqrt(2 / (n - 1) + 2 / (n (S - 1))). A slope adds a sum of products, of variance
    4 slope² Var(x) v / (n - 1) at most. All of it is in units of Var_p(z1) = 2, which is estimated from m samples
    of the model, so with a relative error of sqrt(2 / (m - 1)).
    """
    x, draws = np.random.default_rng(1).normal(size=4_000).astype(np.float32), 4
    (top, use) = use_of_latents(chain(slope), {"x": x}, key=jax.random.key(1), num_samples=draws)
    assert top.activity == 0.0
    n, added, signal = len(x), 1.6**2 / draws, slope**2 * x.var(ddof=1, dtype=np.float64)
    error = math.sqrt(added**2 * (2 / (n - 1) + 2 / (n * (draws - 1))) + 4 * signal * added / (n - 1))
    assert 2 * Z * error < added  # what would be left on it
    relative = Z * math.sqrt(2 / (PRIOR_DRAWS - 1))
    least_unit = 2 * (1 - relative)
    assert abs(use.activity - signal / 2) < (Z * error + signal * relative) / least_unit


def test_a_kl_below_a_drawn_latent_is_averaged_over_draws():
    """KL(q(z1 | z2, x) || p(z1 | z2)) = z2² / 2 with slope 0, on average 0.32; that of z2 is exact."""
    (top, use) = use_of_latents(chain(0.0), {"x": np.tile(X, 10)}, key=jax.random.key(2))
    assert top.kl == pytest.approx(0.5 * (0.64 - 1) - math.log(0.8), rel=ROUNDING)
    assert top.kl_standard_error == pytest.approx(0, abs=ROUNDING)
    assert 2 * Z * use.kl_standard_error < 0.05
    assert abs(use.kl - 0.32) < Z * use.kl_standard_error


def test_a_mixture_prior_is_summed_out_of_the_kl():
    """KL(N(x, 0.5) || Σ_c p(c) N(c, 1)) at one x, by the trapezoid rule."""
    p = lb.Joint(
        c=Categorical(logits=jnp.zeros(3)),
        z=lambda c: Normal(3.0 * c, 1.0),
        x=lambda z, b: Normal(z + b, 1.0),
        b=jnp.ones(()),
    )
    vae = lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 0.5)), key=KEY)
    (use,) = use_of_latents(vae, {"x": np.full(2_000, 1.0, np.float32)}, key=jax.random.key(3))
    assert use.kl_label == "log q(z | x) - log Σ_{c} p(c) p(z | c)"
    z = np.linspace(-5, 7, 4_001)
    log_q = stats.norm.logpdf(z, 1.0, 0.5)
    log_p = logsumexp([stats.norm.logpdf(z, 3 * c, 1.0) - math.log(3) for c in range(3)], axis=0)
    truth = np.sum(np.exp(log_q) * (log_q - log_p)) * (z[1] - z[0])
    assert 2 * Z * use.kl_standard_error < 0.1
    assert abs(use.kl - truth) < Z * use.kl_standard_error


def test_a_log_ratio_that_is_no_divergence_is_labelled_as_what_it_is():
    p = lb.Joint(c=Categorical(logits=jnp.zeros(2)), z=lambda c: Normal(3.0 * c, 1.0), x=lambda z: Normal(z, 1.0))
    q = lb.Joint(z=lambda x: Normal(x, 0.5), c=lambda z: Categorical(logits=jnp.stack([0.0 * z, z])))
    uses = use_of_latents(lb.VAE(p, q, key=KEY), {"x": X}, key=KEY)
    assert [use.kl_label for use in uses] == ["log q(z | x) - log p(z | c)", "KL(q(c | z) || p(c))"]


# What is said.


def plain(weight: float, loc: float = 0.0, size: int = 20) -> lb.VAE:
    """q(z | x) = N(loc + weight x, 1), in 18 of 20 entries."""
    slopes = np.concatenate([np.full(size - 2, weight), np.zeros(2)]).astype(np.float32)
    p = lb.Joint(z=Normal(jnp.zeros(size), 1.0), x=lambda z, y: Normal(z[0] + y, 1.0), y=lambda z: Normal(z[1], 1.0))
    q = lb.Joint(z=lambda x, a, m: Normal(a * x + m, 1.0), a=jnp.asarray(slopes), m=jnp.asarray(loc))
    return lb.VAE(p, q, key=KEY)


DATA = {"x": X, "y": X}


def test_a_latent_that_is_used_is_said_to_be_so():
    (use,) = use_of_latents(plain(0.5), DATA, key=KEY)
    kl = 18 * 0.125 * np.mean(X.astype(np.float64) ** 2)
    assert (use.size, use.num_active) == (20, 18)
    assert str(use) == f"z is used: 18 of its 20 entries are active, {kl:.2f} nats a datum."
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z: Normal(z, 1.0))
    (use,) = use_of_latents(lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY), {"x": X}, key=KEY)
    assert use.words == f"z is used: its one entry is active, {use.kl:.2f} nats a datum."


def test_a_collapsed_latent_is_said_to_be_so():
    (use,) = use_of_latents(plain(0.0, 0.01), DATA, key=KEY)
    assert use.num_active == 0
    np.testing.assert_array_equal(use.activity, 0)
    assert use.words == (
        "z has collapsed: q(z | x) says the same for every datum (KL 0.001 nats), so x and y are modelled without it."
    )


def test_a_latent_whose_mean_stands_still_at_a_price_has_not_collapsed():
    (use,) = use_of_latents(plain(0.0, 1.0), DATA, key=KEY)
    assert use.words == (
        "z is not active: the mean of q(z | x) hardly moves with the data, but it costs 10.00 nats a datum."
    )


def test_a_latent_that_follows_its_prior_is_said_to_do_so():
    p = lb.Joint(z2=Normal(0.0, 1.0), z1=lambda z2: Normal(z2, 1.0), x=lambda z1: Normal(z1, 1.0))
    q = lb.Joint(z2=lambda x: Normal(x, 0.5), z1=lambda z2: Normal(z2, 1.0))
    (_, use) = use_of_latents(lb.VAE(p, q, key=KEY), {"x": X}, key=KEY)
    assert use.words == (
        "z1 follows its prior: its one entry is active, but q(z1 | z2) says what p(z1 | z2) says (KL 0.000 nats)."
    )


def test_a_latent_whose_prior_is_summed_with_the_likelihood_has_no_kl_of_its_own():
    p = lb.Joint(
        c=Categorical(logits=jnp.zeros(2)), z=lambda c: Normal(3.0 * c, 1.0), x=lambda z, c: Normal(z + c, 1.0)
    )
    (use,) = use_of_latents(lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY), {"x": X}, key=KEY)
    assert math.isnan(use.kl)
    assert use.kl_label == ""
    assert use.words == "z is used: its one entry is active, its KL is no term of its own."


def test_an_untrained_network_is_scored_like_any_other():
    """Two batches and a part of one, with an encoder that has weights."""
    p = lb.Joint(z=Normal(jnp.zeros(3), 1.0), x=lambda z: Normal(z.sum() + jnp.zeros(4), 1.0))
    vae = lb.VAE(p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(4, 3, hidden=(5,))), key=KEY)
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    (use,) = use_of_latents(vae, {"x": x}, key=KEY)
    means = encode(vae, {"x": x}, key=KEY)["z"]
    np.testing.assert_allclose(use.activity, means.var(axis=0, ddof=1, dtype=np.float64), rtol=1e-6)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError) as caught:
        use_of_latents(plain(1.0), {"x": X[:1], "y": X[:1]}, key=KEY)
    assert str(caught.value) == "`use_of_latents` compares data, but there is 1 row. Pass at least 2."
    with pytest.raises(ValueError) as caught:
        use_of_latents(chain(0.0), {"x": X}, key=KEY, num_samples=1)
    assert str(caught.value) == (
        "The posterior mean of `z1` is averaged over draws, whose share in its variance one draw cannot tell. Pass "
        "`num_samples` of 2 or more."
    )


def test_a_narrow_prior_does_not_make_a_latent_inactive():
    """z = 0.05 u with u standard normal says as much as u does: activity has no unit."""
    scale = 0.05
    p = lb.Joint(z=Normal(0.0, scale), x=lambda z: Normal(z / scale, 0.5))
    q = lb.Joint(z=lambda x, a: Normal(a * x, 0.4 * scale), a=jnp.asarray(0.8 * scale))
    (use,) = use_of_latents(lb.VAE(p, q, key=KEY), {"x": X}, key=KEY)
    assert use.activity == pytest.approx(0.64 * X.var(ddof=1, dtype=np.float64), rel=ROUNDING)
    assert use.num_active == 1
