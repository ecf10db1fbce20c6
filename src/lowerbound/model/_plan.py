"""What is done with each latent: a function of the declaration, the observed names and the objective."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, runtime_checkable

from lowerbound._suggest import suggest
from lowerbound.dist import has_kl, is_reparameterized, num_states
from lowerbound.model._factor import Factor
from lowerbound.model._graph import Graph
from lowerbound.model._trace import trace

#: Finite latents are averaged or summed over all their joint states, at most this many.
MAX_STATES = 10_000


class Treatment(StrEnum):
    """What an objective does with a latent."""

    CLOSED_FORM = "sampled, KL in closed form"
    SAMPLED = "sampled"
    ENUMERATED = "enumerated"  # averaged over q in the ELBO
    SUMMED_IN_WEIGHT = "summed inside the log"  # in q, but each importance weight sums over it
    SUMMED_OUT = "summed out"  # not in q
    DROPPED = "dropped"  # nothing observed or inferred below it


class Gradient(StrEnum):
    """How the gradient of q reaches a draw."""

    PATHWISE = "pathwise"
    SCORE_FUNCTION = "score function"


@runtime_checkable
class Bounds(Protocol):
    """What a plan needs to know of an objective."""

    @property
    def uses_weights(self) -> bool:
        """Whether it is made of importance weights, p(x, z) / q(z | x), rather than of an average over q."""
        ...

    @property
    def sampled(self) -> tuple[str, ...]:
        """Latents whose KL is to be sampled although it has a closed form."""
        ...


@dataclass(frozen=True)
class LatentPlan:
    """One latent of a plan."""

    name: str
    treatment: Treatment
    #: Why its KL is not in closed form, where that could be asked; else empty.
    reason: str = ""
    gradient: Gradient | None = None
    num_states: int | None = None
    #: Networks that are evaluated once for each of its states.
    networks: tuple[str, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Whether a sample of it is drawn."""
        return self.treatment in (Treatment.CLOSED_FORM, Treatment.SAMPLED)


class TermKind(StrEnum):
    """What a term of the bound is."""

    LIKELIHOOD = "log-likelihood"
    KL = "KL divergence"  # closed form: fed by distributions
    LOG_RATIO = "log-ratio"  # log p(z) - log q(z | x) at the draw or the state
    ENTROPY = "log-density of q"  # -log q(z | x) of a latent whose density in p stands in a LOG_SUM
    LOG_SUM = "log-sum"  # the log of a sum over summed-out latents


@dataclass(frozen=True)
class Term:
    """A summand of the bound, by the names that it is about, with its formula."""

    kind: TermKind
    names: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Plan:
    """How a bound is computed for data that name `observed`.

    Plans are equal if their graph is the same object and all else is equal: a static argument of compiled functions.
    """

    graph: Graph
    observed: tuple[str, ...]
    inputs: tuple[str, ...]
    #: Names that have no value here: dropped latents and optional inputs that are not given.
    absent: frozenset[str]
    uses_weights: bool
    #: First those of q, in the order in which they are drawn or enumerated; then the summed-out; then the dropped.
    latents: tuple[LatentPlan, ...]
    terms: tuple[Term, ...]

    @property
    def inferred(self) -> tuple[LatentPlan, ...]:
        """The latents that q infers, in the order of q."""
        return tuple(
            latent
            for latent in self.latents
            if latent.name in self.graph.q and latent.treatment is not Treatment.DROPPED
        )

    @property
    def summed_out(self) -> tuple[str, ...]:
        """The latents summed out because q leaves them out, parents first."""
        return tuple(latent.name for latent in self.latents if latent.treatment is Treatment.SUMMED_OUT)

    @property
    def in_log_sum(self) -> tuple[str, ...]:
        """The variables of p whose densities stand inside the log of the sum over `summed_out`."""
        return next((term.names for term in self.terms if term.kind is TermKind.LOG_SUM), ())

    def __getitem__(self, name: str) -> LatentPlan:
        for latent in self.latents:
            if latent.name == name:
                return latent
        raise KeyError(name)


