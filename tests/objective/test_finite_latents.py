"""Finite latents against enumeration: averaged in the ELBO, summed inside the log of a weight; score functions too."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import gammaln, logsumexp

import lowerbound as lb
from assertions import assert_mean
from linear_gaussian import closed_form_elbo, hermite, line
from lowerbound.dist import Bernoulli, Categorical, Normal, Poisson
from lowerbound.model import Gradient, Treatment, make_plan
from lowerbound.objective import ELBO, IWAE, elbo, log_weight

#: Some thousand rounded operations on numbers of size 100.
ROUNDING = 1e-10
KEY = jax.random.key(0)


def assert_equal_with_gradients(ours, truth, vae):
    """Fail unless two functions of the model agree, and their gradients by every parameter."""
    for a, b in zip(*(eqx.filter_jit(eqx.filter_value_and_grad(f))(vae) for f in (ours, truth)), strict=True):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=ROUNDING, atol=ROUNDING), a, b)


def log_normal(x, loc, scale):
    return jnp.sum(-0.5 * ((x - loc) / scale) ** 2 - jnp.log(scale) - 0.5 * math.log(2 * math.pi))


# One finite latent: y of three states, x of four bits.


def classes(rng, sharp=1.0):
    p = lb.Joint(
        y=lambda pi: Categorical(logits=pi),
        x=lambda y, W: Bernoulli(logits=W[y]),
        pi=jnp.asarray(rng.normal(size=3)),
        W=jnp.asarray(rng.normal(size=(3, 4))),
    )
    q = lb.Joint(y=lambda x, C: Categorical(logits=C @ x), C=jnp.asarray(sharp * rng.normal(size=(3, 4))))
    return lb.VAE(p, q, key=KEY)


def log_joint_of_classes(values, x):
    x = x[None]
    bits = jnp.sum(x * jax.nn.log_sigmoid(values["W"]) + (1 - x) * jax.nn.log_sigmoid(-values["W"]), axis=1)
    return jax.nn.log_softmax(values["pi"]) + bits


def elbo_of_classes(vae, x):
    values = vae.parameters
    log_q = jax.nn.log_softmax(values["C"] @ x)
    return jnp.sum(jnp.exp(log_q) * (log_joint_of_classes(values, x) - log_q))


@pytest.mark.parametrize("seed", range(2))
def test_a_finite_latent_is_averaged_over_in_the_elbo(seed):
    """Exactly: there is no noise that it could vary with."""
    vae, x = classes(np.random.default_rng(seed)), jnp.array([1.0, 0.0, 1.0, 1.0])
    assert make_plan(vae.graph, {"x"}, ELBO())["y"].treatment is Treatment.ENUMERATED
    assert vae.noise_shapes({"x"}) == {}
    assert_equal_with_gradients(lambda v: elbo(v, {"x": x}, {}), lambda v: elbo_of_classes(v, x), vae)


def test_a_finite_latent_is_summed_inside_the_log_of_a_weight():
    """So IWAE is log p(x) at any K, however wrong q(y | x); averaged over q, it would stay at the ELBO."""
    vae, x = classes(np.random.default_rng(3), sharp=4.0), jnp.array([1.0, 0.0, 1.0, 1.0])
    assert make_plan(vae.graph, {"x"}, IWAE(1))["y"].treatment is Treatment.SUMMED_IN_WEIGHT

    def evidence(vae):
        return logsumexp(log_joint_of_classes(vae.parameters, x))

    assert_equal_with_gradients(lambda v: log_weight(v, {"x": x}, {}), evidence, vae)
    estimate = lb.evaluate(vae, {"x": x[None]}, IWAE(5000), key=KEY)
    np.testing.assert_allclose(estimate.values, evidence(vae), rtol=0, atol=ROUNDING)
    assert evidence(vae) - elbo_of_classes(vae, x) > 1  # the mistake would show


@pytest.mark.parametrize(("mask", "x"), [([0, -np.inf, -np.inf], 0), ([0, -np.inf, -np.inf], 1), ([0, -np.inf, 0], 1)])
def test_states_that_nobody_takes_give_no_nan(mask, x):
    """State 1 has no mass in p, and where y = 2, x = 0 cannot be; q leaves out what p excludes: 0 log 0 = 0."""
    mask, possible = np.array(mask), np.array([0, -np.inf, 0])
    table = np.array([[0.2, -0.2], [1.0, -1.0], [-np.inf, 0.3]])
    p = lb.Joint(
        y=lambda pi: Categorical(logits=pi + possible),
        x=lambda y, b: Categorical(logits=jnp.asarray(table)[y] + b),
        pi=jnp.array([0.3, 0.1, -0.4]),
        b=jnp.array([0.2, -0.2]),
    )
    q = lb.Joint(y=lambda x, a: Categorical(logits=a * x + mask), a=jnp.array([0.5, 0.1, 0.2]))
    vae, datum = lb.VAE(p, q, key=KEY), {"x": jnp.array(x)}
    bound, gradient = eqx.filter_jit(eqx.filter_value_and_grad(lambda vae: elbo(vae, datum, {})))(vae)
    weight, slope = eqx.filter_jit(eqx.filter_value_and_grad(lambda vae: log_weight(vae, datum, {})))(vae)
    log_p = log_softmax(np.array([0.3, 0.1, -0.4]) + possible) + log_softmax(table + np.array([0.2, -0.2]))[:, x]
    log_q = log_softmax(np.array([0.5, 0.1, 0.2]) * x + mask)
    taken = mask == 0
    expected = np.sum(np.exp(log_q[taken]) * (log_p[taken] - log_q[taken]))
    np.testing.assert_allclose(bound, expected, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(weight, np.logaddexp.reduce(log_p), rtol=0, atol=ROUNDING)
    for leaf in jax.tree.leaves((gradient.free, slope.free)):
        assert np.isfinite(leaf).all()


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


# Five bits: 32 states, not NumPyro's two.


@pytest.mark.parametrize("in_q", [True, False])
def test_five_bits_have_32_states(in_q):
    rng = np.random.default_rng(5)
    w, a, b = rng.normal(size=5), rng.normal(size=5), rng.normal(size=5)
    p = lb.Joint(
        y=lambda b: Bernoulli(logits=b),
        x=lambda y, w: Normal(w @ y, 1.0),
        w=jnp.asarray(w),
        b=jnp.asarray(b),
    )
    q = lb.Joint(y=lambda x, a: Bernoulli(logits=a * x), a=jnp.asarray(a)) if in_q else None
    vae, x = lb.VAE(p, q, key=KEY), 0.7
    datum = {"x": jnp.asarray(x)}
    treatment = Treatment.ENUMERATED if in_q else Treatment.SUMMED_OUT
    latent = make_plan(vae.graph, datum, ELBO())["y"]
    assert (latent.treatment, latent.num_states) == (treatment, 32)
    ys = np.array(list(itertools.product((0, 1), repeat=5)))

    def log_bits(logits):
        return (ys * logits - np.logaddexp(0, logits)).sum(1)

    log_p = log_bits(b) - 0.5 * (x - ys @ w) ** 2 - 0.5 * np.log(2 * np.pi)
    evidence, log_q = np.logaddexp.reduce(log_p), log_bits(a * x)
    expected = np.sum(np.exp(log_q) * (log_p - log_q)) if in_q else evidence
    np.testing.assert_allclose(elbo(vae, datum, {}), expected, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(log_weight(vae, datum, {}), evidence, rtol=0, atol=ROUNDING)


# M2: y of three states and a Gaussian z, in q with z | x, y.


def m2(rng, exact=False):
    """Declare a model that is linear-Gaussian for each y; `exact` makes q(z | x, y) = p(z | x, y)."""
    W, b, R = rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), rng.uniform(0.5, 1.0, 2)
    A, c, L = rng.normal(size=(3, 2)), rng.normal(size=3), rng.uniform(0.9, 1.3, 3)
    if exact:
        variance = 1 / (1 + np.sum((W / R) ** 2, axis=1))
        A = variance[:, None] * W / R**2
        c, L = -np.sum(A * b, axis=1), np.sqrt(variance)
    p = lb.Joint(
        y=lambda pi: Categorical(logits=pi),
        z=Normal(0.0, 1.0),
        x=lambda z, y, W, b, R: Normal(W[y] * z + b[y], R),
        **{name: jnp.asarray(value) for name, value in {"pi": rng.normal(size=3), "W": W, "b": b, "R": R}.items()},
    )
    q = lb.Joint(
        y=lambda x, C: Categorical(logits=C @ x),
        z=lambda x, y, A, c, L: Normal(A[y] @ x + c[y], L[y]),
        **{name: jnp.asarray(value) for name, value in {"C": rng.normal(size=(3, 2)), "A": A, "c": c, "L": L}.items()},
    )
    return lb.VAE(p, q, key=KEY)


def of_class(values, y):
    """The linear-Gaussian model of one y, by the names of `closed_form_elbo`."""
    rows = {name: values[name][y] for name in "WbAcL"}
    return {
        "W": rows["W"][:, None],
        "b": rows["b"],
        "R": values["R"],
        "A": rows["A"][None],
        "c": rows["c"][None],
        "L": rows["L"][None],
    }


def m2_evidence(values, x):
    log_ps = []
    for y in range(3):
        cov = jnp.outer(values["W"][y], values["W"][y]) + jnp.diag(values["R"] ** 2)
        shift = x - values["b"][y]
        log_ps.append(-0.5 * (shift @ jnp.linalg.inv(cov) @ shift + jnp.linalg.slogdet(cov)[1]) - math.log(2 * math.pi))
    return logsumexp(jax.nn.log_softmax(values["pi"]) + jnp.stack(log_ps))


def m2_elbo(values, x):
    log_q = jax.nn.log_softmax(values["C"] @ x)
    parts = jnp.stack([closed_form_elbo(of_class(values, y), x) for y in range(3)])
    return jnp.sum(jnp.exp(log_q) * (parts + jax.nn.log_softmax(values["pi"]) - log_q))


X = np.array([0.4, -1.1])


def test_m2_averages_over_y_and_integrates_over_z():
    """Gauss-Hermite nodes for z, one draw for each y from the same noise: value and gradients in closed form."""
    nodes, weights = hermite(1)

    def ours(vae):
        return weights @ jax.vmap(lambda eps: elbo(vae, {"x": jnp.asarray(X)}, {"z": eps}))(nodes[:, 0])

    assert_equal_with_gradients(ours, lambda v: m2_elbo(v.parameters, X), m2(np.random.default_rng(0)))


def test_m2_weights_integrate_to_the_evidence():
    nodes, weights = line(16.0)

    def ours(vae):
        log_ws = jax.vmap(lambda eps: log_weight(vae, {"x": jnp.asarray(X)}, {"z": eps}))(nodes)
        return logsumexp(log_ws, b=weights)

    assert_equal_with_gradients(ours, lambda v: m2_evidence(v.parameters, X), m2(np.random.default_rng(1)))


def test_m2_weights_are_the_evidence_where_z_given_y_is_exact():
    """Whatever q(y | x) is: every single draw. Averaged over y they would be an ELBO."""
    vae = m2(np.random.default_rng(2), exact=True)
    noise = jax.random.normal(KEY, (50,))
    log_ws = jax.jit(jax.vmap(lambda eps: log_weight(vae, {"x": jnp.asarray(X)}, {"z": eps})))(noise)
    evidence = m2_evidence(vae.parameters, X)
    np.testing.assert_allclose(log_ws, np.full(50, evidence), rtol=0, atol=ROUNDING)
    assert evidence - m2_elbo(vae.parameters, X) > 0.1


def test_m2_with_y_observed_is_the_elbo_of_that_class():
    vae, (nodes, weights) = m2(np.random.default_rng(3)), hermite(1)
    datum = {"x": jnp.asarray(X), "y": jnp.array(1)}
    ours = weights @ jax.vmap(lambda eps: elbo(vae, datum, {"z": eps}))(nodes[:, 0])
    values = vae.parameters
    expected = closed_form_elbo(of_class(values, 1), X) + jax.nn.log_softmax(values["pi"])[1]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=ROUNDING)


# A latent that q leaves out.


def test_a_latent_that_q_leaves_out_is_summed_out():
    """A mixture prior over z: q infers z alone, and log Σ_c p(c) p(z | c) stands in the bound and in the weight."""
    rng = np.random.default_rng(6)
    p = lb.Joint(
        c=lambda pi: Categorical(logits=pi),
        z=lambda c, m: Normal(m[c], 0.7),
        x=lambda z, w: Normal(w * z, 0.8),
        pi=jnp.asarray(rng.normal(size=4)),
        m=jnp.asarray(rng.normal(size=4)),
        w=jnp.array(1.3),
    )
    q = lb.Joint(z=lambda x, a, s: Normal(a * x, s), a=jnp.array(0.4), s=jnp.array(0.9))
    vae, x, (nodes, weights) = lb.VAE(p, q, key=KEY), jnp.array(0.8), line(16.0)
    assert make_plan(vae.graph, {"x"}, ELBO())["c"].treatment is Treatment.SUMMED_OUT

    def by_nodes(score, values):
        def leaf(eps):
            z = values["a"] * x + values["s"] * eps
            log_cs = jax.nn.log_softmax(values["pi"]) + jax.vmap(lambda m: log_normal(z, m, 0.7))(values["m"])
            return logsumexp(log_cs) + log_normal(x, values["w"] * z, 0.8) - log_normal(z, values["a"] * x, values["s"])

        return score(jax.vmap(leaf)(nodes))

    for function, score in ((elbo, lambda v: weights @ v), (log_weight, lambda v: logsumexp(v, b=weights))):
        assert_equal_with_gradients(
            lambda vae: score(jax.vmap(lambda eps: function(vae, {"x": x}, {"z": eps}))(nodes)),  # noqa: B023
            lambda vae: by_nodes(score, vae.parameters),  # noqa: B023
            vae,
        )

    def evidence(vae):  # a mixture of Gaussians
        values = vae.parameters
        scale = jnp.sqrt(0.8**2 + (values["w"] * 0.7) ** 2)
        return logsumexp(
            jax.nn.log_softmax(values["pi"]) + jax.vmap(lambda m: log_normal(x, values["w"] * m, scale))(values["m"])
        )

    np.testing.assert_allclose(
        by_nodes(lambda v: logsumexp(v, b=weights), vae.parameters), evidence(vae), atol=ROUNDING
    )


# Latents without a pathwise gradient: Poisson, alone and below an enumerated one.


def counts(below):
    """Declare n ~ Poisson, x | n Gaussian; `below` an enumerated y, on which n depends in p and in q."""
    p = {"n": lambda r: Poisson(jnp.exp(r)), "x": lambda n, w: Normal(w * n, 1.0)}
    q = {"n": lambda x, a: Poisson(jnp.exp(a[0] + a[1] * x)), "a": jnp.array([0.1, -0.2])}
    if below:
        p = {
            "y": Bernoulli(logits=0.4),
            "n": lambda y, r: Poisson(jnp.exp(r + 0.5 * y)),
            "x": lambda n, y, w: Normal(w * n - y, 1.0),
        }
        q = {
            "y": lambda x, c: Bernoulli(logits=c * x),
            "n": lambda x, y, a: Poisson(jnp.exp(a[0] + a[1] * x + 0.3 * y)),
            "a": jnp.array([-0.6, 0.2]),
            "c": jnp.array(0.7),
        }
    return lb.VAE(lb.Joint(p, r=jnp.array(-0.3), w=jnp.array(0.9)), lb.Joint(q), key=KEY)


X_COUNT = 1.2


def count_tables(values, below, top):
    """Return log q(y), and log q(n | y) and log p(x, y, n) by (y, n) for n < top; one y where there is none."""
    n = jnp.arange(top)[None]
    ys = jnp.arange(2 if below else 1)[:, None]

    def log_poisson(log_rate):
        return n * log_rate - jnp.exp(log_rate) - gammaln(n + 1)

    a = values["a"]
    log_q_n = log_poisson(a[0] + a[1] * X_COUNT + 0.3 * ys)
    log_p = log_poisson(values["r"] + 0.5 * ys)
    log_p = log_p - 0.5 * (X_COUNT - values["w"] * n + ys) ** 2 - 0.5 * math.log(2 * math.pi)
    if not below:
        return jnp.zeros(1), log_q_n, log_p
    log_q_y = jax.nn.log_sigmoid(jnp.array([-1.0, 1.0]) * values["c"] * X_COUNT)
    return log_q_y, log_q_n, log_p + jax.nn.log_sigmoid(jnp.array([-0.4, 0.4]))[:, None]


def counts_elbo(values, below):
    log_q_y, log_q_n, log_p = count_tables(values, below, 60)
    log_q = log_q_y[:, None] + log_q_n
    return jnp.sum(jnp.exp(log_q) * (log_p - log_q))


def counts_iwae(values, below, K, top):
    """Enumerate the draws n of each of K weights, one for each y, which are independent."""
    _, log_q_n, log_p = count_tables(values, below, top)
    num_ys = len(log_q_n)
    axes = K * num_ys
    log_probability, log_ws = 0.0, []
    for k in range(K):
        terms = []
        for y in range(num_ys):
            shape = [1] * axes
            shape[k * num_ys + y] = top
            log_probability = log_probability + log_q_n[y].reshape(shape)
            terms.append((log_p - log_q_n)[y].reshape(shape))
        log_ws.append(logsumexp(jnp.stack(jnp.broadcast_arrays(*terms)), axis=0) if num_ys > 1 else terms[0])
    log_mean = logsumexp(jnp.stack(jnp.broadcast_arrays(*log_ws)), axis=0) - math.log(K)
    return jnp.sum(jnp.exp(log_probability) * log_mean)


@pytest.mark.parametrize("below", [False, True], ids=["alone", "below an enumerated latent"])
@pytest.mark.parametrize("how", [ELBO(), IWAE(2)], ids=lambda how: how.name)
def test_score_function_gradients_are_unbiased(how, below):
    """Value and gradient by every parameter, averaged over keys, against enumeration (beyond 16 counts: 1e-12)."""
    vae = counts(below)
    plan = make_plan(vae.graph, {"x"}, how)
    assert plan["n"].gradient is Gradient.SCORE_FUNCTION

    def bound(free, key):
        values = eqx.tree_at(lambda v: v.free, vae, free).parameters
        noises = {"n": jax.random.split(key, how.num_samples)}
        return sum(how.terms(plan, values, {"x": jnp.asarray(X_COUNT)}, noises, jnp.zeros((), int)).values())

    keys = jax.random.split(jax.random.key(1), 40_000)
    draws = jax.jit(jax.vmap(jax.value_and_grad(bound), (None, 0)))(vae.free, keys)
    truth = (lambda v: counts_elbo(v, below)) if how == ELBO() else (lambda v: counts_iwae(v, below, 2, 16))
    expected = jax.jit(jax.value_and_grad(truth))(vae.free)
    draws, expected = ([tree[0], *unpacked(tree[1])] for tree in (draws, expected))
    for entry, mean in zip(draws, expected, strict=True):
        if np.ptp(entry) <= ROUNDING:  # where the KL in closed form is all that a parameter stands in
            np.testing.assert_allclose(entry, np.full(entry.shape, mean), rtol=0, atol=ROUNDING)
        else:
            assert_mean(entry, float(mean), resolves=0.3, error_rate=1e-6 / len(expected))


def unpacked(gradient):
    """The entries of a gradient, each with what leading axes it has."""
    return [
        entry
        for name in sorted(gradient)
        for entry in ([*jnp.moveaxis(gradient[name], -1, 0)] if name == "a" else [gradient[name]])
    ]


def test_a_deterministic_value_is_worked_out_anew_in_each_state():
    """`h` is first asked for by q, where y has no value yet; in p it must see each state of y."""
    p = lb.Joint(
        y=Bernoulli(logits=0.3),
        u=lb.Input(),
        h=lambda u, y=None: u if y is None else u + 2.0 * y,
        z=Normal(0.0, 1.0),
        x=lambda z, h: Normal(z + h, 1.0),
    )
    q = lb.Joint(z=lambda x, h: Normal(0.5 * (x - h), 0.8))
    vae, (nodes, weights) = lb.VAE(p, q, key=KEY), line(16.0)
    datum = {"x": jnp.array(0.9), "u": jnp.array(0.4)}
    log_ws = jax.vmap(lambda eps: log_weight(vae, datum, {"z": eps}))(nodes)
    evidence = logsumexp(
        jnp.array([jax.nn.log_sigmoid(s) + log_normal(0.9, 0.4 + h, math.sqrt(2)) for s, h in ((-0.3, 0), (0.3, 2))])
    )
    np.testing.assert_allclose(logsumexp(log_ws, b=weights), evidence, rtol=0, atol=ROUNDING)
