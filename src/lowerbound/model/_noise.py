"""Base draws: the randomness of a datum, as values that come in from outside."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from lowerbound._key import named_key
from lowerbound.dist import Distribution, noise_shape, num_states
from lowerbound.model._graph import Graph

#: Base draws by name: standard normal arrays, or a PRNG key for a family that is not a map of a Gaussian.
Noise = dict[str, PyTree]


def latent_noise_shapes(graph: Graph, inferred: Iterable[str]) -> Noise:
    """Give the shapes of the base draws of q's latents; finite ones are enumerated and need none."""
    return {
        name: noise_struct(graph.abstract_q[name]) for name in inferred if num_states(graph.abstract_q[name]) is None
    }


def noise_struct(distribution: Distribution) -> jax.ShapeDtypeStruct:
    """Describe the base draw of one distribution, in the precision of its parameters."""
    shape = noise_shape(distribution)
    if shape is None:
        return jax.ShapeDtypeStruct((), jax.random.key(0).dtype)
    # Leaves may be Python numbers, which follow the others.
    leaves = [leaf for leaf in jax.tree.leaves(distribution) if jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)]
    return jax.ShapeDtypeStruct(shape, jnp.result_type(*leaves) if leaves else jnp.result_type(float))


def draw_noise(shapes: Noise, key: PRNGKeyArray) -> Noise:
    """Make one set of base draws; each name has its own, whatever else there is."""

    def draw(struct: jax.ShapeDtypeStruct, key: PRNGKeyArray) -> Any:
        if jnp.issubdtype(struct.dtype, jax.dtypes.prng_key):
            return key
        return jax.random.normal(key, struct.shape, struct.dtype)

    noise = {}
    for name, tree in shapes.items():
        leaves, structure = jax.tree.flatten(tree)
        root = named_key(key, name)
        keys = [root] if len(leaves) == 1 else [jax.random.fold_in(root, index) for index in range(len(leaves))]
        noise[name] = structure.unflatten([draw(leaf, k) for leaf, k in zip(leaves, keys, strict=True)])
    return noise