def default_observed(graph: Graph) -> tuple[str, ...]:
    """Name what is observed where no data say it.

    That is p's variables that q does not declare, but for those that are summed out: finite, and with variables below
    them; and all inputs.
    """

    def is_summed_out(name: str) -> bool:
        return num_states(graph.abstract_p[name]) is not None and bool(graph.descendants(name, graph.p))

    return (*(name for name in graph.p if name not in graph.q and not is_summed_out(name)), *graph.inputs)


def make_plan(graph: Graph, given: Iterable[str], how: Bounds) -> Plan:
    """Decide for each latent what the objective does with it.

    Args:
        graph: The names that p and q declare.
        given: What the data name: observed variables and inputs.
        how: The objective.

    Raises:
        ValueError: The data name what nobody declares; an input is missing; a latent is neither in q nor finite nor
            dropped; q conditions on a latent that it does not infer; too many joint states.
    """
    given = tuple(given)
    _check_given(graph, given)
    observed = tuple(name for name in graph.p if name in given)
    inferred = _inferred(graph, observed, given)
    _check_parents(graph, [graph.q[name] for name in inferred], {*given, *inferred}, "q")
    summed_out, dropped = _without_q(graph, observed, inferred)
    evaluated = [graph.p[name] for name in graph.p if name not in dropped]
    _check_parents(graph, evaluated, {*given, *inferred, *summed_out}, "p")
    for name in how.sampled:
        if name not in inferred:
            raise ValueError(
                f"The objective samples the KL of `{name}`, which is no latent that q infers.{suggest(name, inferred)}"
            )

    q = {name: graph.q[name] for name in inferred}
    latents = [_infer(graph, name, q, observed, summed_out, how) for name in _sampled_first(graph, q)]
    latents += [
        LatentPlan(
            name,
            Treatment.SUMMED_OUT,
            num_states=num_states(graph.abstract_p[name]),
            networks=_networks(graph, name, {}),
        )
        for name in summed_out
    ]
    latents += [LatentPlan(name, Treatment.DROPPED) for name in dropped]
    _check_states(latents)
    inputs = tuple(name for name in graph.inputs if name in given)
    absent = frozenset({*dropped, *graph.inputs} - {*inputs})
    for name in inferred:
        _check_without(graph, "q", name, absent)
    for factor in evaluated:
        _check_without(graph, "p", factor.name, absent)
    terms = _terms(graph, observed, latents, absent)
    return Plan(graph, observed, inputs, absent, how.uses_weights, tuple(latents), terms)


def _inferred(graph: Graph, observed: Collection[str], given: Collection[str]) -> list[str]:
    """List the latents that q infers: all that it declares, but for those that it cannot, and that nobody asks for.

    With y alone given, the z of a semi-supervised model has nothing observed below it, and q(z | x, y) has no x.
    """
    inferred = [name for name in graph.p if name in graph.q and name not in observed]
    for name in reversed(inferred.copy()):
        others = [other for other in inferred if other != name]
        asked_for = graph.descendants(name, graph.p) & {*observed, *others}
        read = any(name in graph.random_parents(graph.q[other]) for other in others)
        if not asked_for and not read and not _is_computable(graph, graph.q[name], {*given, *inferred}):
            inferred.remove(name)
    return inferred


def _is_computable(graph: Graph, factor: Factor, available: set[str]) -> bool:
    try:
        _check_parents(graph, [factor], available, "q")
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _check_without(graph: Graph, side: str, name: str, absent: frozenset[str]) -> None:
    """Look at the branch that a factor takes without its optional parents: it captures nothing, and is of one kind."""
    factor, known = (graph.q, graph.abstract_q) if side == "q" else (graph.p, graph.abstract_p)
    missing = {parent.name for parent in factor[name].parents if parent.optional} & absent
    if not missing:
        return
    with_all, without = known[name], trace(factor[name], graph.structs, missing)
    if type(with_all) is not type(without) or with_all.shape() != without.shape():
        raise ValueError(
            f"`{name}` in {side} is a {type(with_all).__name__} of shape {tuple(with_all.shape())} with "
            f"{_listed(missing)}, but without a {type(without).__name__}. Return the same family and shape "
            f"in both cases."
        )


