"""log p(x) = ELBO(x) + KL(q(z | x) || p(z | x)), value and gradients, where all three are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lowerbound as lb
from linear_gaussian import LinearGaussian, closed_form_elbo, corners, hermite
from lowerbound._key import named_key
from lowerbound.dist import Normal, from_noise, kl, log_density
from lowerbound.model import Treatment, draw_noise, make_plan
from lowerbound.objective import ELBO, IWAE, elbo, elbo_terms, log_weight
from lowerbound.training._step import Keys

#: Some thousand rounded operations on numbers of size 100: 1e3 x 100 x 2e-16.
ROUNDING = 1e-10
CASES = [
    ("diagonal", (1, 1), 0),
    ("diagonal", (3, 2), 1),
    ("full covariance", (2, 5), 2),
    ("full covariance everywhere", (2, 3), 3),
    ("diagonal q, full p", (2, 2), 4),
    ("constrained", (2, 1), 5),
]


def draw_case(kind, size, seed):
    """Make a model with a wrong q, a datum, and log p(x) - KL(q(z | x) || p(z | x)) from SciPy and NumPy."""
    model = LinearGaussian.random(seed, *size, kind)
    q, x = model.wrong_posterior(seed, kind), model.draw(seed, 1)[0]
    return model.declare(kind, q), jnp.asarray(x), model.evidence(x) - model.gap(q, x)


def assert_identity(vae, x, expected, *bounds):
    """Fail unless each bound is `expected`, and its gradient by every parameter that of the closed form."""
    value, gradient = eqx.filter_jit(eqx.filter_value_and_grad(closed))(vae, x)
    np.testing.assert_allclose(value, expected, rtol=0, atol=ROUNDING, err_msg="log p(x) - KL(q(z | x) || p(z | x))")
    for bound in bounds:
        ours = eqx.filter_jit(eqx.filter_value_and_grad(bound))(vae, x)
        assert_same(*ours, expected, gradient)


def closed(vae, x):
    return closed_form_elbo(vae.parameters, x)


def assert_same(value, gradient, expected, expected_gradient):
    np.testing.assert_allclose(value, expected, rtol=0, atol=ROUNDING, err_msg="value")
    free = gradient.free if isinstance(gradient, lb.VAE) else gradient
    for name, leaf in expected_gradient.free.items():
        np.testing.assert_allclose(free[name], leaf, rtol=ROUNDING, atol=ROUNDING, err_msg=f"gradient by {name}")


def by_elbo(vae, x):
    """Integrate `elbo` over Gauss-Hermite nodes, fed through its noise argument: it is a quadratic of the noise."""
    nodes, weights = hermite(len(vae.parameters["c"]))
    return weights @ jax.vmap(lambda node: elbo(vae, {"x": x}, {"z": node}))(nodes)


def by_log_weight(vae, x):
    """Integrate the log of an importance weight in the same way: the bound with all densities at the draw."""
    nodes, weights = hermite(len(vae.parameters["c"]))
    return weights @ jax.vmap(lambda node: log_weight(vae, {"x": x}, {"z": node}))(nodes)


def by_terms(vae, x, how=ELBO):
    """Average the objective's own terms over the corners, Gauss-Hermite nodes with equal weights."""
    nodes = corners(len(vae.parameters["c"]))
    how = how(len(nodes))
    plan = make_plan(vae.graph, {"x"}, how)
    terms = how.terms(plan, vae.realize().values, {"x": x}, {"z": nodes}, jnp.zeros((), int))
    return sum(terms.values())


def by_sampled_kl(vae, x):
    return by_terms(vae, x, lambda num: ELBO(num, sampled=("z",)))


BOUNDS = [by_elbo, by_log_weight, by_terms, by_sampled_kl]


@pytest.mark.parametrize(("kind", "size", "seed"), CASES)
def test_elbo_and_its_gap_make_the_evidence(kind, size, seed):
    """Every way to the ELBO is the closed form with a wrong q; which ways are tried goes round with the seed."""
    assert_identity(*draw_case(kind, size, seed), by_elbo, BOUNDS[1 + seed % 3])


