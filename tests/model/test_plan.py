"""What is done with each latent: by the graph, the observed names and the objective; and every refusal in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import lowerbound as lb
from linear_gaussian import hermite
from lowerbound.dist import Bernoulli, Categorical, Laplace, Normal, Poisson
from lowerbound.model import Gradient, Graph, TermKind, Treatment, make_plan
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO, IWAE, elbo

KEY = jax.random.key(0)
ROUNDING = 1e-10
N0 = Normal(0.0, 1.0)


def plan(p, q, given=("x",), how=ELBO()):
    return make_plan(lb.VAE(lb.Joint(p), lb.Joint(q) if q else None, key=KEY).graph, given, how)


def treatments(p, q, given=("x",), how=ELBO()):
    return {latent.name: latent.treatment for latent in plan(p, q, given, how).latents}


CLOSED, SAMPLED = Treatment.CLOSED_FORM, Treatment.SAMPLED

# z2 -> z1 -> x, all of unit deviation, so that x ~ N(0, 3), z1 | x ~ N(2x/3, 2/3) and z2 | z1 ~ N(z1/2, 1/2).
TWO_LEVELS = {"z2": N0, "z1": lambda z2: Normal(z2, 1.0), "x": lambda z1: Normal(z1, 1.0)}
BOTTOM_UP = {"z1": lambda x: Normal(2 * x / 3, (2 / 3) ** 0.5), "z2": lambda z1: Normal(z1 / 2, 0.5**0.5)}
# The same posterior from above: z2 | x ~ N(x/3, 2/3) and z1 | z2, x ~ N((x + z2)/2, 1/2).
TOP_DOWN = {"z2": lambda x: Normal(x / 3, (2 / 3) ** 0.5), "z1": lambda z2, x: Normal((x + z2) / 2, 0.5**0.5)}
# The same p with a deterministic value between, which hides no ancestor.
BETWEEN = {"z2": N0, "m": lambda z2: 1.0 * z2, "z1": lambda m: Normal(m, 1.0), "x": lambda z1: Normal(z1, 1.0)}


@pytest.mark.parametrize("p", [TWO_LEVELS, BETWEEN], ids=["direct", "with a value between"])
def test_bottom_up_q_has_a_closed_form_only_at_the_top(p):
    made = plan(p, BOTTOM_UP)
    assert (made["z1"].treatment, made["z2"].treatment) == (SAMPLED, CLOSED)
    assert made["z1"].reason == "`z2`, above it in p, lies below it in q"
    assert made["z2"].reason == ""


@pytest.mark.parametrize("p", [TWO_LEVELS, BETWEEN], ids=["direct", "with a value between"])
def test_top_down_q_has_closed_forms_throughout(p):
    assert treatments(p, TOP_DOWN) == {"z2": CLOSED, "z1": CLOSED}


def expected_elbo(p, q, x):
    """Integrate the planned ELBO over both base draws."""
    vae = lb.VAE(lb.Joint(p), lb.Joint(q), key=KEY)
    nodes, weights = hermite(2)
    draw = jax.vmap(lambda node: elbo(vae, {"x": jnp.asarray(x)}, {"z1": node[0], "z2": node[1]}))
    return weights @ draw(nodes)


@pytest.mark.parametrize("p", [TWO_LEVELS, BETWEEN], ids=["direct", "with a value between"])
@pytest.mark.parametrize("q", [BOTTOM_UP, TOP_DOWN], ids=["bottom-up", "top-down"])
def test_two_levels_at_the_exact_posterior_are_the_evidence(p, q):
    with jax.enable_x64(True):
        np.testing.assert_allclose(expected_elbo(p, q, 1.3), -1.7499, rtol=0, atol=5e-5)
        evidence = stats.norm(0, 3**0.5).logpdf(1.3)
        np.testing.assert_allclose(expected_elbo(p, q, 1.3), evidence, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("p", [TWO_LEVELS, BETWEEN], ids=["direct", "with a value between"])
def test_every_kl_in_closed_form_would_be_a_third_of_a_nat_off(p, monkeypatch):
    """So is a mean-field ELBO that does not look at the graph: -2.083 for -1.750."""
    monkeypatch.setattr(Graph, "descendants", lambda *_: set())
    assert treatments(p, BOTTOM_UP) == {"z1": CLOSED, "z2": CLOSED}
    with jax.enable_x64(True):
        evidence = stats.norm(0, 3**0.5).logpdf(1.3)
        np.testing.assert_allclose(expected_elbo(p, BOTTOM_UP, 1.3), evidence - 1 / 3, rtol=0, atol=ROUNDING)


def test_a_latent_that_hides_behind_a_value_of_q_is_seen():
    """In q too an ancestor is looked at through deterministic values."""
    q = {"z1": BOTTOM_UP["z1"], "half": lambda z1: z1 / 2, "z2": lambda half: Normal(half, 0.5**0.5)}
    assert treatments(TWO_LEVELS, q) == {"z1": SAMPLED, "z2": CLOSED}


@pytest.mark.parametrize("names", ["ab", "ba"])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_order_of_declaration_says_nothing(names, order):
    """Two latents that do not depend on each other have closed forms in whatever order p and q list them."""
    p = {**dict.fromkeys(names, N0), "x": lambda a, b: Normal(a + b, 1.0)}
    q = dict.fromkeys(order, lambda x: Normal(x, 1.0))
    assert treatments(p, q) == {"a": CLOSED, "b": CLOSED}


def test_an_ancestor_that_is_no_descendant_in_q_does_no_harm():
    """z2 of p's z1 is drawn beside it in q, from x alone."""
    q = {"z1": lambda x: Normal(x, 1.0), "z2": lambda x: Normal(x, 1.0)}
    assert treatments(TWO_LEVELS, q) == {"z1": CLOSED, "z2": CLOSED}


