"""Mixtures whose components come from one function."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Key, PyTree, Shaped
from numpyro.distributions import Distribution, constraints

from lowerbound.dist._log_density import log_density


class Mixture(Distribution):
    """A mixture of `num_components` laws of one family; `mixture` makes it.

    A whole draw of a component is one event, so all of its entries come from the same component. A draw is not a
    differentiable function of the parameters.

    Args:
        components: The components as one tree, each leaf with the components along its first axis. As a distribution
            of its own it would be unsound (it came out of `jax.vmap`); here it is only read inside `jax.vmap`.
        logits: The log-weights, up to a constant, one for each component.
        validate_args: As in NumPyro.
    """

    pytree_data_fields = ("components", "logits")

    def __init__(
        self,
        components: Distribution,
        logits: Float[Array, " num_components"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        self.components = components
        self.logits = logits
        super().__init__(event_shape=components.shape(), validate_args=validate_args)

    @property
    def num_components(self) -> int:
        """The number of components."""
        return self.logits.shape[0]

    @property
    def has_rsample(self) -> bool:
        """Never: NumPyro would conclude it from the lack of parameters that are arrays."""
        return False

    @property
    def abstract_component(self) -> Distribution:
        """One component with abstract leaves: its class and shapes, without numbers."""
        return jax.eval_shape(lambda tree: jax.tree.map(lambda leaf: leaf[0], tree), self.components)

    @property
    def support(self) -> constraints.Constraint:
        """The support of a component; bounds that are parameters are left abstract."""
        support = self.abstract_component.support
        assert support is not None, "each of NumPyro's classes states its support"
        return constraints.independent(support, self.event_dim - support.event_dim)

    @property
    def mean(self) -> Float[Array, "*event"]:
        """The expected value."""
        means = jax.vmap(lambda component: component.mean)(self.components)
        return jnp.tensordot(jax.nn.softmax(self.logits), means, 1)

    def sample(self, key: Key[Array, ""] | None, sample_shape: tuple[int, ...] = ()) -> Shaped[Array, "..."]:
        """Draw from a component, itself drawn by the weights."""
        assert key is not None, "NumPyro's signature allows None; a draw needs a key"

        def draw(key: Key[Array, ""]) -> Shaped[Array, "*event"]:
            which_key, component_key = jax.random.split(key)
            which = jax.random.categorical(which_key, self.logits)
            component = jax.tree.map(lambda leaf: leaf[which], self.components)
            return jnp.asarray(component.sample(component_key))

        for _ in sample_shape:
            draw = jax.vmap(draw)
        return draw(jax.random.split(key, sample_shape) if sample_shape else key)

    def log_prob(self, value: ArrayLike) -> Float[Array, "..."]:
        """Score whole draws, in nats, one number for each."""

        def score(value: Shaped[Array, "*event"]) -> Float[Array, ""]:
            log_components = jax.vmap(lambda component: log_density(component, value))(self.components)
            # log Σₖ wₖ p(value | k)
            return logsumexp(jax.nn.log_softmax(self.logits) + log_components)

        for _ in range(jnp.ndim(value) - self.event_dim):
            score = jax.vmap(score)
        return score(jnp.asarray(value))


def mixture(
    f: Callable[..., Distribution],
    u: PyTree[ArrayLike],
    *args: Any,
    weights: Float[ArrayLike, " num_components"] | None = None,
) -> Mixture:
    """Mix the laws f(u[0], *args), ..., f(u[K - 1], *args), as a VampPrior mixes posteriors at pseudo-inputs.

    `jax.vmap(f)(u)` itself would be a distribution that draws the same noise for each row.

    Args:
        f: A function from one component's parameters to its distribution.
        u: An array, or a tree of arrays, with the K components along the first axis.
        *args: What all components share, such as a network.
        weights: K log-weights, up to a constant; equal if not given.

    Returns:
        The mixture. Its event is a component's whole draw; a component's log-density is summed over all its axes.

    Raises:
        TypeError: `f` returned something else than a distribution.
        ValueError: `u` has no components, or another number of them than `weights` or than the rest of `u`.

    References:
        Tomczak and Welling (2018), *VAE with a VampPrior*, Eq. 8, https://arxiv.org/abs/1705.07120.
    """
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(u)}
    if len(lengths) != 1 or lengths & {(), (0,)}:
        raise ValueError(
            f"`u` needs its components along the first axis of each array, but the shapes are "
            f"{[np.shape(leaf) for leaf in jax.tree.leaves(u)]}."
        )
    ((num_components,),) = lengths
    if weights is not None and jnp.shape(weights) != (num_components,):
        raise ValueError(f"`weights` has shape {jnp.shape(weights)}, but `u` has {num_components} components.")
    components = jax.vmap(lambda component: _require_distribution(f(component, *args)))(u)
    logits = jnp.zeros(num_components) if weights is None else jnp.asarray(weights, jnp.result_type(weights, float))
    return Mixture(jax.tree.map(jnp.asarray, components), logits)


def _require_distribution(value: object) -> Distribution:
    """Refuse what is no distribution, before it is mapped."""
    if not isinstance(value, Distribution):
        raise TypeError(
            f"`mixture` needs a function that returns a distribution, but `{type(value).__name__}` came. "
            "Give the distribution itself, not its parameters or a draw."
        )
    return value
