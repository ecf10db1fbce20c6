"""The graph of names that p and q declare together, in one scope."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax

from lowerbound._suggest import suggest
from lowerbound.dist import (
    came_out_of_vmap,
    is_distribution,
    is_foreign_distribution,
    is_reparameterized,
    num_states,
    support_fits,
)
from lowerbound.model._factor import KEY, Factor
from lowerbound.model._joint import Joint
from lowerbound.model._order import check_acyclic, closure, parents_first
from lowerbound.model._parameter import Input, Parameter
from lowerbound.model._trace import trace


@dataclass(frozen=True, eq=False)
class Graph:
    """Who depends on whom: the factors of p and of q, the values between them, and what stands outside the plate.

    A graph is compared by identity, so that it can be a static part of a compiled function.
    """

    #: Random variables of the datum: the factors of p, and those of q, by name.
    p: dict[str, Factor]
    q: dict[str, Factor]
    #: Deterministic values, whichever of p and q declares them.
    values: dict[str, Factor]
    parameters: dict[str, Parameter]
    #: Declared posteriors of random parameters.
    posteriors: dict[str, Factor]
    inputs: dict[str, Input]
    #: Names declared by p; all others are q's. It tells theta from phi.
    declared_by_p: frozenset[str]
    #: The distributions of p's and q's factors, with `jax.ShapeDtypeStruct` for arrays.
    abstract_p: dict[str, Any] = field(repr=False)
    abstract_q: dict[str, Any] = field(repr=False)
    abstract_priors: dict[str, Any] = field(repr=False)
    abstract_posteriors: dict[str, Any] = field(repr=False)
    #: Abstract values of all names for one datum, as factors take them.
    structs: dict[str, Any] = field(repr=False)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a random variable's shape for one datum."""
        return tuple(self.abstract_p[name].shape())

    def random_parents(self, factor: Factor) -> list[str]:
        """List the nearest random variables above a factor, looked at through deterministic values."""
        found: dict[str, None] = {}
        for parent in factor.parents:
            if parent.name in self.p:
                found[parent.name] = None
            elif parent.name in self.values:
                found |= dict.fromkeys(self.random_parents(self.values[parent.name]))
        return list(found)

    def edges(self, factors: Mapping[str, Factor]) -> dict[str, list[str]]:
        """Map each random variable among `factors` to its random parents."""
        return {name: self.random_parents(factor) for name, factor in factors.items()}

    def descendants(self, name: str, factors: Mapping[str, Factor]) -> set[str]:
        """Collect the random variables below a name, by `factors` (p's or q's)."""
        children: dict[str, list[str]] = {}
        for child, parents in self.edges(factors).items():
            for parent in parents:
                children.setdefault(parent, []).append(child)
        return closure(name, children)

    def parameter_parents(self, factor: Factor) -> list[str]:
        """List the parameters that a factor uses, also through deterministic values."""
        found: dict[str, None] = {}
        for parent in factor.parents:
            if parent.name in self.parameters:
                found[parent.name] = None
            elif parent.name in self.values:
                found |= dict.fromkeys(self.parameter_parents(self.values[parent.name]))
        return list(found)

    def input_parents(self, factor: Factor) -> list[str]:
        """List the inputs that a factor reads, also through deterministic values."""
        found: dict[str, None] = {}
        for parent in factor.parents:
            if parent.name in self.inputs:
                found[parent.name] = None
            elif parent.name in self.values:
                found |= dict.fromkeys(self.input_parents(self.values[parent.name]))
        return list(found)

    @property
    def roots_first(self) -> list[str]:
        """The random variables of p, each after its parents."""
        return parents_first(self.edges(self.p))

    @property
    def random_parameters(self) -> list[str]:
        """Parameters with a prior, in an order in which q can draw them."""
        parents = {
            name: [parent.name for parent in self.posteriors[name].parents] if name in self.posteriors else []
            for name, parameter in self.parameters.items()
            if parameter.is_random
        }
        return parents_first(parents)

    @property
    def names(self) -> set[str]:
        """Every name of the scope."""
        return {*self.p, *self.q, *self.values, *self.parameters, *self.inputs}


