"""What the README shows is what happens."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Normal
from lowerbound.nn import MLP, Gaussian

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_example_has_twelve_lines_and_runs(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code.strip().splitlines()) == 12
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("IWAE-100 -")
    assert "lower bound in expectation" in printed
    assert "not a sample" in printed
    assert (tmp_path / "bayesnet.svg").read_text().startswith("<svg")


def test_the_picture_is_what_the_code_draws():
    p = lb.Joint(z=Normal(jnp.zeros(8), 1.0), x=lambda z, theta: Bernoulli(logits=theta(z)), theta=MLP(8, 64))
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(64, 8))
    vae = lb.VAE(p, q, key=jax.random.key(0))
    assert lb.draw(vae).svg() == (ROOT / "docs" / "bayesnet.svg").read_text()


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)|src=\"([^\"]+)\"", README))
def test_links_lead_somewhere(path):
    assert (ROOT / "".join(path)).exists()