def _check_given(graph: Graph, given: Iterable[str]) -> None:
    for name in given:
        if name in graph.p or name in graph.inputs:
            continue
        if name in graph.parameters:
            raise ValueError(
                f"`{name}` is bound to two things: the data name it, but it is declared as a parameter. For a network "
                f"used as a factor write `{name}=given(network, ...)`."
            )
        if name in graph.values:
            raise ValueError(
                f"The data name `{name}`, which is a deterministic value and has no density. Leave it out of the data, "
                f"or declare it as `Input(...)`."
            )
        known = [*graph.p, *graph.inputs]
        raise ValueError(
            f"The data name `{name}`, which nobody declares; declared are {_listed(known)}."
            f"{suggest(name, known) or ' Declare it, or leave it out: `data.only(...)`.'}"
        )


def _check_parents(graph: Graph, factors: Iterable[Factor], available: set[str], side: str) -> None:
    """Every required parent has a value by the time it is needed."""
    for factor in factors:
        for parent in factor.parents:
            if parent.optional or parent.name in available:
                continue
            if parent.name in graph.values:
                _check_parents(graph, [graph.values[parent.name]], available, side)
            elif parent.name in graph.inputs:
                raise ValueError(
                    f"`{factor.name}` needs the input `{parent.name}`, which the data do not name. Pass "
                    f"`{parent.name}` with each datum, or make it optional: `{parent.name}=None` in the signature."
                )
            elif parent.name in graph.p:
                raise ValueError(
                    f"`{factor.name}` in {side} conditions on `{parent.name}`, which is latent here and which q does "
                    f"not infer. Give q a factor for `{parent.name}`, or pass it with the data."
                )