def build_graph(p: Joint, q: Joint | None) -> Graph:
    """Join p and q into one graph and check it, without running anything.

    Raises:
        ValueError: What `lowerbound.VAE` lists.
    """
    q = q or Joint()
    _check_shared(p, q)
    parameters = {**p.parameters, **{n: pm for n, pm in q.parameters.items() if n not in p.parameters}}
    inputs = {**q.inputs, **p.inputs}
    posteriors = {name: factor for name, factor in q.factors.items() if name in parameters}
    q_factors = {name: factor for name, factor in q.factors.items() if name not in parameters}
    definitions = {**{name: f for name, f in q_factors.items() if name not in p.factors}, **p.factors}
    _check_known(p, q, {*definitions, *parameters, *inputs})
    check_acyclic(_names_of_parents(definitions))

    structs = {name: _struct(parameter) for name, parameter in parameters.items()}
    structs |= {name: jax.ShapeDtypeStruct(i.shape, _dtype(i)) for name, i in inputs.items()}
    abstract_p: dict[str, Any] = {}
    values: dict[str, Factor] = {}
    for name in parents_first(_names_of_parents(definitions)):
        result = trace(definitions[name], structs)
        _check_result(name, result)
        if is_distribution(result):
            if name not in p.factors:
                raise ValueError(
                    f"`{name}` is random in q, but p gives it no density, so the bound is void. Declare `{name}` in p "
                    f"too, or return a value instead of a distribution."
                )
            abstract_p[name] = result
            structs[name] = _draw_struct(result)
        else:
            values[name] = definitions[name]
            structs[name] = result

    graph = Graph(
        p={name: factor for name, factor in p.factors.items() if name in abstract_p},
        q={name: factor for name, factor in q_factors.items() if name in abstract_p},
        values=values,
        parameters=parameters,
        posteriors=posteriors,
        inputs=inputs,
        declared_by_p=frozenset(p.declared) | frozenset(p.parameters),
        abstract_p=abstract_p,
        abstract_q={},
        abstract_priors={},
        abstract_posteriors={},
        structs=structs,
    )
    for name in q_factors.keys() & p.factors.keys() - abstract_p.keys():
        if q.declared[name] is not p.declared[name]:
            raise ValueError(
                f"`{name}` is bound to two things: a deterministic value in p and a factor in q. p and q share one "
                f"scope: rename one of them."
            )
    _check_values_of_p(graph, p)
    check_acyclic(graph.edges(graph.q))
    for name, factor in graph.q.items():
        result = trace(factor, structs)
        _check_result(name, result)
        if not is_distribution(result):
            raise ValueError(
                f"`{name}` is bound to two things: a random variable in p and a deterministic value in q. Return a "
                f"distribution in q, or rename one of them."
            )
        graph.abstract_q[name] = result
        _check_pair(graph, name)
    _check_random_parameters(graph, structs)
    _check_used(graph)
    return graph


def _names_of_parents(factors: Mapping[str, Factor]) -> dict[str, list[str]]:
    return {name: [parent.name for parent in factor.parents] for name, factor in factors.items()}


def _struct(parameter: Parameter) -> Any:
    return eqx.filter_eval_shape(parameter.make, jax.ShapeDtypeStruct((), jax.random.key(0).dtype))


def _dtype(declared: Input) -> Any:
    """The device's dtype of an input: a plain `float` follows JAX's own setting."""
    return jax.dtypes.canonicalize_dtype(declared.dtype)


def _draw_struct(distribution: Any) -> jax.ShapeDtypeStruct:
    return jax.eval_shape(lambda d: d.sample(jax.random.key(0)), distribution)


