"""The description of a declaration: roles, parents and shapes; a hash that follows the code and nothing else."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Normal, interval, positive
from lowerbound.model import describe
from lowerbound.nn import MLP, Gaussian

KEY = jax.random.key(0)


def declare(likelihood, prior=1.0, key=KEY):
    p = lb.Joint(
        s=lb.Input((), int),
        z=Normal(jnp.zeros(2), prior),
        h=lambda z, theta: theta(z),
        x=likelihood,
        theta=MLP(2, 3, hidden=(4,)),
        scale=lb.Param(1.0, support=positive),
    )
    return lb.VAE(p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(3, 2, hidden=(4,))), key=key)


def base(h, s, scale):
    return Normal(h + s, scale)


def test_every_name_has_its_role_its_parents_and_its_shape():
    said = describe(declare(base))["names"]
    assert {name: entry["role"] for name, entry in said.items()} == {
        "z": "random variable",
        "x": "random variable",
        "h": "deterministic value",
        "theta": "parameter",
        "phi": "parameter",
        "scale": "parameter",
        "s": "input",
    }
    assert said["x"]["shape"] == [3]
    assert said["x"]["p"]["parents"] == ["h", "s", "scale"]
    assert said["z"]["q"]["parents"] == ["x", "phi"]
    assert len(said["theta"].pop("code")) == 64
    assert said["theta"] == {
        "role": "parameter",
        "of": "p",
        "shapes": {
            "theta.layers.0.weight": [2, 4],
            "theta.layers.0.bias": [4],
            "theta.layers.1.weight": [4, 3],
            "theta.layers.1.bias": [3],
        },
    }


def test_weights_are_no_part_of_it():
    assert describe(declare(base)) == describe(declare(base, key=jax.random.key(1)))


def code(vae, name="x", side="p"):
    return describe(vae)["names"][name][side]["code"]


CONSTANT = 2.0
TABLES = np.arange(3.0), np.arange(1.0, 4.0)


def with_closure(table):
    return lambda h, s, scale: Normal(h + s + table, scale)


@pytest.mark.parametrize(
    "other",
    [
        lambda h, s, scale: Normal(h - s, scale),  # an instruction
        lambda h, s, scale: Normal(h + 2 * s, scale),  # a constant
        lambda h, s, scale, shift=1.0: Normal(h + s + shift, scale),  # a default
        with_closure(TABLES[0]),  # a captured array
    ],
)
def test_the_hash_changes_with_the_code(other):
    assert code(declare(other)) != code(declare(base))


def test_the_hash_changes_with_what_is_captured():
    assert code(declare(with_closure(TABLES[0]))) != code(declare(with_closure(TABLES[1])))
    assert code(declare(with_closure(TABLES[0]))) == code(declare(with_closure(TABLES[0].copy())))


SLOPE = 1.0


def helper(h):
    return SLOPE * h


def by_helper(h, s, scale):
    return Normal(helper(h) + s, scale)


def test_the_hash_changes_with_the_globals_that_are_named(monkeypatch):
    before = code(declare(by_helper))
    monkeypatch.setitem(globals(), "SLOPE", 5.0)
    assert code(declare(by_helper)) != before
    monkeypatch.setitem(globals(), "SLOPE", 1.0)
    assert code(declare(by_helper)) == before
    monkeypatch.setitem(globals(), "helper", lambda h: -h)
    assert code(declare(by_helper)) != before


def with_default(shift):
    def likelihood(h, s, scale, shift=shift):
        return Normal(h + s + shift, scale)

    return likelihood


def with_keyword(shift):
    def likelihood(h, s, scale, *, shift=shift):
        return Normal(h + s + shift, scale)

    return likelihood


@pytest.mark.parametrize(
    "make",
    [
        with_default,
        with_keyword,
        lambda shift: functools.partial(lambda h, s, scale, shift: Normal(h + s + shift, scale), shift=shift),
        lambda shift: (lambda table: lambda h, s, scale: Normal(h + s + table["shift"], scale))({"shift": shift}),
        lambda shift: jax.jit(lambda h, s, scale: Normal(h + s + shift, scale)),
    ],
)
def test_the_hash_changes_with_a_number_that_is_bound(make):
    """The bytecode is the same: only what it is bound to differs."""
    assert code(declare(make(1.0))) != code(declare(make(2.0)))
    assert code(declare(make(1.0))) == code(declare(make(1.0)))


def test_a_docstring_changes_nothing():
    def with_docstring(h, s, scale):
        """Say something."""
        return Normal(h + s, scale)

    def without(h, s, scale):
        return Normal(h + s, scale)

    assert code(declare(with_docstring)) == code(declare(without))


@pytest.mark.parametrize(
    "other",
    [
        {"theta": MLP(2, 3, hidden=(4,), activation=jnp.cos)},  # the same weights, another function
        {"scale": lb.Param(1.0, support=interval(1e-3, 1e3))},  # the same number, read by another map
    ],
)
def test_a_parameter_is_more_than_its_numbers(other):
    def vae(**parameters):
        declared = {"theta": MLP(2, 3, hidden=(4,)), "scale": lb.Param(1.0, support=positive), **parameters}
        p = lb.Joint(declared, z=Normal(jnp.zeros(2), 1.0), x=lambda z, theta, scale: Normal(theta(z), scale))
        return lb.VAE(p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(3, 2)), key=KEY)

    assert describe(vae(**other)) != describe(vae())
    assert describe(vae()) == describe(vae())


def test_the_numbers_of_a_root_keep_their_places():
    def vae(prior):
        p = lb.Joint(z=prior, x=lambda z, w: Normal(z * w, 1.0), w=jnp.ones(()))
        return lb.VAE(p, lb.Joint(z=lambda x, a: Normal(x * a, 1.0), a=jnp.ones(())), key=KEY)

    assert code(vae(Normal(2.0, 3.0)), "z") != code(vae(Normal(3.0, 2.0)), "z")


def test_the_hash_of_a_root_is_of_its_numbers():
    assert code(declare(base), "z") != code(declare(base, prior=2.0), "z")
    assert code(declare(base), "z") == code(declare(base, prior=1.0), "z")


def test_the_hash_is_the_same_in_every_process():
    text = (
        "import jax, jax.numpy as jnp, lowerbound as lb\n"
        "from lowerbound.dist import Normal\n"
        "from lowerbound.model import describe\n"
        "p = lb.Joint(z=Normal(jnp.zeros(2), 1.0), x=lambda z, w: Normal(z * w, {1: 2.0}.get(1, 3.0)), w=jnp.ones(2))\n"
        "q = lb.Joint(z=lambda x, a: Normal(x * a, 1.0) if 3 in {1, 2, 3} else None, a=jnp.ones(2))\n"
        "print(describe(lb.VAE(p, q, key=jax.random.key(0))))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