def test_an_observed_ancestor_does_no_harm():
    assert treatments(TWO_LEVELS, {"z1": BOTTOM_UP["z1"]}, ("x", "z2")) == {"z1": CLOSED}


MIXTURE = {"c": Categorical(logits=np.zeros(3)), "z": lambda c: Normal(1.0 * c, 1.0), "x": lambda z: Normal(z, 1.0)}


@pytest.mark.parametrize("value_between", [False, True])
def test_a_parent_that_is_summed_out_leaves_no_closed_form(value_between):
    p = MIXTURE
    if value_between:
        p = {"c": p["c"], "m": lambda c: 1.0 * c, "z": lambda m: Normal(m, 1.0), "x": p["x"]}
    made = plan(p, {"z": lambda x: Normal(x, 1.0)})
    assert (made["z"].treatment, made["c"].treatment) == (SAMPLED, Treatment.SUMMED_OUT)
    assert made["z"].reason == "`c`, above it in p, is summed out"
    assert [(term.kind, term.names, term.label) for term in made.terms] == [
        (TermKind.LIKELIHOOD, ("x",), "log p(x | z)"),
        (TermKind.LOG_SUM, ("c", "z"), "log Σ_{c} p(c) p(z | c)"),
        (TermKind.ENTROPY, ("z",), "-log q(z | x)"),
    ]


def test_a_parent_in_q_that_is_enumerated_leaves_the_closed_form():
    q = {"c": lambda x, w: Categorical(logits=x * w), "z": lambda x, c: Normal(x + c, 1.0), "w": jnp.ones(3)}
    assert treatments(MIXTURE, q) == {"c": Treatment.ENUMERATED, "z": CLOSED}
    assert treatments(MIXTURE, q, how=IWAE(5)) == {"c": Treatment.SUMMED_IN_WEIGHT, "z": SAMPLED}
    assert plan(MIXTURE, q, how=IWAE(5))["z"].reason == "an importance weight takes the densities at the draw"


def test_the_objective_can_ask_for_a_sampled_kl():
    made = plan(TWO_LEVELS, TOP_DOWN, how=ELBO(sampled=("z1",)))
    assert (made["z1"].treatment, made["z2"].treatment) == (SAMPLED, CLOSED)
    assert made["z1"].reason == "the objective asks for it"


