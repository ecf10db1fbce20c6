"""What is a distribution, whose, and whether it is sound."""

import jax
import jax.numpy as jnp
import pytest
from dist_members import CONTINUOUS, COUNTS, FINITE
from numpyro import distributions as numpyro

from lowerbound import dist
from lowerbound.dist import came_out_of_vmap, is_distribution, is_foreign_distribution


class Foreign:
    """A distribution as another library writes it."""

    def log_prob(self, value):
        return -value

    def sample(self, seed):
        return seed


def test_kinds():
    normal = dist.Normal(0.0, 1.0)
    assert is_distribution(normal)
    assert not is_foreign_distribution(normal)
    assert is_foreign_distribution(Foreign())
    assert not is_distribution(Foreign())
    for other in (Foreign, dist.Normal, jnp.zeros(2), 1.0, None, lambda x: x):
        assert not is_distribution(other)
        assert not is_foreign_distribution(other)


VECTORS = {
    "MultivariateNormal": lambda: dist.MultivariateNormal(jnp.zeros(2), scale_tril=jnp.eye(2)),
    "LowRank": lambda: dist.LowRankMultivariateNormal(jnp.zeros(3), jnp.ones((3, 1)), jnp.ones(3)),
    "Dirichlet": lambda: dist.Dirichlet(jnp.ones(3)),
    "Delta": lambda: dist.Delta(jnp.zeros(2)),
    "lazily broadcast": lambda: dist.Normal(jnp.zeros(20), 1.0),
    "expanded": lambda: dist.Normal(0.0, 1.0).expand((4,)),
    "expanded inside": lambda: dist.Normal(jnp.zeros((1, 4)), 1.0).expand((3, 4)).to_event(1),
    "masked": lambda: dist.Normal(jnp.zeros(3), 1.0).mask(jnp.ones(3, bool)),
    "transformed": lambda: dist.TransformedDistribution(
        dist.Normal(jnp.zeros(3), 1.0), dist.transforms.StickBreakingTransform()
    ),
    "NumPyro's Binomial": lambda: numpyro.Binomial(total_count=5, logits=jnp.zeros(3)),
    "improper": lambda: numpyro.ImproperUniform(dist.real, (), (3,)),
    "mixture": lambda: dist.mixture(lambda u: dist.Normal(u, 1.0), jnp.zeros((4, 3))),
}
LAWS = {member.name: member.make for member in CONTINUOUS + FINITE + COUNTS} | VECTORS


@pytest.mark.parametrize("name", LAWS)
def test_sound_laws_are_sound(name):
    law = LAWS[name]()
    assert not came_out_of_vmap(law)
    assert not came_out_of_vmap(jax.eval_shape(lambda: law))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(
    "name", [name for name in LAWS if name not in ("DiscreteUniform", "improper")]
)  # they have no parameters that are mapped, or no draws
def test_laws_that_came_out_of_vmap_are_not(name, size):
    law = jax.tree.map(jnp.asarray, LAWS[name]())
    mapped = jax.vmap(lambda _: law)(jnp.arange(size))
    assert came_out_of_vmap(mapped)
    assert came_out_of_vmap(jax.eval_shape(lambda: mapped))


def test_the_case_of_the_design():
    assert came_out_of_vmap(jax.vmap(lambda m: dist.Normal(m, 1.0))(jnp.zeros(3)))


def test_it_can_be_asked_while_tracing():
    def trace(loc):
        assert not came_out_of_vmap(dist.Normal(loc, 1.0))
        assert came_out_of_vmap(jax.vmap(lambda m: dist.Normal(m, 1.0))(loc))
        return loc

    jax.make_jaxpr(trace)(jnp.zeros(3))
    jax.vmap(trace)(jnp.zeros((2, 3)))
