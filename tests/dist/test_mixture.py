"""Mixtures made by one function: densities, draws and refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from assertions import assert_mean
from lowerbound import dist
from lowerbound.dist import log_density, mixture

U = np.array([[-1.0, 0.0], [2.0, 1.0], [0.5, -2.0]], np.float32)
WEIGHTS = np.array([0.3, -1.0, 0.9], np.float32)


def component(u, scale):
    return dist.Normal(u, scale)


def weights_of(logits):
    return np.exp(logits - np.logaddexp.reduce(logits))


@pytest.mark.parametrize("logits", [None, WEIGHTS])
def test_density_is_the_weighted_sum(logits):
    law = mixture(component, U, 0.7, weights=logits)
    x = np.array([0.4, -0.2], np.float32)
    expected = np.log(
        weights_of(np.zeros(3) if logits is None else logits) @ stats.norm(U.astype(float), 0.7).pdf(x).prod(1)
    )
    assert law.shape() == law.event_shape == (2,)
    np.testing.assert_allclose(log_density(law, x), expected, rtol=1e-5)  # the squares of a few are rounded
    np.testing.assert_allclose(law.log_prob(np.stack([x, x])), [expected] * 2, rtol=1e-5)


def test_draws_have_the_moments_of_the_mixture():
    """All entries of a draw come from one component: the mixture's covariance has off-diagonal entries."""
    law = mixture(component, U, 0.7, weights=WEIGHTS)
    draws = np.asarray(jax.jit(lambda key: law.sample(key, (40_000,)))(jax.random.key(0)), np.float64)
    w, u = weights_of(WEIGHTS.astype(float)), U.astype(float)
    mean = w @ u
    np.testing.assert_allclose(law.mean, mean, rtol=1e-5)
    for axis in range(2):
        assert_mean(draws[:, axis], mean[axis], resolves=0.08)
    assert_mean(draws.prod(1), w @ u.prod(1), resolves=0.15)


def test_scalar_components_and_trees_of_parameters():
    law = mixture(lambda u, shift: dist.Gamma(u["a"], u["b"] + shift), {"a": U[:, 0] ** 2, "b": U[:, 1] ** 2}, 1.0)
    assert law.shape() == ()
    expected = np.log(np.mean(stats.gamma(U[:, 0] ** 2.0, scale=1 / (U[:, 1] ** 2.0 + 1)).pdf(0.7)))
    np.testing.assert_allclose(law.log_prob(0.7), expected, rtol=1e-5)


def test_it_passes_through_jit_grad_eval_shape_and_vmap():
    x = jnp.array([0.4, -0.2])
    law = mixture(component, U, 0.7, weights=WEIGHTS)
    score = lambda u, scale: log_density(mixture(component, u, scale, weights=WEIGHTS), x)
    np.testing.assert_allclose(jax.jit(log_density)(jax.jit(lambda law: law)(law), x), score(U, 0.7), rtol=1e-6)
    abstract = jax.eval_shape(lambda: law)
    assert abstract.shape() == (2,)
    assert dist.support_fits(abstract.support, dist.real)
    mapped = jax.vmap(score, (None, 0))(U, jnp.array([0.7, 0.9]))
    np.testing.assert_allclose(mapped, [score(U, 0.7), score(U, 0.9)], rtol=1e-6)
    # d log p / d u_k is the responsibility of k times (x − u_k) / s².
    scores = np.log(weights_of(WEIGHTS)) + stats.norm(U.astype(float), 0.7).logpdf(x).sum(1)
    expected = weights_of(scores)[:, None] * (np.asarray(x) - U) / 0.7**2
    np.testing.assert_allclose(jax.grad(score)(U, 0.7), expected, rtol=1e-4, atol=1e-6)


def test_it_mixes_what_reads_no_parameter_and_what_is_wrapped():
    law = mixture(lambda u: dist.Normal(0.0, jnp.exp(u)).expand((3,)).to_event(1), jnp.array([0.0, 1.0]))
    x = np.array([0.1, 0.2, 0.3])
    expected = np.log(np.mean([stats.norm(0, s).pdf(x).prod() for s in (1, np.e)]))
    np.testing.assert_allclose(log_density(law, x), expected, rtol=1e-5)
    assert law.sample(jax.random.key(0)).shape == (3,)


def test_discrete_components():
    law = mixture(lambda u: dist.Bernoulli(logits=u), U)
    assert law.support.is_discrete
    masses = jnp.exp(jax.vmap(law.log_prob)(dist.states(dist.Bernoulli(jnp.zeros(2)))))
    assert abs(float(masses.sum()) - 1) <= 32 * np.finfo(np.float32).eps


def test_it_is_not_reparameterized():
    law = mixture(component, U, 0.7)
    assert not law.has_rsample
    assert not dist.is_reparameterized(law)
    assert dist.noise_shape(law) is None
    assert dist.from_noise(law, jax.random.key(0)).shape == (2,)


def test_what_is_no_distribution_is_refused():
    message = (
        "`mixture` needs a function that returns a distribution, but `float` came. "
        "Give the distribution itself, not its parameters or a draw."
    )
    with pytest.raises(TypeError) as raised:
        mixture(lambda u: 1.0, U)
    assert str(raised.value) == message


def test_wrong_numbers_of_components_are_refused():
    with pytest.raises(ValueError, match=r"^`weights` has shape \(2,\), but `u` has 3 components\.$"):
        mixture(component, U, 0.7, weights=np.zeros(2, np.float32))
    message = "`u` needs its components along the first axis of each array, but the shapes are [(3, 2), (2,)]."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mixture(lambda u: dist.Normal(*u), (U, np.ones(2, np.float32)))
    with pytest.raises(ValueError, match=re.escape("[()]")):
        mixture(component, 1.0, 0.7)