def test_more_draws_than_a_chunk_are_averaged_exactly():
    """Sixteen draws go through `lax.map` in checkpointed chunks, which change neither value nor gradient."""
    assert_identity(*draw_case("diagonal", (4, 2), 5), by_terms, by_sampled_kl)


def test_both_ways_to_the_kl_are_planned():
    """What the identity covers: by default the closed form, and the sampled one where it is asked for."""
    model = LinearGaussian.random(0, 2, 2, "diagonal")
    graph = model.declare("diagonal", model.posterior()).graph
    assert make_plan(graph, {"x"}, ELBO())["z"].treatment is Treatment.CLOSED_FORM
    assert make_plan(graph, {"x"}, ELBO(sampled=("z",)))["z"].treatment is Treatment.SAMPLED


@pytest.mark.parametrize(("kind", "size"), [("full covariance", (3, 2)), ("full covariance everywhere", (2, 5))])
def test_every_weight_at_the_exact_posterior_is_the_evidence(kind, size):
    model = LinearGaussian.random(len(kind), *size, kind)
    vae = model.declare(kind, model.posterior())
    xs = model.draw(7, 3)
    noise = jax.random.normal(jax.random.key(1), (3, 400, size[0]))
    weigh = jax.vmap(jax.vmap(lambda x, eps: log_weight(vae, {"x": x}, {"z": eps}), (None, 0)))
    log_weights = np.asarray(jax.jit(weigh)(jnp.asarray(xs), noise))
    evidence = np.reshape(model.evidence(xs), 3)
    np.testing.assert_allclose(log_weights, np.broadcast_to(evidence[:, None], (3, 400)), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("how", [ELBO(8, sampled=("z",)), IWAE(40)], ids=lambda how: how.name)
def test_evaluate_at_the_exact_posterior_is_the_evidence_without_error(how):
    """The same through the public verb: every row is log p(x), and its standard error is 0."""
    model = LinearGaussian.random(3, 2, 4, "full covariance")
    xs = model.draw(3, 9)
    estimate = lb.evaluate(model.declare("full covariance", model.posterior()), {"x": xs}, how, key=jax.random.key(0))
    np.testing.assert_allclose(estimate.values, model.evidence(xs), rtol=0, atol=ROUNDING)
    # Where the weights are equal to rounding, Σw² K / (Σw)² - 1 is some roundings, and the error their root.
    assert estimate.standard_errors.max() <= 1e-7


def test_terms_are_the_parts_of_the_bound():
    """The two terms are E_q[log p(x | z)] and -KL(q || p), each by its own closed form, and bear its name."""
    model = LinearGaussian.random(11, 2, 3, "full covariance")
    A, c, L = q = model.wrong_posterior(11, "full covariance")
    vae, x = model.declare("full covariance", q), model.draw(11, 1)[0]
    nodes, weights = hermite(2)
    terms = jax.vmap(lambda node: elbo_terms(vae, {"x": x}, {"z": node}))(nodes)
    loc, cov = A @ x + c, L @ L.T
    variances = np.diagonal(model.R) ** 2
    squares = (x - model.W @ loc - model.b) ** 2 + np.diagonal(model.W @ cov @ model.W.T)
    parts = {
        "log p(x | z)": -0.5 * np.sum(squares / variances + np.log(2 * np.pi * variances)),
        "-KL(q(z | x) || p(z))": -0.5 * (np.trace(cov) + loc @ loc - 2 - np.linalg.slogdet(cov)[1]),
    }
    assert set(terms) == set(parts)
    for label, expected in parts.items():
        np.testing.assert_allclose(weights @ terms[label], expected, rtol=0, atol=ROUNDING)


def assert_step_climbs_the_closed_form(monkeypatch, how=lambda num: ELBO(num)):
    """One step of `fit` by plain gradient ascent at rate 1 moves each parameter by the closed form's gradient.

    Its base draws are replaced by the corners; everything else is the path that every run takes.
    """
    kind, rows = "diagonal", 5
    model = LinearGaussian.random(8, 2, 3, kind)
    vae, xs = model.declare(kind, model.wrong_posterior(8, kind)), model.draw(8, rows)
    monkeypatch.setattr("lowerbound.training._step.row_noise", lambda *_: {"z": corners(2)})
    run = lb.fit(
        vae,
        {"x": xs},
        how(4),
        key=jax.random.key(0),
        optimizer=optax.sgd(1.0),
        batch_size=rows,
        steps=1,
        progress=False,
    )
    value = sum(values[0] for values in run.history.terms.values())
    gradient = jax.tree.map(lambda new, old: new - old, run.vae.free, vae.free)

    def mean_closed(vae):
        return jnp.mean(jax.vmap(lambda x: closed(vae, x))(jnp.asarray(xs)))

    assert_same(value, gradient, *eqx.filter_jit(eqx.filter_value_and_grad(mean_closed))(vae))


def test_step_climbs_the_closed_form(monkeypatch):
    assert_step_climbs_the_closed_form(monkeypatch)


def test_step_climbs_the_closed_form_with_a_sampled_kl(monkeypatch):
    assert_step_climbs_the_closed_form(monkeypatch, lambda num: ELBO(num, sampled=("z",)))


def test_step_averages_elbo_over_the_batch():
    """From the same base draws, the objective of step 0 is the mean of `elbo` over rows and sets of draws."""
    kind, rows, key = "diagonal", 6, jax.random.key(4)
    model = LinearGaussian.random(4, 2, 3, kind)
    vae, xs = model.declare(kind, model.wrong_posterior(4, kind)), jnp.asarray(model.draw(4, rows))
    run = lb.fit(vae, {"x": xs}, ELBO(3), key=key, batch_size=rows, steps=1, progress=False)
    step_key = jax.random.fold_in(Keys.of(named_key(key, "steps"), 1).noise[0], 0)

    def draws_of(x, row):
        keys = jax.random.split(jax.random.fold_in(step_key, row), 3)
        return jax.vmap(lambda key: elbo(vae, {"x": x}, draw_noise(vae.noise_shapes({"x"}), key)))(keys)

    draws = jax.jit(jax.vmap(draws_of))(xs, jnp.arange(rows))
    value = sum(values[0] for values in run.history.terms.values())
    np.testing.assert_allclose(value, np.mean(draws), rtol=0, atol=ROUNDING)


def variance_for_deviation(distribution, noise):
    """Make a draw as if the deviation were a variance."""
    assert isinstance(distribution, Normal)
    return distribution.loc + jnp.sqrt(distribution.scale) * noise


MUTANTS = {
    "KL doubled": ("kl", lambda q, p: 2 * kl(q, p)),
    "KL x 1.01": ("kl", lambda q, p: 1.01 * kl(q, p)),
    "variance for deviation": ("from_noise", variance_for_deviation),
    "no gradient through the draw": ("from_noise", lambda q, noise: jax.lax.stop_gradient(from_noise(q, noise))),
    "no log(2π)": ("log_density", lambda p, x: log_density(p, x) + 0.5 * np.log(2 * np.pi) * x.size),
    "mean over the axes": ("log_density", lambda p, x: log_density(p, x) / x.size),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_bound_fails_the_identity(name, monkeypatch):
    where, mutant = MUTANTS[name]
    case = draw_case("diagonal", (2, 3), 2)
    monkeypatch.setattr(f"lowerbound.objective._average.{where}", mutant)
    with pytest.raises(AssertionError, match=r"value|gradient"):
        assert_identity(*case, by_elbo)


@pytest.mark.parametrize("name", ["KL x 1.01", "no gradient through the draw"])
def test_a_wrong_step_fails_the_identity(name, monkeypatch):
    where, mutant = MUTANTS[name]
    monkeypatch.setattr(f"lowerbound.objective._average.{where}", mutant)
    with pytest.raises(AssertionError, match=r"value|gradient"):
        assert_step_climbs_the_closed_form(monkeypatch)


@pytest.mark.parametrize("name", ["no gradient through the draw", "no log(2π)", "mean over the axes"])
def test_a_wrong_weight_fails_the_identity(name, monkeypatch):
    where, mutant = MUTANTS[name]
    case = draw_case("diagonal", (2, 3), 2)
    monkeypatch.setattr(f"lowerbound.objective._weight.{where}", mutant)
    with pytest.raises(AssertionError, match=r"value|gradient"):
        assert_identity(*case, by_log_weight)
