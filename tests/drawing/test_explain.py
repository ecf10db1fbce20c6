"""The question that the project starts from, answered word for word."""

import jax
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal
from lowerbound.drawing import explain
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO, IWAE, Penalty

KEY = jax.random.key(0)


def plain(theta=None):
    p = lb.Joint(
        z=Normal(np.zeros(20, np.float32), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(20, 784, hidden=(4,)) if theta is None else theta,
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(784, 20, hidden=(4,)))
    return lb.VAE(p, q, key=KEY)


#: In a diagram of a VAE, are x, z and x-hat random variables, or instances of them?
PLAIN = {
    "x": (
        "a random variable, observed: Bernoulli, shape (784,)",
        "a distribution, p(x | z; theta)",
        "a value for each datum: the instance x^(i)",
        "log p(x | z)",
    ),
    "z": (
        "a random variable, latent: Normal, shape (20,)",
        "distributions: p(z) in the model, q(z | x; phi) in inference",
        "a value: the sample z^(i)",
        "-KL(q(z | x) || p(z)), fed by the distributions, not by a sample",
    ),
    "theta": (
        "a parameter of p: 4,004 numbers",
        "not random: one value for all data",
        "the same value, until the optimizer moves it",
        "log p(x | z)",
    ),
    "phi": (
        "a parameter of q: 3,340 numbers",
        "not random: one value for all data",
        "the same value, until the optimizer moves it",
        "-KL(q(z | x) || p(z)), log p(x | z) through z^(i)",
    ),
    "D": (
        "the dataset: N instances x^(i)",
        "i.i.d. draws from a distribution that nobody knows",
        "values, the same in every step",
        "all, averaged over the instances",
    ),
    "x^(i)": (
        "an instance: the value of x in row i of D",
        "i is drawn uniformly from the rows of D",
        "a value, no longer random",
        "log p(x | z), where it is scored; and it conditions q(z | x^(i))",
    ),
    "epsilon": (
        "noise: random, but no variable of the model",
        "a distribution, Normal(0, 1), shape (20,)",
        "a value, epsilon^(i), new in every step",
        "log p(x | z), through z^(i)",
    ),
    "z^(i)": (
        "a sample from q(z | x^(i)), no longer a random variable",
        "q(z | x^(i)) is a distribution until it meets a PRNG key",
        "a value, computed from q(z | x^(i)) and epsilon^(i); the gradient flows through it to phi",
        "log p(x | z)",
    ),
    "x-hat": (
        "the parameters of p(x | z^(i)), not a sample",
        "computed, not drawn",
        "a deterministic value, that says where and how widely p expects x",
        "log p(x | z), as the distribution that scores x^(i)",
    ),
    "x-tilde": (
        "a generated x: a sample from the model, in no dataset",
        "distributions: draw from p(z) first, then from p(x | z)",
        "a value, new each time",
        "none: training never draws it",
    ),
}


def cells(row):
    return row.model, row.before, row.after, row.term


def test_the_plain_vae_is_explained_word_for_word():
    explanation = explain(plain())
    assert {row.name: cells(row) for row in explanation.rows} == PLAIN
    assert [row.name for row in explanation.rows] == list(PLAIN)


def test_the_head_states_model_and_bound():
    explanation = explain(plain())
    assert explanation.factorization == ("p(z, x) = p(z) p(x | z; theta)", "q(z | x) = q(z | x; phi)")
    assert explanation.objective == "ELBO = E_q[ log p(x | z) - KL(q(z | x) || p(z)) ]"
    assert explanation.latents == ("z: KL in closed form; pathwise gradient",)


def test_a_prior_makes_theta_a_random_variable():
    explanation = explain(plain(lb.Param(MLP(20, 784, hidden=(4,)), prior=Normal(0.0, 1.0))))
    assert cells(explanation["theta"]) == (
        "a random variable, outside of the plate: one for all data",
        "distributions: the prior p(theta) in the model, q(theta) in inference, a mean-field Gaussian",
        "a value: one sample for a whole step",
        "-KL(q(theta) || p(theta)) / N, and log p(x | z)",
    )
    assert explanation.objective.endswith(" - KL(q(theta) || p(theta)) / N")


def test_data_give_the_number_of_instances():
    data = {"x": np.zeros((6, 784), np.uint8)}
    assert explain(plain(), data)["D"].model == "the dataset: N = 6 instances x^(i)"


def test_an_importance_weighted_bound_takes_every_density_at_the_sample():
    explanation = explain(plain(), how=IWAE(50))
    assert explanation.objective == "IWAE-50 = log (1/50) Σ_k w_k, w = p(x, z) / q(z | x)"
    assert explanation.latents == ("z: drawn in each weight; pathwise gradient",)
    assert explanation["z"].term == "every weight w"


def test_a_sampled_kl_says_so():
    explanation = explain(plain(), how=ELBO(sampled=("z",)))
    assert explanation.latents == ("z: KL sampled: the objective asks for it; pathwise gradient",)
    assert explanation["z^(i)"].term == "log p(x | z), -KL(q(z | x) || p(z))"


def m2():
    p = lb.Joint(
        y=Categorical(logits=np.zeros(10, np.float32)),
        z=Normal(np.zeros(2, np.float32), 1.0),
        x=lambda y, z, theta: Bernoulli(logits=theta(jax.nn.one_hot(y, 10), z)),
        theta=MLP(12, 16, hidden=(4,)),
    )
    q = lb.Joint(
        y=lambda x, clf: Categorical(logits=clf(x)),
        z=lambda x, y, phi: Normal(*phi(x, jax.nn.one_hot(y, 10))),
        clf=MLP(16, 10, hidden=(4,)),
        phi=Gaussian(26, 2, hidden=(4,)),
    )
    return lb.VAE(p, q, key=KEY)


def test_an_enumerated_latent_is_never_drawn():
    explanation = explain(m2(), observed=["x"])
    assert explanation.latents[0] == "y: averaged over exactly, under q; 10 x (phi, theta)"
    assert explanation["y"].after == "never drawn: all 10 states count, by their probability under q"
    assert not [row for row in explanation.rows if row.name == "y^(i)"]


def test_the_two_halves_of_a_semi_supervised_model():
    """With y observed the classifier enters no term, and a penalty on it counts; with y latent it does not."""
    how = ELBO() + Penalty(lambda x, y, clf: -Categorical(logits=clf(x)).log_prob(y))
    labelled, unlabelled = (explain(m2(), how=how, observed=names) for names in (["x", "y"], ["x"]))
    assert labelled["clf"].term == "none"
    assert labelled.objective.endswith(" - penalty 1")
    assert unlabelled["clf"].term == "-KL(q(y | x) || p(y))"
    assert unlabelled.objective.endswith(" (penalty 1: left out for these data)")


def test_a_summed_out_latent_says_so():
    p = lb.Joint(
        c=Categorical(logits=np.zeros(5, np.float32)),
        z=lambda c, mu: Normal(mu[c], 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        mu=np.ones((5, 2), np.float32),
        theta=MLP(2, 16, hidden=(4,)),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 2, hidden=(4,)))
    explanation = explain(lb.VAE(p, q, key=KEY))
    assert explanation.objective == "ELBO = E_q[ log p(x | z) + log Σ_{c} p(c) p(z | c) - log q(z | x) ]"
    assert explanation.latents == (
        "z: KL sampled: `c`, above it in p, is summed out; pathwise gradient",
        "c: not in q, so summed out exactly, inside the log; 5 x (mu)",
    )


def test_the_text_is_a_table_and_the_notebook_gets_html():
    explanation = explain(plain())
    lines = str(explanation).splitlines()
    assert lines[0] == "p(z, x) = p(z) p(x | z; theta)"
    assert max(map(len, lines)) <= 125
    assert explanation._repr_html_().count("<tr>") == 11


def test_a_row_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="no row `w`; there are x, z, theta"):
        explain(plain())["w"]
