"""Values for the parameters: constraints applied, schedules read, random parameters drawn once."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as numpyro_distributions
from jaxtyping import Array, PyTree

from lowerbound._types import Nats
from lowerbound.dist import Distribution, Normal, biject_to, constraints, from_noise, has_kl, kl, log_density
from lowerbound.model._graph import Graph
from lowerbound.model._noise import Noise, noise_struct
from lowerbound.model._order import closure
from lowerbound.model._parameter import Parameter

#: The deviation that a mean-field posterior of a parameter starts with, in its unconstrained units.
INITIAL_SCALE = 0.01


@dataclass(frozen=True)
class Realized:
    """Parameters with values, and what their randomness costs: KL(q(θ) || p(θ)) by name, in nats for all N data."""

    values: dict[str, Any]
    kl: dict[str, Nats]


def initial_free(graph: Graph, name: str, value: PyTree) -> PyTree:
    """Make what the optimizer moves from a parameter's first value."""
    parameter = graph.parameters[name]
    if not parameter.is_random:
        return parameter.to_free(value)
    if name in graph.posteriors:
        return None
    prior = parameter.prior
    support = _support(graph, parameter)
    assert prior is not None, "a random parameter has a prior"

    def mean_field(leaf: Any) -> Any:
        if not eqx.is_inexact_array(leaf):
            return leaf
        loc = leaf if support is constraints.real else biject_to(support).inv(leaf)
        if not bool(jnp.isfinite(loc).all()):
            raise ValueError(
                f"`{name}` starts outside of its prior's support {support} or on its border. Start it in the interior."
            )
        return MeanField(loc, jnp.full_like(loc, jnp.log(INITIAL_SCALE)))

    return jax.tree.map(mean_field, value)


class MeanField(eqx.Module):
    """The Gaussian of one array of a random parameter, in unconstrained units."""

    loc: Array
    log_scale: Array

    def distribution(self, support: Any) -> Distribution:
        """Return q of the array, in its own units."""
        base = Normal(self.loc, jnp.exp(self.log_scale))
        if support is constraints.real:
            return base
        return numpyro_distributions.TransformedDistribution(base, biject_to(support))


def parameter_noise_shapes(graph: Graph, free: PyTree) -> Noise:
    """Give the shapes of the base draws of the random parameters, one draw for a whole step."""
    shapes = {}
    for name in graph.random_parameters:
        if name in graph.posteriors:
            shapes[name] = noise_struct(graph.abstract_posteriors[name])
        else:
            fields = _mean_fields(free[name])
            shapes[name] = [jax.ShapeDtypeStruct(field.loc.shape, field.loc.dtype) for field in fields]
    return shapes


def realize_plain(graph: Graph, free: PyTree, fixed: PyTree) -> dict[str, Any]:
    """Give the values of the parameters that are not random."""
    values = {name: fixed[name] for name in fixed}
    for name, parameter in graph.parameters.items():
        if not parameter.fixed and not parameter.is_random:
            values[name] = parameter.to_value(free[name])
    return values


def realize(graph: Graph, free: PyTree, fixed: PyTree, noise: Noise) -> Realized:
    """Give every parameter a value, drawing the random ones from their posteriors by `noise`."""
    values = realize_plain(graph, free, fixed)
    posteriors: dict[str, list[Distribution]] = {}
    for name in graph.random_parameters:
        if name in graph.posteriors:
            posterior = _posterior(graph, name, values)
            posteriors[name], values[name] = [posterior], from_noise(posterior, noise[name])
        else:
            support = _support(graph, graph.parameters[name])
            posteriors[name] = [field.distribution(support) for field in _mean_fields(free[name])]
            draws = iter([from_noise(q, eps) for q, eps in zip(posteriors[name], noise[name], strict=True)])
            values[name] = jax.tree.map(
                lambda leaf: next(draws) if isinstance(leaf, MeanField) else leaf,  # noqa: B023  used at once
                free[name],
                is_leaf=_is_field,
            )
    divergences = {name: _divergence(graph, name, posteriors[name], values) for name in graph.random_parameters}
    return Realized(values, divergences)


def _divergence(graph: Graph, name: str, posteriors: list[Distribution], values: dict[str, Any]) -> Nats:
    """KL(q || p) of one random parameter: closed form where the graph and the table allow, else at the draw."""
    factor = graph.parameters[name].prior
    assert factor is not None, "a random parameter has a prior"
    prior = factor({parent.name: values[parent.name] for parent in factor.parents})
    children: dict[str, list[str]] = {}
    for child, posterior in graph.posteriors.items():
        for parent in posterior.parents:
            children.setdefault(parent.name, []).append(child)
    below = closure(name, children)
    closed = not any(parent.name in below for parent in factor.parents)
    draws = [leaf for leaf in jax.tree.leaves(values[name]) if eqx.is_inexact_array(leaf)]
    total = jnp.zeros(())
    for posterior, draw in zip(posteriors, draws, strict=True):
        spread = _spread(prior, draw.shape)
        if closed and has_kl(posterior, spread):
            total = total + kl(posterior, spread)
        else:
            total = total + log_density(posterior, draw) - log_density(spread, draw)
    return total


def _spread(prior: Distribution, shape: tuple[int, ...]) -> Distribution:
    """Give every entry of an array the prior; of a prior over vectors, every vector."""
    return prior if prior.shape() == shape else prior.expand(shape[: len(shape) - prior.event_dim])


def _posterior(graph: Graph, name: str, values: dict[str, Any]) -> Distribution:
    factor = graph.posteriors[name]
    return factor({parent.name: values[parent.name] for parent in factor.parents})


def _support(graph: Graph, parameter: Parameter) -> Any:
    return graph.abstract_priors[parameter.name].support


def _mean_fields(tree: PyTree) -> list[MeanField]:
    return [leaf for leaf in jax.tree.leaves(tree, is_leaf=_is_field) if _is_field(leaf)]


def _is_field(leaf: Any) -> bool:
    return isinstance(leaf, MeanField)
