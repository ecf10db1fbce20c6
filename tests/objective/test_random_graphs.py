"""Random graphs of names: the bounds by the library's plan against brute force on a grid, whatever the structure."""

import itertools
import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

import lowerbound as lb
from linear_gaussian import line
from lowerbound.dist import Bernoulli, Normal
from lowerbound.model import Graph, Treatment, make_plan
from lowerbound.objective import ELBO, elbo, log_weight

#: Both quadratures are far better than this: it leaves room for rounding of some 10⁵ summands alone.
ROUNDING = 1e-9
#: Points of a continuous latent, in its own units: far beyond what the means below can reach.
GRID = np.arange(-24.0, 24.01, 0.25)
STEP = GRID[1] - GRID[0]


@dataclass(frozen=True)
class Node:
    """One factor: a bit whose logit, or a normal variable whose mean, is an affine map of its parents."""

    binary: bool
    parents: tuple[str, ...]
    weights: tuple[float, ...]
    offset: float
    scale: float

    def mean(self, values):
        return self.offset + sum((w * value for w, value in zip(self.weights, values, strict=True)), start=0.0)

    def declare(self):
        """Make the library's factor, with its parents by name."""
        law = (lambda mean: Bernoulli(logits=mean)) if self.binary else (lambda mean: Normal(mean, self.scale))
        # Signatures of one to three parents; a root is a factor without any.
        functions = (
            lambda: law(jnp.asarray(self.mean(()))),
            lambda a: law(self.mean((a,))),
            lambda a, b: law(self.mean((a, b))),
            lambda a, b, c: law(self.mean((a, b, c))),
        )
        return lb.given(functions[len(self.parents)], *self.parents)

    def log_density(self, value, values):
        """Score by NumPy, over whatever grid the values are on."""
        mean = self.mean(values)
        if self.binary:
            return value * mean - np.logaddexp(0, mean)
        return -0.5 * ((value - mean) / self.scale) ** 2 - math.log(self.scale * math.sqrt(2 * math.pi))


@dataclass(frozen=True)
class Case:
    p: dict[str, Node]
    q: dict[str, Node]
    datum: dict[str, float]

    def vae(self):
        p, q = ({name: node.declare() for name, node in side.items()} for side in (self.p, self.q))
        return lb.VAE(lb.Joint(p), lb.Joint(q) if q else None, key=jax.random.key(0))

    def brute_force(self):
        """Return log p(x) and E_q[log p(x, z_q) - log q(z_q | x)], by sums over bits and over a grid."""
        latents = [name for name in self.p if name not in self.datum]
        values = dict(self.datum)
        log_widths = 0.0
        for axis, name in enumerate(latents):
            points = np.array([0.0, 1.0]) if self.p[name].binary else GRID
            values[name] = points.reshape([-1 if i == axis else 1 for i in range(len(latents))])
            log_widths = log_widths + np.zeros_like(values[name])
            log_widths = log_widths + (0.0 if self.p[name].binary else math.log(STEP))
        log_p = sum((self.score(self.p, name, values) for name in self.p), start=log_widths)
        log_p = np.broadcast_to(log_p, np.broadcast_shapes(*(np.shape(values[name]) for name in latents), ()))
        evidence = logsumexp(log_p)
        left_out = tuple(axis for axis, name in enumerate(latents) if name not in self.q)
        log_p = logsumexp(log_p, axis=left_out, keepdims=True) if left_out else log_p
        log_q = sum((self.score(self.q, name, values) for name in self.q), start=np.zeros(()))
        for name in self.q:  # masses of the cells of q's latents, as log_p has them
            log_q = log_q + (0.0 if self.p[name].binary else math.log(STEP))
        return evidence, np.sum(np.exp(log_q) * (log_p - log_q))

    @staticmethod
    def score(side, name, values):
        return side[name].log_density(values[name], [values[parent] for parent in side[name].parents])


def node(draw, binary, candidates):
    parents = draw(st.permutations(candidates))[: draw(st.integers(0, min(3, len(candidates))))]
    number = st.floats(-1.2, 1.2, allow_nan=False).map(lambda x: round(x, 2))
    weights = tuple(draw(number) for _ in parents)
    return Node(binary, tuple(parents), weights, draw(number), draw(st.sampled_from([0.8, 1.0, 1.3])))