def _check_shared(p: Joint, q: Joint) -> None:
    """Names that p and q both declare must mean one thing: a random variable's density and its posterior."""
    for name in {**p.declared, **p.parameters}.keys() & {**q.declared, **q.parameters}.keys():
        if name in p.declared and p.declared[name] is q.declared.get(name):
            continue
        if name in p.factors and name in q.factors:
            continue
        if name in p.inputs and p.inputs[name] == q.inputs.get(name):
            continue
        if name in p.parameters and p.parameters[name].is_random and name in q.factors:
            continue
        if name in p.parameters and name in q.factors:
            raise ValueError(
                f"`{name}` is bound to two things: a parameter in p and a factor in q. Give it a prior in p, "
                f"`Param(..., prior=...)`, for q to be its posterior, or rename one of them."
            )
        raise ValueError(
            f"`{name}` is bound to two things, one in p and one in q, which share one scope. Declare it once, or "
            f"rename one of them."
        )


def _check_known(p: Joint, q: Joint, known: set[str]) -> None:
    for side, joint in (("p", p), ("q", q)):
        priors = {name: pm.prior for name, pm in joint.parameters.items() if pm.prior is not None}
        for name, factor in [*joint.factors.items(), *priors.items()]:
            for parent in factor.parents:
                if parent.name not in known and parent.name != KEY:
                    raise ValueError(
                        f"`{name}` in {side} names `{parent.name}`, which neither p nor q declares."
                        f"{suggest(parent.name, sorted(known))}"
                    )


def _check_result(name: str, result: Any) -> None:
    if is_distribution(result):
        if came_out_of_vmap(result):
            raise ValueError(
                f"`{name}` is a distribution that came out of `vmap`, whose draws would all share one noise. Map over "
                f"the parameters instead, or write `mixture(f, u, ...)` for a mixture over `u`."
            )
    elif is_foreign_distribution(result):
        raise ValueError(
            f"`{name}` returns a {type(result).__module__}.{type(result).__name__}, a distribution of another "
            f"library. Use those of `lowerbound.dist`, which are NumPyro's and those that it lacks."
        )


def _check_values_of_p(graph: Graph, p: Joint) -> None:
    """A likelihood that returns no distribution makes its name a value, on which q cannot condition."""
    for name, factor in graph.q.items():
        for parent in factor.parents:
            value = graph.values.get(parent.name)
            if value is not None and parent.name in p.factors and name in graph.random_parents(value):
                got = type(graph.structs[parent.name]).__name__.replace("ShapeDtypeStruct", "n array").strip()
                raise ValueError(
                    f"`{parent.name}` in p returns a{got if got.startswith('n ') else ' ' + got}, no distribution, so "
                    f"it is a value of `{name}` and q cannot condition `{name}` on it. Return a distribution, such as "
                    f"`Bernoulli(logits=...)`."
                )


def _check_pair(graph: Graph, name: str) -> None:
    """q's factor must have p's event shape and lie within p's support."""
    ours, theirs = graph.abstract_q[name], graph.abstract_p[name]
    if tuple(ours.shape()) != tuple(theirs.shape()):
        networks = graph.parameter_parents(graph.q[name])
        maker = f"`{networks[0]}`" if len(networks) == 1 else "q's factor"
        wanted, got = _entries(theirs.shape()), _entries(ours.shape())
        raise ValueError(
            f"`{name}` in q has event shape {tuple(ours.shape())}, but p declares {tuple(theirs.shape())}. "
            f"Give {maker} {wanted}, or p's `{name}` {got}."
        )
    if not support_fits(ours.support, theirs.support):
        raise ValueError(
            f"`{name}` in q is a {type(ours).__name__} with support {ours.support}, but p's {type(theirs).__name__} "
            f"has support {theirs.support}: draws of q would have no density in p. Give both the same support."
        )

    if num_states(ours) != num_states(theirs):
        raise ValueError(
            f"`{name}` in q has {num_states(ours) or 'infinitely many'} states, but p declares "
            f"{num_states(theirs) or 'infinitely many'}: a sum over q's would leave out some of p's. Give both the "
            f"same states."
        )


