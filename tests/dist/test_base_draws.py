"""Draws of noise: their laws, their shapes, and the gradients through them."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dist_members import CONTINUOUS, COUNTS, FINITE
from scipy import stats

from assertions import assert_mean
from lowerbound import dist
from lowerbound.dist import from_noise, is_reparameterized, noise_shape

TRIL = jnp.array([[1.0, 0.0], [0.8, 0.5]])
FACTOR = jnp.array([[1.0], [-0.5], [2.0]])
FLOW = [dist.transforms.AffineTransform(1.0, 2.0), dist.transforms.StickBreakingTransform()]

GAUSSIAN = {
    "Normal": (lambda: dist.Normal(jnp.arange(3.0), jnp.array([1.0, 2.0, 0.1])), (3,)),
    "scalar": (lambda: dist.Normal(0.5, 2.0), ()),
    "lazily broadcast": (lambda: dist.Normal(jnp.zeros(20), 1.0), (20,)),
    "expanded": (lambda: dist.Normal(0.5, 2.0).expand((4,)), (4,)),
    "expanded and vectors": (lambda: dist.Normal(jnp.arange(3.0), 1.0).expand((2, 3)).to_event(1), (2, 3)),
    "expanded vectors": (lambda: dist.Normal(jnp.arange(3.0), 1.0).to_event(1).expand((2,)), (2, 3)),
    "expanded inside": (lambda: dist.Normal(jnp.zeros((1, 4)), 1.0).expand((3, 4)), (3, 4)),
    "masked": (lambda: dist.Normal(jnp.arange(3.0), 1.0).mask(jnp.array([True, False, True])), (3,)),
    "LogNormal": (lambda: dist.LogNormal(jnp.zeros(3), 0.5), (3,)),
    "LogNormal, expanded": (lambda: dist.LogNormal(0.1, 0.5).expand((3,)).to_event(1), (3,)),
    "MultivariateNormal": (lambda: dist.MultivariateNormal(jnp.ones(2), scale_tril=TRIL), (2,)),
    "MultivariateNormal, expanded": (lambda: dist.MultivariateNormal(jnp.ones(2), TRIL @ TRIL.T).expand((5,)), (5, 2)),
    "LowRank": (lambda: dist.LowRankMultivariateNormal(jnp.ones(3), FACTOR, jnp.full(3, 0.5)), (4,)),
    "LowRank, expanded": (
        lambda: dist.LowRankMultivariateNormal(jnp.ones(3), FACTOR, jnp.ones(3)).expand((2,)),
        (2, 4),
    ),
    "transformed": (lambda: dist.TransformedDistribution(dist.Normal(jnp.zeros(3), 1.0), FLOW), (3,)),
    "transformed, expanded": (
        lambda: dist.TransformedDistribution(dist.Normal(jnp.zeros(3), 1.0), FLOW).expand((2,)),
        (2, 3),
    ),
}


@pytest.mark.parametrize("name", GAUSSIAN)
def test_draws_have_the_shape_that_is_declared(name):
    make, shape = GAUSSIAN[name]
    law = make()
    assert noise_shape(law) == shape
    assert noise_shape(jax.eval_shape(lambda: law)) == shape
    assert is_reparameterized(law)
    with jax.numpy_rank_promotion("allow"):  # NumPyro's transforms
        assert jax.jit(from_noise)(law, jnp.ones(shape)).shape == law.shape()


@pytest.mark.parametrize("name", ["MultivariateNormal", "LowRank"])
def test_draws_have_the_covariance(name):
    """A draw is affine in the noise, so its matrix A is known exactly, and AAᵀ is the covariance."""
    law = GAUSSIAN[name][0]()
    loc = from_noise(law, jnp.zeros(noise_shape(law)))
    columns = jax.vmap(lambda noise: from_noise(law, noise) - loc)(jnp.eye(*noise_shape(law)))
    np.testing.assert_allclose(loc, law.mean, rtol=1e-6)
    np.testing.assert_allclose(columns.T @ columns, law.covariance_matrix, rtol=1e-5)


def test_simple_draws_by_hand():
    noise = jnp.array([0.5, -1.0, 2.0])
    loc, scale = jnp.arange(3.0), jnp.array([1.0, 2.0, 0.1])
    np.testing.assert_array_equal(from_noise(dist.Normal(loc, scale), noise), loc + scale * noise)
    np.testing.assert_array_equal(from_noise(dist.LogNormal(loc, 0.5), noise), jnp.exp(loc + 0.5 * noise))
    np.testing.assert_array_equal(from_noise(dist.Normal(1.0, 2.0).expand((3,)), noise), 1 + 2 * noise)


def test_wrong_noise_is_refused():
    message = (
        "`noise` has shape (3,), but `Normal` of shape (20,) is drawn from standard normal noise of shape (20,), "
        "as `noise_shape` says."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        from_noise(dist.Normal(jnp.zeros(20), 1.0), jnp.zeros(3))


@pytest.mark.parametrize("member", CONTINUOUS + FINITE + COUNTS, ids=repr)
def test_which_laws_are_reparameterized(member):
    law = member.make()
    assert is_reparameterized(law) is member.reparameterized
    assert is_reparameterized(jax.eval_shape(lambda: law)) is member.reparameterized


# A draw z(θ) at fixed noise whose quantile is fixed too has dz/dθ = −∂F(z; θ)/∂θ / f(z; θ), the implicit gradient.
# Laws that draw from several numbers (StudentT, Beta) keep no quantile; of them the mean is checked.
ONE_NUMBER = [
    ("Normal", dist.Normal, (0.3, 1.7), lambda a, b: stats.norm(a, b)),
    ("LogNormal", dist.LogNormal, (0.3, 0.7), lambda a, b: stats.lognorm(b, scale=np.exp(a))),
    ("Gamma", dist.Gamma, (2.5, 1.5), lambda a, b: stats.gamma(a, scale=1 / b)),
    ("Laplace", dist.Laplace, (0.3, 1.7), lambda a, b: stats.laplace(a, b)),
    ("Logistic", dist.Logistic, (0.3, 1.7), lambda a, b: stats.logistic(a, b)),
    ("Cauchy", dist.Cauchy, (0.3, 1.7), lambda a, b: stats.cauchy(a, b)),
    ("Gumbel", dist.Gumbel, (0.3, 1.7), lambda a, b: stats.gumbel_r(a, b)),
    ("Uniform", dist.Uniform, (-0.5, 1.5), lambda a, b: stats.uniform(a, b - a)),
    ("Weibull", dist.Weibull, (1.7, 2.5), lambda a, b: stats.weibull_min(b, scale=a)),
    (
        "TruncatedNormal",
        lambda a, b: dist.TruncatedNormal(a, b, low=-1.0, high=2.0),
        (0.3, 1.7),
        lambda a, b: stats.truncnorm((-1 - a) / b, (2 - a) / b, a, b),
    ),
]


@pytest.mark.parametrize(
    ("name", "make", "at", "reference"),
    # NumPyro's own draws are for the slow step: they change when it does.
    ONE_NUMBER[:2] + [pytest.param(*law, marks=pytest.mark.slow) for law in ONE_NUMBER[2:]],
    ids=[law[0] for law in ONE_NUMBER],
)
def test_gradients_through_draws_keep_the_quantile(name, make, at, reference):
    with jax.enable_x64(True):
        key = jax.random.key(3)
        draw, gradient = jax.jit(jax.value_and_grad(lambda at: from_noise_of_key(make(*at), key)))(at)
    step = 1e-6
    for which in (0, 1):
        up, down = (tuple(p + s * step * (i == which) for i, p in enumerate(at)) for s in (1, -1))
        slope = (reference(*up).cdf(draw) - reference(*down).cdf(draw)) / (2 * step)
        # The step squared, and the rounding of the distribution functions over the step.
        np.testing.assert_allclose(gradient[which], -slope / reference(*at).pdf(draw), rtol=1e-6, atol=1e-8)


def from_noise_of_key(law, key):
    """A draw of whatever base noise the law has."""
    shape = noise_shape(law)
    return from_noise(law, key if shape is None else jax.random.normal(key, shape))


MEANS = [
    ("StudentT", lambda a: dist.StudentT(20.0, 0.3, a), 1.7, 0.0, 0.1),
    ("Beta", lambda a: dist.Beta(a, 1.5), 2.5, 1.5 / 16, 0.02),
    ("Exponential", dist.Exponential, 2.0, -1 / 4, 0.02),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "make", "at", "slope", "resolves"), MEANS, ids=[law[0] for law in MEANS])
def test_gradients_through_draws_have_the_slope_of_the_mean(name, make, at, slope, resolves):
    gradient = jax.grad(lambda at, key: from_noise(make(at), key))
    gradients = jax.jit(jax.vmap(gradient, (None, 0)))(at, jax.random.split(jax.random.key(0), 40_000))
    assert_mean(gradients, slope, resolves=resolves)


@pytest.mark.slow
def test_dirichlet_gradient_has_the_slope_of_the_mean():
    gradient = jax.grad(lambda concentration, key: from_noise(dist.Dirichlet(concentration), key)[0])
    keys = jax.random.split(jax.random.key(0), 20_000)
    gradients = jax.jit(jax.vmap(gradient, (None, 0)))(jnp.array([1.0, 2.0, 3.0]), keys)
    # The mean is a₀ / Σa.
    for axis, slope in enumerate([5 / 36, -1 / 36, -1 / 36]):
        assert_mean(np.asarray(gradients)[:, axis], slope, resolves=0.05)


def test_laws_without_normal_noise_draw_from_a_key():
    for law in (dist.Bernoulli(jnp.zeros(3)), dist.Laplace(jnp.ones(3), 1.0)):
        assert noise_shape(law) is None
        np.testing.assert_array_equal(from_noise(law, jax.random.key(1)), law.sample(jax.random.key(1)))
    np.testing.assert_array_equal(from_noise(dist.Delta(jnp.arange(3.0)), jax.random.key(0)), jnp.arange(3.0))
