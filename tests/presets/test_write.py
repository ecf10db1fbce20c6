"""What a preset writes runs, is in our style, gets the plan that it claims, and trains."""

import subprocess
import sys
from functools import cache
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lowerbound as lb
from lowerbound.model import Plan, make_plan
from lowerbound.objective import make_ready
from lowerbound.presets import PRESETS, Likelihood, Preset

LIKELIHOODS = {
    "bernoulli": Likelihood("bernoulli", 0, 1),
    "beta-binomial": Likelihood("beta-binomial", 0, 5),
    "logistic": Likelihood("logistic", -3, 12),
    "negative-binomial": Likelihood("negative-binomial"),
    "normal": Likelihood("normal"),
}
#: For each preset: the shape of a row and small sizes.
SIZES = {
    "mlp": {"shape": (3, 4), "latent": (2,), "hidden": (8,)},
    "conv": {"shape": (5, 4), "latent": (2,), "hidden": (6, 8)},
    "ladder": {"shape": (6,), "latent": (3, 2), "hidden": (8,)},
    "mixture": {"shape": (6,), "latent": (2,), "hidden": (8,), "components": 3},
    "semisupervised": {"shape": (6,), "latent": (2,), "hidden": (8,), "classes": 3},
}
ROWS = 24


def small(name: str, word: str = "bernoulli", **changes) -> Preset:
    return Preset.of(name, likelihood=LIKELIHOODS[word], **SIZES[name] | changes)


def executed(preset: Preset) -> dict:
    namespace = {}
    exec(compile(preset.write(), "model.py", "exec"), namespace)
    return namespace


def rows(preset: Preset) -> list[lb.Data]:
    """Random rows that the likelihood can score; with labels, and others without, for the semi-supervised one."""
    rng, shape = np.random.default_rng(0), (ROWS, *preset.shape)
    low, high = preset.likelihood.low, preset.likelihood.high
    if preset.likelihood.word == "normal":
        x = rng.normal(size=shape)
    elif preset.likelihood.word == "negative-binomial":
        x = rng.poisson(rng.gamma(1.0, 3000.0, shape))
    else:
        x = rng.integers(low, high + 1, shape)
    arrays = {"x": x}
    if preset.masked:
        arrays["m"] = rng.random(shape) < 0.7
        arrays["x"] = np.where(arrays["m"], x, np.zeros((), x.dtype))
    if not preset.classes:
        return [lb.Data(arrays)]
    return [lb.Data(arrays, y=rng.integers(preset.classes, size=ROWS)), lb.Data(arrays)]


#: Each preset and each likelihood, with a mask and without; all of their products take minutes, so they are slow.
QUICK = {
    ("mlp", "negative-binomial", False),
    ("mlp", "normal", True),
    ("conv", "logistic", True),
    ("conv", "bernoulli", False),
    ("ladder", "beta-binomial", True),
    ("mixture", "normal", False),
    ("semisupervised", "bernoulli", True),
}
EVERY = list(product(PRESETS, LIKELIHOODS, (False, True)))
CASES = [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in EVERY]


@pytest.mark.parametrize(("name", "word", "masked"), CASES)
def test_what_is_written_climbs_in_all_its_parameters(name: str, word: str, masked: bool):
    """On rows that are all alike the objective gains, step by step finite, and each array of p and of q moves."""
    preset = small(name, word, masked=masked)
    written = executed(preset)
    vae = written["vae"](jax.random.key(0))
    alike = [lb.Data({key: array[:1].repeat(ROWS, 0) for key, array in part.arrays.items()}) for part in rows(preset)]
    run = lb.fit(
        vae,
        alike,
        written.get("objective", lb.ELBO()),
        key=jax.random.key(1),
        optimizer=optax.adam(1e-2),
        batch_size=2 * ROWS,
        steps=30,
        chunk_steps=30,
        progress=False,
    )
    total = sum(np.asarray(term) for term in run.history.terms.values())
    assert np.isfinite(total).all()
    assert total[-5:].mean() > total[0]
    before, after = jax.tree.leaves_with_path(vae.parameters), jax.tree.leaves(run.vae.parameters)
    for (path, old), new in zip(before, after, strict=True):
        if isinstance(old, (jax.Array, np.ndarray)):
            assert np.isfinite(new).all(), jax.tree_util.keystr(path)
            assert (np.asarray(old) != np.asarray(new)).any(), jax.tree_util.keystr(path)


