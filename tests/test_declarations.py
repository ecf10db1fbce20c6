"""Each declaration of the gallery gets its plan, trains in all its parts, and beats independent features."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpyro.distributions import MaskedDistribution
from numpyro.distributions.discrete import ZeroInflatedProbs
from scipy import stats

import lowerbound as lb
from declarations import DECLARATIONS, Declaration
from lowerbound.dist import Bernoulli, Distribution, Normal, Poisson, num_states
from lowerbound.model import make_plan
from lowerbound.objective import IWAE, make_ready
from lowerbound.training._fit import _Loop
from lowerbound.training._step import objective_terms


@pytest.fixture(params=DECLARATIONS, ids=lambda declaration: declaration.declare.__name__)
def declaration(request) -> Declaration:
    return request.param


def declared(declaration: Declaration) -> lb.VAE:
    return lb.VAE(*declaration.declare(), key=jax.random.key(0))


def test_it_reads_as_documented(declaration: Declaration):
    p, q = declaration.declare()
    assert repr(p) == f"Joint({declaration.p})"
    assert repr(q) == f"Joint({declaration.q})"


def test_its_plan_is_known_in_full(declaration: Declaration):
    vae, sets = declared(declaration), declaration.sets()
    assert {data.names for data in [*sets.train, *sets.held_out]} == set(declaration.plans)
    for names, expected in declaration.plans.items():
        plan = make_plan(vae.graph, names, declaration.how)
        latents = [(x.name, x.treatment, x.gradient, x.num_states, x.reason) for x in plan.latents]
        assert (latents, [term.label for term in plan.terms]) == (list(expected.latents), list(expected.terms))


def test_every_parameter_has_a_gradient(declaration: Declaration):
    """The training objective of one step moves each array, be it of p or of q."""
    vae, how = declared(declaration), declaration.how
    readies = [make_ready(vae, data, how) for data in declaration.sets().train]
    loop = _Loop(vae, readies, how, optax.adam(1e-3), 128, jax.random.key(1), None)
    batches = [jnp.arange(size) for size in loop.batch_sizes]

    @jax.jit
    @jax.grad
    def gradient(trained):
        terms = objective_terms(
            loop.program, trained, loop.constants, loop.sources, batches, jnp.zeros((), int), loop.keys
        )
        return sum(terms.values())

    trained = loop.state.trained
    assert jax.tree.structure(trained) == jax.tree.structure(eqx.filter(vae.free, eqx.is_inexact_array))
    for path, leaf in jax.tree.leaves_with_path(gradient(trained)):
        where = jax.tree_util.keystr(path)
        assert np.isfinite(leaf).all(), where
        assert (leaf != 0).any(), where


def test_it_beats_independent_features_on_held_out_rows(declaration: Declaration):
    """Each held-out pattern of names is scored by IWAE-64, and above features fitted one by one by the margin."""
    vae, sets = declared(declaration), declaration.sets()
    run = lb.fit(
        vae,
        sets.train,
        declaration.how,
        optimizer=optax.adam(declaration.learning_rate),
        steps=declaration.steps,
        chunk_steps=100,
        key=jax.random.key(1),
        progress=False,
    )
    labels = {term for data in sets.train for term in declaration.plans[data.names].terms}
    assert set(run.history.terms) == labels | set(declaration.beside)
    for held_out, margin in zip(sets.held_out, declaration.margins, strict=True):
        estimate = lb.evaluate(run.vae, held_out, IWAE(64), key=jax.random.key(2), progress=False)
        # A random parameter is paid for: its KL is spread over the rows that it was fitted to.
        score = estimate.mean - sum(estimate.parameter_kl.values()) / sum(len(data) for data in sets.train)
        assert score >= independent(run.vae, sets.train, held_out) + margin


# The baseline.


def independent(vae: lb.VAE, train: list[lb.Data], held_out: lb.Data) -> float:
    """Score rows, in nats a datum, by features that are fitted one by one, each by its likelihood's family.

    Inputs are no features, and what is given through them is not used. A missing entry counts on neither side.
    """
    total = 0.0
    for name in held_out.names:
        if name in vae.graph.inputs:
            continue
        law = vae.graph.abstract_p[name]
        fitted = np.concatenate([entries(data, name) for data in train if name in data])
        scored = entries(held_out, name)
        for feature in range(fitted.shape[1]):
            seen, new = fitted[:, feature], scored[:, feature]
            scores = feature_scores(law, seen[~np.isnan(seen)], new[~np.isnan(new)])
            total += float(scores.sum()) / len(held_out)
    return total


def entries(data: lb.Data, name: str) -> np.ndarray:
    """One column an entry, as the model sees them, with NaN for what is missing."""
    values = np.asarray(data.prepared(jax.random.key(3))[name], np.float64).reshape(len(data), -1)
    for masked, mask, start in data.transform.masks:
        if masked == name:
            values[~data[mask][:, start : start + values.shape[1]]] = np.nan
    return values


def feature_scores(law: Distribution, seen: np.ndarray, new: np.ndarray) -> np.ndarray:
    law = law.base_dist if isinstance(law, MaskedDistribution) else law
    if num_states(law) is not None:
        size = 2 if isinstance(law, Bernoulli) else law.logits.shape[-1]
        masses = np.bincount(seen.astype(int), minlength=size) + 0.5  # a class that was never seen is not impossible
        return np.log(masses / masses.sum())[new.astype(int)]
    if isinstance(law, Normal):
        return stats.norm(seen.mean(), seen.std()).logpdf(new)
    if isinstance(law, Poisson):
        return stats.poisson(seen.mean()).logpmf(new)
    assert isinstance(law, ZeroInflatedProbs), "every family of the gallery has its baseline"
    candidates = [(gate, r) for gate in np.linspace(0, 0.6, 13) for r in np.geomspace(0.1, 30, 13)]
    best = max(candidates, key=lambda c: zinb_log_mass(seen, seen.mean(), *c).sum())
    return zinb_log_mass(new, seen.mean(), *best)


def zinb_log_mass(counts: np.ndarray, mean: float, gate: float, r: float) -> np.ndarray:
    """The log mass of a zero-inflated negative binomial by its mean, zeros included, and its concentration."""
    mean = mean / (1 - gate)
    return np.log(np.where(counts == 0, gate, 0) + (1 - gate) * stats.nbinom.pmf(counts, r, r / (r + mean)))