def test_a_pair_that_the_table_lacks_is_sampled():
    p = {"z": Laplace(0.0, 1.0), "x": lambda z: Normal(z, 1.0)}
    made = plan(p, {"z": lambda x: Normal(x, 1.0)})
    assert made["z"].treatment is SAMPLED
    assert made["z"].reason == "no closed form for Normal and Laplace"


def test_a_latent_without_a_pathwise_gradient_has_the_score_function():
    p = {"n": Poisson(2.0), "x": lambda n: Normal(1.0 * n, 1.0)}
    made = plan(p, {"n": lambda x: Poisson(jnp.exp(x))})
    assert (made["n"].treatment, made["n"].gradient) == (CLOSED, Gradient.SCORE_FUNCTION)
    assert plan(TWO_LEVELS, TOP_DOWN)["z1"].gradient is Gradient.PATHWISE


# Observed names.

M2 = {
    "y": Categorical(logits=np.zeros(10)),
    "z": Normal(np.zeros(2), 1.0),
    "x": lambda z, y, theta: Bernoulli(logits=theta(z, jax.nn.one_hot(y, 10))),
    "theta": MLP(12, 5, hidden=()),
}
M2_Q = {
    "y": lambda x, clf: Categorical(logits=clf(x)),
    "z": lambda x, y, phi: Normal(*phi(x, jax.nn.one_hot(y, 10))),
    "clf": MLP(5, 10, hidden=()),
    "phi": Gaussian(15, 2, hidden=()),
}


def test_the_halves_of_a_semi_supervised_model_are_two_plans():
    graph = lb.VAE(lb.Joint(M2), lb.Joint(M2_Q), key=KEY).graph
    unlabelled, labelled = (make_plan(graph, given, ELBO()) for given in (("x",), ("x", "y")))
    assert [(latent.name, latent.treatment) for latent in unlabelled.latents] == [
        ("y", Treatment.ENUMERATED),
        ("z", CLOSED),
    ]
    assert unlabelled["y"].num_states == 10
    assert set(unlabelled["y"].networks) == {"theta", "phi"}
    assert [(latent.name, latent.treatment) for latent in labelled.latents] == [("z", CLOSED)]
    assert [term.label for term in labelled.terms] == ["log p(y)", "log p(x | z, y)", "-KL(q(z | x, y) || p(z))"]
    assert set(unlabelled.observed) == {"x"}
    assert set(labelled.observed) == {"x", "y"}
    assert make_plan(graph, ("x",), ELBO()) == unlabelled != labelled


VIEWS = {"z": N0, "a": lambda z: Normal(z, 1.0), "b": lambda z: Normal(-z, 1.0)}


@pytest.mark.parametrize("given", [("a", "b"), ("a",), ("b",)], ids=", ".join)
def test_a_missing_modality_is_dropped(given):
    """Optional parents are None where they are missing, and what hangs below nothing observed leaves the bound."""
    q = {"z": lambda a=None, b=None: Normal(sum(v for v in (a, b) if v is not None) / 3, 1.0)}
    made = plan(VIEWS, q, given)
    missing = {"a", "b"} - set(given)
    assert {latent.name: latent.treatment for latent in made.latents} == {
        "z": CLOSED,
        **dict.fromkeys(missing, Treatment.DROPPED),
    }
    assert {term.names[0] for term in made.terms} == {*given, "z"}


def test_whole_chains_are_dropped():
    p = {**VIEWS, "c": lambda b: Bernoulli(logits=b), "d": lambda c: Normal(1.0 * c, 1.0)}
    made = treatments(p, {"z": lambda a: Normal(a, 1.0)}, ("a",))
    assert made == {"z": CLOSED, **dict.fromkeys("bcd", Treatment.DROPPED)}


def test_a_finite_variable_between_observed_ones_is_summed_out():
    p = {**VIEWS, "c": lambda a: Bernoulli(logits=a), "d": lambda c, z: Normal(1.0 * c + z, 1.0)}
    made = plan(p, {"z": lambda a: Normal(a, 1.0)}, ("a", "d"))
    assert (made["c"].treatment, made["c"].num_states) == (Treatment.SUMMED_OUT, 2)
    assert made["b"].treatment is Treatment.DROPPED
    assert made.in_log_sum == ("c", "d")


# Refusals.


