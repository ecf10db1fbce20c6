"""What notebooks show: HTML that needs nothing beside it, with every name escaped."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Normal
from lowerbound.evaluation import Estimate
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import Side
from lowerbound.training import History

NAME = "<b>&"
ESCAPED = "&lt;b&gt;&amp;"


def vae(name: str = "z") -> lb.VAE:
    p = lb.Joint(
        {name: Normal(jnp.zeros(2), 1.0), "x": lb.given(lambda z, theta: Bernoulli(logits=theta(z)), z=name)}
        | {"theta": MLP(2, 4)}
    )
    q = lb.Joint({name: lambda x, phi: Normal(*phi(x)), "phi": Gaussian(4, 2)})
    return lb.VAE(p, q, key=jax.random.key(0))


def estimate(name: str = "test") -> Estimate:
    values = np.array([-80.0, -82.0, -84.5])
    return Estimate(values, np.ones(3), 0.0314, Side.LOWER, 64, f"ELBO {name}", {name: 3.0}, {name: name})


def history(name: str = "log p(x | z)") -> History:
    none = np.zeros(0)
    return History(
        {name: np.linspace(-9, -8, 20), "b": none.sum() + np.zeros(20)},
        np.arange(20.0),
        none.astype(int),
        none,
        none,
        20,
        5,
        "steps",
    )


def data(name: str = "x") -> lb.Data:
    rng = np.random.default_rng(0)
    return lb.Data({name: rng.integers(0, 9, (12, 4, 4)).astype(np.uint8), f"{name}2": rng.normal(size=(12, 20))})


@pytest.mark.parametrize("shown", [vae, estimate, history, data])
def test_nothing_is_fetched(shown):
    html = shown()._repr_html_()
    assert "<script" not in html
    assert "url(" not in html
    for source in re.findall(r"""(?:src|href)=["']([^"']*)""", html):
        assert source.startswith("data:image/png;base64,")
    assert len(html) < 60_000


@pytest.mark.parametrize("shown", [vae, estimate, history, data])
def test_names_are_escaped(shown):
    html = shown(NAME)._repr_html_()
    assert NAME not in html
    assert ESCAPED in html


def test_an_estimate_shows_its_number_error_and_side_first():
    text = re.sub("<[^>]*>", " ", estimate()._repr_html_())
    assert re.sub(r"\s+", " ", text).startswith(
        " -82.17 ± 1.3 nats a datum, higher is better ELBO test, lower bound in expectation, 3 rows estimator "
    )


def test_a_history_shows_its_curves():
    html = history()._repr_html_()
    assert html.startswith("<svg")
    assert "History(20 steps (4 epochs)" in html


def test_a_vae_shows_its_network_and_its_table():
    html = vae()._repr_html_()
    assert "<title>x: observed</title>" in html
    assert "<td>a random variable, latent: Normal, shape (2,)</td>" in html


def test_data_show_their_first_rows():
    html = data()._repr_html_()
    assert html.count("<img") == 1
    assert "…" in html
    assert "<td>uint8</td><td>(4, 4)</td>" in html
