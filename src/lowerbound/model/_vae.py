"""The pair of p and q, with the values of their parameters."""

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from lowerbound._key import as_key, named_key
from lowerbound.model._graph import Graph, build_graph
from lowerbound.model._joint import Joint
from lowerbound.model._noise import Noise, latent_noise_shapes
from lowerbound.model._plan import default_observed
from lowerbound.model._realize import Realized, initial_free, parameter_noise_shapes, realize, realize_plain


class VAE(eqx.Module):
    """A pair of directed graphical models, p(x, z) and q(z | x), that share one scope of names.

    It holds the declaration and the parameters' values, and nothing that scores, trains or draws: the verbs
    `lowerbound.fit`, `evaluate`, `explain` and `draw` do. It is a pytree whose leaves are the parameters.

    Args:
        p: The generative model.
        q: The inference model; may be left out where every latent can be summed out exactly.
        key: Makes the networks, each from a key folded with its name, so that adding one leaves the others' initial
            weights as they were.

    Raises:
        ValueError: The names form a cycle; a factor names what nobody declares; a name is bound to two things; a
            variable is random in q with no density in p; event shapes or supports of q and p differ; nothing uses a
            parameter; a distribution came out of `vmap` or is of another library.
        CapturedParameterError: A factor uses a network or an array that it does not name.

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, https://arxiv.org/abs/1312.6114.
    """

    graph: Graph = eqx.field(static=True)
    #: What an optimizer moves, by name: unconstrained twins, and Gaussians for random parameters.
    free: dict[str, PyTree]
    fixed: dict[str, PyTree]
    #: The number of data that it was trained on, which KL(q(θ) || p(θ)) is spread over, and of steps; 0 before.
    num_data: Int[Array, ""]
    num_steps: Int[Array, ""]

    def __init__(self, p: Joint, q: Joint | None = None, *, key: PRNGKeyArray):
        key = as_key(key)
        for side, joint in (("p", p), ("q", q)):
            if not isinstance(joint, Joint) and (side, joint) != ("q", None):
                raise TypeError(f"`{side}` is of type {type(joint).__name__}; a `Joint` was needed.")
        self.graph = build_graph(p, q)
        values = {name: pm.make(named_key(key, name)) for name, pm in self.graph.parameters.items()}
        parameters = self.graph.parameters
        self.free = {n: initial_free(self.graph, n, v) for n, v in values.items() if not parameters[n].fixed}
        self.fixed = {name: value for name, value in values.items() if parameters[name].fixed}
        self.num_data = jnp.zeros((), int)
        self.num_steps = jnp.zeros((), int)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters that are not random, in their own units."""
        return realize_plain(self.graph, self.free, self.fixed)

    def noise_shapes(self, datum: Iterable[str]) -> Noise:
        """Give the shapes of the base draws for one datum, by latent name, and those of the random parameters.

        Args:
            datum: What is observed: a datum by name, or only the names.
        """
        inferred = [name for name in self.graph.q if name not in set(datum)]
        return latent_noise_shapes(self.graph, inferred) | parameter_noise_shapes(self.graph, self.free)

    def realize(self, noise: Noise | None = None) -> Realized:
        """Give every parameter a value: constraints applied, random ones drawn by `noise`."""
        return realize(self.graph, self.free, self.fixed, noise or {})

    def __repr__(self) -> str:
        sizes = {n: sum(x.size for x in jax.tree.leaves(v) if eqx.is_array(x)) for n, v in self.free.items()}
        weights = ", ".join(f"{name} ({size:,})" for name, size in sizes.items())
        latents = ", ".join(f"{name} {self.graph.shape(name)}" for name in self.graph.q)
        observed = ", ".join(
            f"{name} {self.graph.shape(name)}" for name in default_observed(self.graph) if name in self.graph.p
        )
        return f"VAE(latent: {latents or 'none in q'}; observed: {observed}; parameters: {weights or 'none'})"

    def _repr_html_(self) -> str:
        from lowerbound.drawing import draw, explain

        return draw(self).svg() + explain(self)._repr_html_()