@pytest.mark.parametrize(("name", "word", "masked"), EVERY)
def test_what_is_written_declares_a_bound_for_its_data(name: str, word: str, masked: bool):
    """Nothing is compiled: shapes, supports and data fit one another."""
    preset = small(name, word, masked=masked)
    written = executed(preset)
    for data in rows(preset):
        make_ready(written["vae"](jax.random.key(0)), data, written.get("objective", lb.ELBO()))


# The text.


def every_text() -> list[str]:
    """Each template in small and with the largest numbers, for rows of several shapes."""
    presets = [small(name, word, masked=masked) for name, word, masked in product(PRESETS, LIKELIHOODS, (False, True))]
    wide = Likelihood("logistic", -1_000_000, -998_977)
    big = {"hidden": (65536,) * 8, "masked": True}
    presets += [
        Preset.of("mlp", (), LIKELIHOODS["normal"]),
        Preset.of("mlp", (), LIKELIHOODS["beta-binomial"], masked=True),
        Preset.of("mlp", (1,), Likelihood("logistic", -7, 7)),
        Preset.of("mlp", (64, 64, 64, 64), wide, latent=(65536,), **big),
        Preset.of("conv", (2048, 2048, 4), wide, latent=(65536,), **big),
        Preset.of("conv", (32, 32, 3), LIKELIHOODS["beta-binomial"], masked=True),
        Preset.of("conv", (8, 8), LIKELIHOODS["negative-binomial"]),
        Preset.of("ladder", (64, 64, 64, 64), wide, latent=(65536,) * 3, **big),
        Preset.of("ladder", (64,), LIKELIHOODS["normal"], latent=(3, 2, 1)),
        Preset.of("mixture", (64, 64, 64, 64), wide, latent=(65536,), components=1000, **big),
        Preset.of("semisupervised", (64, 64, 64, 64), wide, latent=(65536,), classes=1000, **big),
        Preset.of("semisupervised", (16, 16), Likelihood("negative-binomial"), classes=10, masked=True),
    ]
    return [preset.write() for preset in presets]


