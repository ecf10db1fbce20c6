"""Each part once, through its public calls: what says that another Python or JAX will do."""

import math
from pathlib import Path
from statistics import NormalDist
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.stats import norm

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal
from lowerbound.drawing import save_samples
from lowerbound.nn import MLP, Conv, Deconv, Gaussian
from lowerbound.objective import ELBO, IWAE
from lowerbound.training import Run, weight_names

#: Standard errors that right code exceeds once in 10^6 runs.
Z = NormalDist().inv_cdf(1 - 1e-6)


def patterns(num: int, seed: int) -> np.ndarray:
    """Draw rows of 12 bits: one of three patterns, each bit flipped with probability 0.1."""
    rng = np.random.default_rng(seed)
    means = np.repeat(np.eye(3), 4, axis=1)[rng.integers(3, size=num)]
    return (rng.random((num, 12)) < 0.1 + 0.8 * means).astype(np.uint8)


@pytest.fixture(scope="module")
def vae() -> lb.VAE:
    p = lb.Joint(
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(2, 12, hidden=(16,)),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(12, 2, hidden=(16,)))
    return lb.VAE(p, q, key=jax.random.key(0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("smoke") / "run"


@pytest.fixture(scope="module")
def run(vae: lb.VAE, folder: Path) -> Run:
    data = lb.Data(x=patterns(512, seed=0)).split(key=jax.random.key(1))
    return lb.fit(
        vae, data.train, ELBO(), valid=data.valid, steps=200, out=folder, key=jax.random.key(2), progress=False
    )


def scores(vae: lb.VAE, how: ELBO | IWAE) -> np.ndarray:
    data = lb.Data(x=patterns(256, seed=1))
    return lb.evaluate(vae, data, how, key=jax.random.key(3), progress=False).values


def test_training_raises_the_bound(vae: lb.VAE, run: Run):
    """On other rows of the same kind, by more than their differences' error."""
    gains = scores(run.vae, ELBO(8)) - scores(vae, ELBO(8))
    assert gains.mean() > Z * gains.std(ddof=1) / math.sqrt(len(gains))


def test_the_importance_weighted_bound_is_tighter(run: Run):
    gains = scores(run.vae, IWAE(16)) - scores(run.vae, ELBO(8))
    assert gains.mean() > -Z * gains.std(ddof=1) / math.sqrt(len(gains))


def test_weights_are_saved_bit_for_bit(run: Run, folder: Path):
    saved = load_file(folder / "weights.safetensors")
    weights = weight_names(run.vae)
    assert {name.split(".")[0] for name in weights} == {"theta", "phi"}
    assert saved.keys() == weights.keys()
    assert all((saved[name] == weights[name]).all() for name in weights)


def test_explain_says_which_kl_is_exact(vae: lb.VAE):
    explained = lb.explain(vae, {"x": patterns(4, seed=0)}, ELBO())
    assert explained.factorization == ("p(z, x) = p(z) p(x | z; theta)", "q(z | x) = q(z | x; phi)")
    assert explained.objective == "ELBO = E_q[ log p(x | z) - KL(q(z | x) || p(z)) ]"


def test_the_picture_shows_every_name(vae: lb.VAE, tmp_path: Path):
    lb.draw(vae).save(tmp_path / "bayesnet.svg")
    document = ElementTree.parse(tmp_path / "bayesnet.svg")
    named = {element.get("data-name") for element in document.iter()} - {None}
    assert named == {"x", "z", "theta", "phi"}


def test_samples_are_written_as_a_picture(tmp_path: Path):
    save_samples(tmp_path / "samples.png", patterns(6, seed=0).reshape(6, 3, 4))
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("how", [ELBO(4), IWAE(4)], ids=lambda how: how.name)
def test_every_draw_at_the_exact_posterior_is_the_evidence(how: ELBO | IWAE):
    """For x | z ~ N(w z, s²) it is z | x ~ N(w x, s²) / (w² + s²), and x ~ N(0, w² + s²): only rounding is left."""
    w, s, x = 1.5, 0.7, np.linspace(-3, 3, 7)
    total = w**2 + s**2
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z, W: Normal(W * z, s), W=jnp.asarray(w))
    q = lb.Joint(z=lambda x, A: Normal(A * x, s / math.sqrt(total)), A=jnp.asarray(w / total))
    exact_pair = lb.VAE(p, q, key=jax.random.key(0))
    # The KL in closed form would be exact on average only.
    how = ELBO(how.num_samples, sampled=("z",)) if isinstance(how, ELBO) else how
    estimate = lb.evaluate(exact_pair, {"x": x.astype(np.float32)}, how, key=jax.random.key(1), progress=False)
    evidence = norm(0, math.sqrt(total)).logpdf(x)
    rounding = 64 * np.finfo(np.float32).eps  # some sixty rounded operations
    # Each draw adds and subtracts squares of up to some twenty nats.
    assert np.abs(estimate.values - evidence).max() <= 20 * rounding


def test_a_finite_latent_is_summed_out():
    """A mixture of two coins without q is its own evidence."""
    coins = np.array([[2.0, -1.0, 0.5], [-1.0, 1.0, -2.0]], np.float32)
    p = lb.Joint(
        y=Categorical(logits=jnp.zeros(2)),
        x=lambda y, coins: Bernoulli(logits=coins[y]),
        coins=jnp.asarray(coins),
    )
    x = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.uint8)
    estimate = lb.evaluate(lb.VAE(p, key=jax.random.key(0)), {"x": x}, ELBO(), key=jax.random.key(1), progress=False)
    probs = 1 / (1 + np.exp(-coins.astype(np.float64)))
    evidence = np.log(np.mean(np.prod(np.where(x[:, None] == 1, probs, 1 - probs), axis=2), axis=1))
    assert np.abs(estimate.values - evidence).max() <= 64 * np.finfo(np.float32).eps * np.abs(evidence).max()


def test_convolutions_have_gradients():
    encoder = Conv((8, 8, 1), 3, channels=(4,)).make(key=jax.random.key(0))
    decoder = Deconv(3, (8, 8, 1), channels=(4,)).make(key=jax.random.key(1))
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(decoder(encoder(x)) ** 2)))(jnp.ones((8, 8, 1)))
    assert gradient.shape == (8, 8, 1)
    assert jnp.isfinite(gradient).all()
    assert (gradient != 0).any()