def _without_q(graph: Graph, observed: Iterable[str], inferred: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split the latents that q leaves out into summed out and dropped, parents first."""
    summed_out, dropped = [], []
    for name in graph.p:
        if name in observed or name in inferred:
            continue
        if not graph.descendants(name, graph.p) & {*observed, *inferred}:
            dropped.append(name)
        elif num_states(graph.abstract_p[name]) is not None:
            summed_out.append(name)
        else:
            raise ValueError(
                f"`{name}` is latent, but q does not infer it, and a {type(graph.abstract_p[name]).__name__} is not "
                f"finite, so it cannot be summed out. Give q a factor for `{name}`, or pass it with the data."
            )
    order = _sampled_first(graph, {name: graph.p[name] for name in summed_out})
    return order, dropped


def _sampled_first(graph: Graph, factors: dict[str, Factor]) -> list[str]:
    """Order parents first, and of those that are ready the continuous first: what comes later runs once a state."""
    edges = graph.edges(factors)
    order: list[str] = []
    while len(order) < len(factors):
        ready = [n for n in factors if n not in order and all(p in order or p not in factors for p in edges[n])]
        order.append(min(ready, key=lambda name: num_states(graph.abstract_p[name]) is not None))
    return order


def _infer(
    graph: Graph, name: str, q: dict[str, Factor], observed: Iterable[str], summed_out: list[str], how: Bounds
) -> LatentPlan:
    ours, theirs = graph.abstract_q[name], graph.abstract_p[name]
    states = num_states(ours)
    if states is not None:
        treatment = Treatment.SUMMED_IN_WEIGHT if how.uses_weights else Treatment.ENUMERATED
        return LatentPlan(name, treatment, num_states=states, networks=_networks(graph, name, q))
    gradient = Gradient.PATHWISE if is_reparameterized(ours) else Gradient.SCORE_FUNCTION
    reason = ""
    if how.uses_weights:
        reason = "an importance weight takes the densities at the draw"
    elif name in how.sampled:
        reason = "the objective asks for it"
    elif not has_kl(ours, theirs):
        reason = f"no closed form for {type(ours).__name__} and {type(theirs).__name__}"
    else:
        below = graph.descendants(name, q)
        for parent in graph.random_parents(graph.p[name]):
            if parent in summed_out:
                reason = f"`{parent}`, above it in p, is summed out"
            elif parent in below:
                reason = f"`{parent}`, above it in p, lies below it in q"
    return LatentPlan(name, Treatment.SAMPLED if reason else Treatment.CLOSED_FORM, reason, gradient)


def _networks(graph: Graph, name: str, q: dict[str, Factor]) -> tuple[str, ...]:
    """List the networks that run once for each state of a finite latent: those of the factors that read it."""
    found: dict[str, None] = {}
    below = {name, *graph.descendants(name, q)}
    for factor in [*q.values(), *graph.p.values()]:
        if factor.name not in below - {name} and not set(graph.random_parents(factor)) & below:
            continue
        found |= dict.fromkeys(graph.parameter_parents(factor))
    return tuple(found)


def _check_states(latents: Iterable[LatentPlan]) -> None:
    finite = [latent for latent in latents if latent.num_states is not None]
    joint = math.prod(latent.num_states or 1 for latent in finite)
    if joint > MAX_STATES:
        raise ValueError(
            f"{_listed([latent.name for latent in finite])} have {joint:,} joint states, above the {MAX_STATES:,} that "
            f"are enumerated. Use fewer or smaller finite latents, or a relaxed distribution."
        )


def _terms(
    graph: Graph, observed: Iterable[str], latents: Iterable[LatentPlan], absent: Collection[str]
) -> tuple[Term, ...]:
    latents = list(latents)
    summed = [latent.name for latent in latents if latent.treatment is Treatment.SUMMED_OUT]
    live = [name for name in graph.p if name not in {x.name for x in latents if x.treatment is Treatment.DROPPED}]
    inside = [name for name in live if name in summed or set(graph.random_parents(graph.p[name])) & set(summed)]
    terms = [
        Term(TermKind.LIKELIHOOD, (name,), f"log {density(graph, name, 'p', absent)}")
        for name in observed
        if name not in inside
    ]
    if inside:
        product = " ".join(density(graph, name, "p", absent) for name in inside)
        terms.append(Term(TermKind.LOG_SUM, tuple(inside), f"log Σ_{{{', '.join(summed)}}} {product}"))
    for latent in latents:
        if latent.treatment in (Treatment.SUMMED_OUT, Treatment.DROPPED, Treatment.SUMMED_IN_WEIGHT):
            continue
        p, q = density(graph, latent.name, "p", absent), density(graph, latent.name, "q", absent)
        if latent.name in inside:
            terms.append(Term(TermKind.ENTROPY, (latent.name,), f"-log {q}"))
        else:
            kind = TermKind.KL if latent.treatment is Treatment.CLOSED_FORM else TermKind.LOG_RATIO
            # Where p's parents are drawn below the latent in q, the average of the log-ratio is no divergence.
            below = graph.descendants(latent.name, {x.name: graph.q[x.name] for x in latents if x.name in graph.q})
            is_kl = not below & set(graph.random_parents(graph.p[latent.name]))
            terms.append(Term(kind, (latent.name,), f"-KL({q} || {p})" if is_kl else f"log {p} - log {q}"))
    return tuple(terms)


def density(graph: Graph, name: str, side: str, absent: Collection[str] = ()) -> str:
    """Write a factor as `p(x | z)`: its random parents, through deterministic values, and its inputs.

    Optional parents that are `absent` are left out.
    """
    factor = (graph.p if side == "p" else graph.q)[name]
    parents = [x for x in (*graph.random_parents(factor), *graph.input_parents(factor)) if x not in absent]
    return f"{side}({name} | {', '.join(parents)})" if parents else f"{side}({name})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
