"""The states of a finite law, as a whole."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import distributions as numpyro

from lowerbound import dist
from lowerbound.dist import num_states, states

FINITE = {
    "five bits": (lambda: dist.Bernoulli(jnp.linspace(-2.0, 2.0, 5)), 32),
    "one bit": (lambda: dist.Bernoulli(0.3), 2),
    "no bits": (lambda: dist.Bernoulli(jnp.zeros(0)), 1),
    "bits in a square": (lambda: dist.Bernoulli(jnp.zeros((2, 2))).to_event(1), 16),
    "NumPyro's bits": (lambda: numpyro.Bernoulli(logits=jnp.zeros(3)), 8),
    "NumPyro's bits, probs": (lambda: numpyro.Bernoulli(probs=jnp.full(3, 0.2)), 8),
    "a choice": (lambda: dist.Categorical(logits=jnp.arange(10.0)), 10),
    "choices": (lambda: dist.Categorical(logits=jnp.zeros((3, 4))), 64),
    "choices by probs": (lambda: dist.Categorical(probs=jnp.full((3, 4), 0.25)), 64),
    "choices, expanded": (lambda: dist.Categorical(logits=jnp.arange(4.0)).expand((2,)).to_event(1), 16),
    "masked": (lambda: dist.Bernoulli(jnp.zeros(3)).mask(jnp.ones(3, bool)), 8),
    "counts": (lambda: dist.Binomial(jnp.zeros(2), 4), 25),
    "overdispersed counts": (lambda: dist.BetaBinomial(jnp.ones(2), 2.0, 4), 25),
    "greys": (lambda: dist.DiscretizedLogistic(jnp.zeros(2), 1.0, -1, 3), 25),
    "dice": (lambda: dist.DiscreteUniform(1, 6).expand((2,)), 36),
}


@pytest.fixture(params=FINITE, ids=str)
def finite(request):
    make, number = FINITE[request.param]
    return make(), number


def test_states_are_all_of_them_once(finite):
    law, number = finite
    listed = np.asarray(states(law))
    assert num_states(law) == number
    assert listed.shape == (number, *law.shape())
    assert len(np.unique(listed.reshape(number, -1), axis=0)) == number


def test_masses_of_the_states_sum_to_one(finite):
    law, _ = finite
    masses = jnp.exp(jax.jit(jax.vmap(lambda state: dist.log_density(law, state)))(states(law)))
    assert abs(float(masses.sum()) - 1) <= 64 * np.finfo(np.float32).eps


def test_the_number_is_known_of_abstract_leaves(finite):
    law, number = finite
    assert num_states(jax.eval_shape(lambda: law)) == number


def test_states_are_known_while_tracing(finite):
    law, _ = finite
    np.testing.assert_array_equal(jax.jit(states)(law), states(law))
    if jax.tree.leaves(law):
        mapped = jax.vmap(lambda _: states(law))(jnp.arange(2))
        np.testing.assert_array_equal(mapped[1], states(law))


def test_the_last_entry_varies_fastest():
    np.testing.assert_array_equal(states(dist.Bernoulli(jnp.zeros(2))), [[0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    "law",
    [
        dist.Normal(jnp.zeros(3), 1.0),
        dist.Poisson(2.0),
        dist.Delta(jnp.zeros(2)),
        dist.NegativeBinomial2(1.0, 1.0),
        numpyro.Binomial(total_count=4, logits=jnp.zeros(2)),
        numpyro.DiscreteUniform(0, 3),
    ],
    ids=lambda law: type(law).__name__,
)
def test_other_laws_have_no_list(law):
    assert num_states(law) is None
    assert num_states(jax.eval_shape(lambda: law)) is None
    message = f"`{type(law).__name__}` has no finite list of states; see `num_states`."
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        states(law)