@st.composite
def cases(draw):
    """Draw p over two to four names, an observed set, and q over the latents in any order; q may leave out bits."""
    names = list("abcd")[: draw(st.integers(2, 4))]
    p = {}
    for name in names:
        continuous = [other for other in p if not p[other].binary]
        p[name] = node(draw, len(continuous) == 2 or draw(st.booleans()), list(p))
    observed = draw(st.sets(st.sampled_from(names), min_size=1, max_size=len(names) - 1))
    values = {name: st.sampled_from([0.0, 1.0] if p[name].binary else [-1.1, 0.6]) for name in names}
    datum = {name: draw(values[name]) for name in names if name in observed}
    latents = [name for name in names if name not in observed and not (p[name].binary and draw(st.booleans()))]
    q, seen = {}, list(datum)
    for name in draw(st.permutations(latents)):
        q[name] = node(draw, p[name].binary, seen)
        seen.append(name)
    return Case(p, q, datum)


def assert_bounds_are_brute_force(case):
    """Fail unless the ELBO is E_q[log p - log q], no more than log p(x), and the weights' mean p(x)."""
    evidence, bound = case.brute_force()
    vae, datum = case.vae(), {name: jnp.asarray(value) for name, value in case.datum.items()}
    nodes, weights = line(24.0)
    names = list(vae.noise_shapes(datum))
    points = np.array(list(itertools.product(np.asarray(nodes), repeat=len(names)))).reshape(
        len(nodes) ** len(names), len(names)
    )
    masses = np.array(list(itertools.product(np.asarray(weights), repeat=len(names)))).reshape(points.shape).prod(1)

    def over_points(score):
        if not names:
            return np.asarray(score(vae, datum, {}))[None]
        by_name = {name: jnp.asarray(points[:, i]) for i, name in enumerate(names)}
        return np.asarray(jax.vmap(lambda noise: score(vae, datum, noise))(by_name))

    ours = masses @ over_points(elbo)
    assert ours <= evidence + ROUNDING
    np.testing.assert_allclose(ours, bound, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(logsumexp(over_points(log_weight), b=masses), evidence, rtol=0, atol=ROUNDING)


@settings(max_examples=8, deadline=None)
@given(cases())
def test_bounds_of_random_graphs_are_brute_force(case):
    assert_bounds_are_brute_force(case)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(cases())
def test_bounds_of_many_random_graphs_are_brute_force(case):
    assert_bounds_are_brute_force(case)


BIT, NORMAL = True, False

#: Structures on which a plan can go wrong, each by a mistake of its own.
NAMED = {
    "bottom-up": Case(
        {
            "a": Node(NORMAL, (), (), 0.3, 1.0),
            "b": Node(NORMAL, ("a",), (1.1,), 0.0, 0.8),
            "c": Node(NORMAL, ("b",), (0.9,), 0.2, 1.0),
        },
        {"b": Node(NORMAL, ("c",), (0.5,), 0.1, 0.8), "a": Node(NORMAL, ("b",), (0.7,), -0.2, 1.3)},
        {"c": 0.6},
    ),
    "summed-out parent": Case(
        {
            "a": Node(BIT, (), (), 0.3, 1.0),
            "b": Node(NORMAL, ("a",), (1.1,), -0.5, 0.8),
            "c": Node(NORMAL, ("b",), (0.9,), 0.2, 1.0),
        },
        {"b": Node(NORMAL, ("c",), (0.5,), 0.1, 0.8)},
        {"c": 0.6},
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_bounds_of_named_graphs_are_brute_force(name):
    assert_bounds_are_brute_force(NAMED[name])


def test_a_closed_form_where_there_is_none_fails(monkeypatch):
    """The rule of mean-field ELBOs, every KL in closed form, is caught on the bottom-up graph."""
    monkeypatch.setattr(Graph, "descendants", lambda *_: set())
    assert make_plan(NAMED["bottom-up"].vae().graph, {"c"}, ELBO())["b"].treatment is Treatment.CLOSED_FORM
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_bounds_are_brute_force(NAMED["bottom-up"])