def test_the_text_is_in_our_style(tmp_path):
    for index, text in enumerate(every_text()):
        (tmp_path / f"model_{index}.py").write_text(text)
    ruff = [sys.executable, "-m", "ruff"]
    rules = "B,C4,D1,E,F,I,N,PIE,RET,RUF,SIM,UP,W"
    for words in (["format", "--check", "--diff"], ["check", f"--select={rules}", "--ignore=E731,RUF001"]):
        done = subprocess.run(
            [*ruff, *words, "--isolated", "--line-length=120", "--target-version=py311", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_text_is_the_same_each_time_and_tells_presets_apart():
    texts = every_text()
    assert texts == every_text()
    assert len(set(texts)) == len(texts)
    assert all(text.isascii() for text in texts)


def test_no_reason_enters_the_text():
    chosen = Likelihood("normal", reason='"""\nraise SystemExit')
    assert Preset.of("mlp", (2,), chosen).write() == Preset.of("mlp", (2,), Likelihood("normal")).write()


def test_the_perceptron_is_the_model_tuned_on_digits():
    assert (
        Preset.of("mlp", (64,), Likelihood("beta-binomial", 0, 16)).write()
        == '''\
"""A variational autoencoder (Kingma and Welling 2014, https://arxiv.org/abs/1312.6114).

    p(x, z) = p(z) p(x | z; theta),    q(z | x; phi)
    log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))

One row of the data is x, 64 whole numbers from 0 to 16.
Each factor is for one row, with no batch axis. A function's parameters are its parents in the graph, a distribution is
a root, and a network or an array is trained. Yours to edit: `lowerbound fit DATA --model model.py:vae`.
"""

import jax.numpy as jnp
import lowerbound as lb
from lowerbound.dist import BetaBinomial, Normal
from lowerbound.nn import MLP, Gaussian

p = lb.Joint(
    # What the entries of a row have in common, in 12 numbers.
    z=Normal(jnp.zeros(12), 1.0),
    # A beta-binomial on 0..16, by two numbers below e^8, so both ends can be likely.
    x=lambda z, theta: BetaBinomial(*jnp.exp(8 * jnp.tanh(theta(z) / 8)), 16),
    theta=MLP(12, (2, 64), hidden=(200,)),
)
q = lb.Joint(
    # A Gaussian for each row; the network gives its location and scale.
    z=lambda x, phi: Normal(*phi(x / 16)),
    phi=Gaussian(64, 12, hidden=(200,)),
)


def vae(key):
    """Return p and q, their networks' first weights drawn with `key`."""
    return lb.VAE(p, q, key=key)
'''
    )


# The plans.


@cache
def plan(preset: Preset, *observed: str) -> Plan:
    written = executed(preset)
    return make_plan(written["vae"](jax.random.key(0)).graph, observed, written.get("objective", lb.ELBO()))


def treatments(found: Plan) -> dict[str, str]:
    return {latent.name: str(latent.treatment) for latent in found.latents}


def labels(found: Plan) -> list[str]:
    return [term.label for term in found.terms]


CLOSED = "sampled, KL in closed form"


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_one_latent_has_its_kl_in_closed_form(name: str):
    assert treatments(plan(small(name), "x")) == {"z": CLOSED}
    assert labels(plan(small(name), "x")) == ["log p(x | z)", "-KL(q(z | x) || p(z))"]


@pytest.mark.parametrize("levels", [2, 3])
def test_each_level_of_a_ladder_has_its_kl_in_closed_form(levels: int):
    found = plan(small("ladder", latent=(4, 3, 2)[:levels]), "x")
    assert treatments(found) == {f"z{level}": CLOSED for level in range(levels, 0, -1)}
    inner = [f"-KL(q(z{i} | z{i + 1}, x) || p(z{i} | z{i + 1}))" for i in range(levels - 1, 0, -1)]
    assert labels(found) == ["log p(x | z1)", f"-KL(q(z{levels} | x) || p(z{levels}))", *inner]


def test_the_component_is_summed_out():
    assert treatments(plan(small("mixture"), "x")) == {"z": "sampled", "c": "summed out"}
    assert labels(plan(small("mixture"), "x")) == ["log p(x | z)", "log Σ_{c} p(c) p(z | c)", "-log q(z | x)"]


def test_the_label_is_observed_or_averaged_over():
    preset = small("semisupervised")
    assert treatments(plan(preset, "x", "y")) == {"z": CLOSED}
    assert treatments(plan(preset, "x")) == {"y": "enumerated", "z": CLOSED}
    assert labels(plan(preset, "x")) == ["log p(x | y, z)", "-KL(q(y | x) || p(y))", "-KL(q(z | x, y) || p(z))"]


# The likelihoods, at the output that a decoder begins near.


@pytest.mark.parametrize("word", ["negative-binomial", "logistic", "beta-binomial"])
def test_an_output_far_out_scores_and_differentiates(word: str):
    """However far a step has thrown the decoder, log p(x | z) and its gradient stay finite.

    A logistic's scale is e to the output, so float32 bounds that by 80; what it scores there is flat long before.
    """
    preset = Preset.of("mlp", (3,), LIKELIHOODS[word] if word != "logistic" else Likelihood("logistic", 0, 255))
    law = executed(preset)["p"].factors["x"].function
    rows = jnp.array([0, 3, preset.likelihood.high or 255])

    def score(output):
        arguments = (lambda z: output, jnp.ones(3)) if word == "negative-binomial" else (lambda z: output,)
        return law(None, *arguments).log_prob(rows).sum()

    shape = (3,) if word == "negative-binomial" else (2, 3)
    far_out = [jnp.full(shape, far) for far in (-1e4, -50.0, 50.0, 80.0 if word == "logistic" else 1e4)]
    if word == "beta-binomial":  # one number far out, the other not
        far_out += [jnp.array([[-90.0], [5.0]]) * jnp.ones((2, 3)), jnp.array([[90.0], [-5.0]]) * jnp.ones((2, 3))]
    for output in far_out:
        value, gradient = jax.value_and_grad(score)(output)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