def _entries(shape: Iterable[int]) -> str:
    shape = tuple(shape)
    return f"{shape[0]} outputs" if len(shape) == 1 else f"shape {shape}"


def _check_random_parameters(graph: Graph, structs: Mapping[str, Any]) -> None:
    for name, parameter in graph.parameters.items():
        if parameter.prior is None:
            continue
        if name not in graph.declared_by_p:
            raise ValueError(
                f"`{name}` has a prior, but it is declared in q; only p's parameters can be random. Declare it in p, "
                f"or drop the prior."
            )
        for factor, word in ((parameter.prior, "prior"), (graph.posteriors.get(name), "posterior")):
            for parent in factor.parents if factor else ():
                if parent.name not in graph.parameters:
                    raise ValueError(
                        f"The {word} of the parameter `{name}` names `{parent.name}`, which lives inside the plate, "
                        f"once for each datum. It may name parameters only."
                    )
        prior = trace(parameter.prior, structs)
        _check_result(name, prior)
        if not is_distribution(prior):
            raise ValueError(
                f"The prior of `{name}` returns a {type(prior).__name__}; a distribution was needed, such as "
                f"`Normal(0.0, 1.0)`."
            )
        graph.abstract_priors[name] = prior
        if name in graph.posteriors:
            graph.abstract_posteriors[name] = _posterior(graph, name, prior, structs)
    check_acyclic(
        {name: [x.name for x in pm.prior.parents] for name, pm in graph.parameters.items() if pm.prior is not None}
    )
    check_acyclic(_names_of_parents(graph.posteriors))


def _posterior(graph: Graph, name: str, prior: Any, structs: Mapping[str, Any]) -> Any:
    """Check q's factor for a random parameter against its prior and its value."""
    result, value = trace(graph.posteriors[name], structs), structs[name]
    _check_result(name, result)
    if not isinstance(value, jax.ShapeDtypeStruct):
        raise ValueError(
            f"`{name}` is a {type(value).__name__}, but q declares its posterior, which holds one array. Give each "
            f"array a name of its own, or leave `{name}` out of q for a mean field."
        )
    if not is_distribution(result) or tuple(result.shape()) != value.shape:
        raise ValueError(f"`{name}` in q must return a distribution of shape {value.shape}, as p's `Param` declares.")
    if not support_fits(result.support, prior.support):
        raise ValueError(
            f"`{name}` in q is a {type(result).__name__} with support {result.support}, but its prior, "
            f"{type(prior).__name__}, has support {prior.support}: draws of q would have no density in p. Give both "
            f"the same support."
        )
    if not is_reparameterized(result):
        raise ValueError(
            f"The posterior of the parameter `{name}` is a {type(result).__name__}, whose draws have no pathwise "
            f"gradient. Declare one that has, such as a Normal, or leave `{name}` out of q for a mean field."
        )
    return result


def _check_used(graph: Graph) -> None:
    factors = [*graph.p.values(), *graph.q.values(), *graph.values.values(), *graph.posteriors.values()]
    factors += [parameter.prior for parameter in graph.parameters.values() if parameter.prior is not None]
    used = {parent.name for factor in factors for parent in factor.parents}
    for name in [*graph.parameters, *graph.inputs]:
        if name not in used:
            kind = "input" if name in graph.inputs else "parameter"
            network_named_as_variable = kind == "parameter" and isinstance(_struct(graph.parameters[name]), eqx.Module)
            cure = (
                f"If the network is meant as a factor, write `{name}=given(network, ...)` with its parents' names; "
                f"else name it in a factor's signature, or drop it."
                if network_named_as_variable
                else "Name it in a factor's signature, or drop it."
            )
            raise ValueError(f"Nothing uses the {kind} `{name}`. {cure}")