def refusal(p, q, given=("x",), how=ELBO()):
    with pytest.raises(ValueError, match=r".") as caught:
        plan(p, q, given, how)
    return str(caught.value)


Q = {"z": lambda x: Normal(x, 1.0)}
ONE = {"z": N0, "x": lambda z: Normal(z, 1.0)}


def test_too_many_states_are_refused():
    p = {
        "a": Bernoulli(logits=np.zeros(7)),
        "b": Categorical(logits=np.zeros((2, 9))),
        "x": lambda a, b: Normal(jnp.sum(a) + 1.0 * jnp.sum(b), 1.0),
    }
    q = {"a": lambda x, w: Bernoulli(logits=x * w), "w": jnp.ones(7)}
    assert refusal(p, q) == (
        "`a`, `b` have 10,368 joint states, above the 10,000 that are enumerated. Use fewer or smaller finite latents, "
        "or a relaxed distribution."
    )
    p["b"] = Categorical(logits=np.zeros((2, 8)))
    assert plan(p, q)["b"].num_states == 64


def test_q_that_conditions_on_what_it_does_not_infer_is_refused():
    p = {"y": Bernoulli(logits=0.0), **ONE, "x": lambda z, y: Normal(z + y, 1.0)}
    q = {"z": lambda x, y: Normal(x + y, 1.0)}
    assert refusal(p, q) == (
        "`z` in q conditions on `y`, which is latent here and which q does not infer. Give q a factor for `y`, or pass "
        "it with the data."
    )
    assert treatments(p, q, ("x", "y")) == {"z": CLOSED}


def test_a_latent_neither_in_q_nor_finite_is_refused():
    assert refusal(TWO_LEVELS, {"z1": BOTTOM_UP["z1"]}) == (
        "`z2` is latent, but q does not infer it, and a Normal is not finite, so it cannot be summed out. Give q a "
        "factor for `z2`, or pass it with the data."
    )
    assert "`z` is latent, but q does not infer it" in refusal(ONE, {})


@pytest.mark.parametrize("value_between", [False, True])
def test_a_missing_input_is_refused(value_between):
    p = {"z": N0, "s": lb.Input(), "x": lambda z, s: Normal(z + s, 1.0)}
    name = "x"
    if value_between:
        p, name = {"z": N0, "s": p["s"], "h": lambda s: 2 * s, "x": lambda z, h: Normal(z + h, 1.0)}, "h"
    assert refusal(p, Q) == (
        f"`{name}` needs the input `s`, which the data do not name. Pass `s` with each datum, or make it optional: "
        f"`s=None` in the signature."
    )
    assert plan(p, Q, ("x", "s")).inputs == ("s",)


def test_unknown_data_names_are_refused():
    p = {"z": N0, "pixels": lambda z: Normal(z, 1.0), "label": lambda z: Bernoulli(logits=z)}
    q = {"z": lambda pixels: Normal(pixels, 1.0)}
    assert refusal(p, q, ("pixel",)) == (
        "The data name `pixel`, which nobody declares; declared are `z`, `pixels`, `label`. Did you mean `pixels`?"
    )
    assert refusal(p, q, ("pixels", "weather")) == (
        "The data name `weather`, which nobody declares; declared are `z`, `pixels`, `label`. Declare it, or leave it "
        "out: `data.only(...)`."
    )


def test_data_that_name_a_parameter_or_a_value_are_refused():
    p = {"z": N0, "h": lambda z: 2 * z, "x": lambda h, w: Normal(h * w, 1.0), "w": jnp.array(1.0)}
    assert refusal(p, Q, ("x", "w")) == (
        "`w` is bound to two things: the data name it, but it is declared as a parameter. For a network used as a "
        "factor write `w=given(network, ...)`."
    )
    assert refusal(p, Q, ("x", "h")) == (
        "The data name `h`, which is a deterministic value and has no density. Leave it out of the data, or declare it "
        "as `Input(...)`."
    )


def test_sampling_the_kl_of_what_is_not_inferred_is_refused():
    assert refusal(TWO_LEVELS, TOP_DOWN, how=ELBO(sampled=("z3",))) == (
        "The objective samples the KL of `z3`, which is no latent that q infers."
    )
