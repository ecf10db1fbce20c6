"""What a user meets who runs without type checks: sentences instead of tracebacks from the depths."""

import subprocess
import sys

import pytest

SETUP = """
import jax, jax.numpy as jnp, lowerbound as lb
from lowerbound.dist import Normal
from lowerbound.objective import ELBO
p = lb.Joint(z=Normal(jnp.zeros(2), 1.0), x=lambda z: Normal(z, 1.0))
q = lb.Joint(z=lambda x, a: Normal(a * x, 1.0), a=jnp.ones(()))
key = jax.random.key(0)
vae = lb.VAE(p, q, key=key)
x = jax.random.normal(key, (20, 2))
"""

CASES = {
    'lb.VAE({"z": 1}, key=key)': "TypeError: `p` is of type dict; a `Joint` was needed.",
    "lb.VAE(p, q, key=0)": (
        "TypeError: `key` is 0, but one PRNG key was needed, since randomness comes in only through it. Write "
        "`key=jax.random.key(0)`."
    ),
    'lb.fit(vae, {"x": x}, "elbo", epochs=1, key=key)': (
        "TypeError: `how` is of type str; an objective was needed, such as `ELBO()`."
    ),
    'lb.evaluate(vae, {"x": x}, "iwae", key=key)': (
        "TypeError: `how` is of type str; an objective was needed, such as `ELBO()`."
    ),
    "lb.fit(vae, x, ELBO(), epochs=1, key=key)": (
        "TypeError: `data` is of type ArrayImpl; `Data`, a mapping of arrays by name, or a list of these was needed. "
        'Write `{"x": x}`.'
    ),
    'lb.fit(vae, {"x": x}, ELBO(), epochs=1.5, key=key)': (
        "ValueError: `epochs` is 1.5; a whole number from 1 up was needed."
    ),
    'lb.evaluate(p, {"x": x}, ELBO(), key=key)': (
        "TypeError: `vae` is of type Joint; a `VAE` was needed, such as `run.vae`."
    ),
    "lb.explain(p)": "TypeError: `vae` is of type Joint; a `VAE` was needed, such as `run.vae`.",
    'lb.fit(vae, {"x": x}, ELBO(), epochs=1, key=key, optimizer=0.001)': (
        "TypeError: `optimizer` is 0.001; an Optax optimizer was needed, such as `optax.adam(1e-3)`."
    ),
    "lb.digits().split(key=0)": (
        "TypeError: `key` is 0, but one PRNG key was needed, since randomness comes in only through it. Write "
        "`key=jax.random.key(0)`."
    ),
    "ELBO(0)": "ValueError: `ELBO` takes a whole number of samples from 1 up, got 0.",
}


@pytest.fixture(scope="module")
def answers():
    """Run all cases in one process without the type checker, and collect what each raises."""
    script = SETUP + "".join(
        f"\ntry:\n    {case}\n    print('nothing')\nexcept Exception as e:\n    print(type(e).__name__, e, sep=': ')\n"
        for case in CASES
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("case", list(CASES))
def test_a_mistake_gets_one_sentence(answers, case):
    assert answers[case] == CASES[case]
