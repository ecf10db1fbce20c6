"""A row's result is its own: not of its neighbours, their number, Python's hash or what else is declared."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO, IWAE


def small_vae(key, **more):
    p = lb.Joint(
        z=Normal(jnp.zeros(2), 1.0),
        y=Categorical(logits=jnp.zeros(3)),
        x=lambda z, y, theta, shift: Bernoulli(logits=theta(z) + shift[y]),
        theta=MLP(2, 5, hidden=(4,)),
        shift=jnp.zeros((3, 5)),
        **more,
    )
    q = lb.Joint(
        y=lambda x, clf: Categorical(logits=clf(x)),
        z=lambda x, phi: Normal(*phi(x)),
        clf=MLP(5, 3, hidden=()),
        phi=Gaussian(5, 2, hidden=(4,)),
    )
    return lb.VAE(p, q, key=key)


@pytest.fixture(autouse=True)
def default_precision(float64):
    """Bits are what counts here: JAX's default, single precision."""
    with jax.enable_x64(False):
        yield


@pytest.mark.parametrize("how", [ELBO(3), IWAE(40)], ids=lambda how: how.name)
def test_a_row_does_not_feel_the_others(how):
    """Bit for bit, through padded batches: all rows, the last few of a second batch, one alone, and in reverse."""
    vae, key = small_vae(jax.random.key(0)), jax.random.key(1)
    data = lb.Data(x=np.random.default_rng(0).integers(0, 2, (200, 5)).astype(np.float32))

    def scores(rows):
        estimate = lb.evaluate(vae, data[rows], how, key=key)
        return estimate.values, estimate.standard_errors

    everything = scores(np.arange(200))
    for rows in (np.arange(120, 200), np.array([131]), np.arange(200)[::-1], np.array([5, 199, 5])):
        for part, whole in zip(scores(rows), everything, strict=True):
            np.testing.assert_array_equal(part, whole[rows])


SCRIPT = """
import jax, jax.numpy as jnp, numpy as np
import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal
p = lb.Joint(
    z=Normal(jnp.zeros(2), 1.0),
    y=Categorical(logits=jnp.zeros(3)),
    w=lb.Param(jnp.ones(2), prior=Normal(0.0, 1.0)),
    x=lambda z, y, w, shift: Bernoulli(logits=z @ w + shift[y]),
    shift=jnp.zeros((3, 4)),
)
q = lb.Joint(
    y=lambda x, a: Categorical(logits=a @ x),
    z=lambda x, b: Normal(b @ x, 1.0),
    a=jnp.ones((3, 4)),
    b=jnp.ones((2, 4)),
)
data = {"x": np.random.default_rng(0).integers(0, 2, (9, 4)).astype(np.float32)}
run = lb.fit(lb.VAE(p, q, key=jax.random.key(0)), data, lb.ELBO(), key=jax.random.key(1), steps=2, progress=False)
print(lb.evaluate(run.vae, data, lb.IWAE(5), key=jax.random.key(2), progress=False).values.tobytes().hex())
"""


@pytest.mark.slow
def test_nothing_depends_on_the_hash_seed():
    """Two interpreters whose sets and dictionaries of strings differ give the same bits, trained and scored."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "4242")
    ]
    (first, errors), (second, _) = [process.communicate() for process in processes]
    assert first.strip(), errors
    assert first == second


def test_another_network_leaves_the_initial_weights():
    """Each is made from a key folded with its name, so adding one and declaring in another order change nothing."""
    key = jax.random.key(7)
    alone = small_vae(key)
    more = small_vae(key, extra=MLP(2, 1, hidden=()), t=lambda z, extra: Normal(extra(z), 1.0))
    assert set(more.free) == {*alone.free, "extra"}
    for name, weights in alone.free.items():
        jax.tree.map(np.testing.assert_array_equal, jax.tree.leaves(weights), jax.tree.leaves(more.free[name]))
    other = small_vae(jax.random.key(8))
    assert not np.array_equal(alone.free["theta"].layers[0].weight, other.free["theta"].layers[0].weight)
