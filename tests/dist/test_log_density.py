"""One value, one number, whatever the wrappers."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lowerbound import dist
from lowerbound.dist import log_density

X = jnp.array([[0.5, -1.0, 2.0], [0.1, 0.0, -0.3]])
EXPECTED = float(np.sum(-0.5 * np.asarray(X, np.float64) ** 2 - 0.5 * np.log(2 * np.pi)))


@pytest.mark.parametrize(
    "law",
    [
        dist.Normal(jnp.zeros((2, 3)), 1.0),
        dist.Normal(jnp.zeros(3), 1.0).expand((2, 3)),
        dist.Normal(0.0, 1.0).expand((2, 3)),
        dist.Normal(jnp.zeros((2, 1)), 1.0).expand((2, 3)),
        dist.Normal(jnp.zeros((2, 3)), 1.0).to_event(1),
        dist.Normal(jnp.zeros((2, 3)), 1.0).to_event(2),
        dist.Normal(jnp.zeros((2, 3)), 1.0).mask(True),
        dist.MultivariateNormal(jnp.zeros((2, 3)), scale_tril=jnp.eye(3)),
        dist.MultivariateNormal(jnp.zeros((1, 3)), scale_tril=jnp.eye(3)).expand((2,)),
    ],
    ids=range(9),
)
def test_all_axes_are_summed(law):
    with jax.numpy_rank_promotion("allow"):  # NumPyro's own, of an expanded law
        assert abs(float(log_density(law, X)) - EXPECTED) <= 32 * np.finfo(np.float32).eps * abs(EXPECTED)


def test_masked_entries_add_nothing():
    mask = jnp.array([True, False, True])
    law = dist.Normal(jnp.zeros(3), 1.0).mask(mask)
    expected = log_density(dist.Normal(jnp.zeros(2), 1.0), X[0, np.array([0, 2])])
    np.testing.assert_allclose(log_density(law, X[0]), expected, rtol=1e-6)
    assert log_density(law, X[0].at[1].set(jnp.nan)) == log_density(law, X[0])
    assert log_density(dist.Normal(jnp.zeros(3), 1.0).mask(False), X[0]) == 0


@pytest.mark.parametrize(
    "law",
    [
        dist.Poisson(200.0),
        dist.NegativeBinomial2(200.0, 3.0),
        dist.ZINB2(mean=200.0, concentration=3.0, gate_logits=0.0),
        dist.Categorical(logits=jnp.zeros(300)),
        dist.BetaBinomial(1.0, 1.0, 300),
    ],
    ids=lambda law: type(law).__name__,
)
def test_bytes_do_not_wrap_around(law):
    score = jax.jit(log_density)
    assert score(law, jnp.uint8(255)) == score(law, jnp.int32(255))
    assert np.isfinite(score(law, jnp.uint8(255)))


@pytest.mark.parametrize("value", [jnp.zeros(()), jnp.zeros((1, 20)), jnp.zeros(1), jnp.zeros((5, 20))])
def test_another_shape_is_refused(value):
    message = (
        f"`value` has shape {value.shape}, but the distribution draws shape (20,). "
        "Score one draw at a time, and map over many with `jax.vmap`."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        log_density(dist.Normal(jnp.zeros(20), 1.0), value)
