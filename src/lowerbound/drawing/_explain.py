"""What is random, what is a sample, what is a value: the answer in words, from the declaration and the plan."""

import html
import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax

from lowerbound.data import Data, as_data
from lowerbound.dist import family, noise_shape
from lowerbound.model import (
    VAE,
    Factor,
    Gradient,
    Graph,
    LatentPlan,
    Plan,
    Treatment,
    default_observed,
    density,
    make_plan,
)
from lowerbound.objective import ELBO, AbstractObjective, Penalized

HEADINGS = ("name", "in the model", "before it is drawn", "after", "in the bound")


@dataclass(frozen=True)
class Row:
    """One name: what it is in the model, before it is drawn and after, and which term of the bound uses it."""

    name: str
    model: str
    before: str
    after: str
    term: str


@dataclass(frozen=True)
class Explanation:
    """What `explain` says, to be printed.

    Attributes:
        factorization: The joint of p and q as products of their factors.
        objective: The objective as a sum of terms.
        latents: A sentence for each latent: what the plan does with it and why.
        rows: The table.
    """

    factorization: tuple[str, ...]
    objective: str
    latents: tuple[str, ...]
    rows: tuple[Row, ...]

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row `{name}`; there are {', '.join(row.name for row in self.rows)}")

    def __str__(self) -> str:
        head = [*self.factorization, self.objective, *self.latents, ""]
        return "\n".join(head) + _table([HEADINGS, *(_cells(row) for row in self.rows)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        lines = [*self.factorization, self.objective, *self.latents]
        head = "".join(f"<p>{html.escape(text)}</p>" for text in lines)
        body = "".join(line(_cells(row), "td") for row in self.rows)
        return f"{head}<table>{line(HEADINGS, 'th')}{body}</table>"


def explain(
    vae: VAE,
    data: Data | Mapping[str, Any] | None = None,
    how: AbstractObjective | None = None,
    *,
    observed: Iterable[str] | None = None,
) -> Explanation:
    """Say what is random, what is a sample, what is a value, and which KL is exact, in one training step.

    The answer follows from the declaration, the observed names and the objective; nothing is run.

    Args:
        vae: The model.
        data: What is observed; where it is left out, p's variables that q does not declare.
        how: The objective; `ELBO()` where it is left out.
        observed: Names of what is observed, instead of data.

    Raises:
        ValueError: As `lowerbound.model.make_plan`.

    Example:
        >>> print(explain(vae, data.train, ELBO()))
    """
    if not isinstance(vae, VAE):
        raise TypeError(f"`vae` is of type {type(vae).__name__}; a `VAE` was needed, such as `run.vae`.")
    if data is not None and observed is not None:
        raise ValueError("`explain` takes `data` or `observed`, not both: the data name what is observed.")
    how = ELBO() if how is None else how
    rows = None if data is None else as_data(data)
    given = rows.names if rows is not None else tuple(observed or default_observed(vae.graph))
    plan = make_plan(vae.graph, given, how)
    bound = how.bound if isinstance(how, Penalized) else how
    return Explanation(
        factorization=_factorization(plan),
        objective=_objective(plan, bound.name, how) + (" + log|det J|" if _changes_units(rows, plan) else ""),
        latents=tuple(_sentence(plan, latent) for latent in plan.latents),
        rows=tuple(_Rows(vae, plan, None if rows is None else len(rows)).all()),
    )


def _changes_units(rows: Data | None, plan: Plan) -> bool:
    """Say whether the data's steps change units, so that log|det J| leads back to those of the raw rows."""
    return rows is not None and any(rows.transform.changes_units(name) for name in plan.observed)


def _cells(row: Row) -> tuple[str, ...]:
    return row.name, row.model, row.before, row.after, row.term


def _table(rows: list[tuple[str, ...]], width: int = 27) -> str:
    """Set the cells in columns: the first as wide as it needs, the others wrapped."""
    first = max(len(cells[0]) for cells in rows)
    text = []
    for index, cells in enumerate(rows):
        columns = [[cells[0]], *(textwrap.wrap(cell, width) or [""] for cell in cells[1:])]
        for depth in range(max(map(len, columns))):
            words = [column[depth] if depth < len(column) else "" for column in columns]
            text.append("  ".join([words[0].ljust(first), *(word.ljust(width) for word in words[1:])]).rstrip())
        text.append("-" * (first + 4 * (width + 2)) if index == 0 else "")
    return "\n" + "\n".join(text)


# The head: formulas.


def _signature(graph: Graph, factor: Factor, side: str, absent: Collection[str] = ()) -> str:
    """Write a factor with its parameters: `p(x | z; theta)`."""
    plain = density(graph, factor.name, side, absent)
    parameters = graph.parameter_parents(factor)
    return f"{plain[:-1]}; {', '.join(parameters)})" if parameters else plain


def _factorization(plan: Plan) -> tuple[str, ...]:
    graph = plan.graph
    inputs = ", ".join(plan.inputs)
    given = f" | {inputs}" if inputs else ""
    lines = [f"p({', '.join(graph.p)}{given}) = {' '.join(_signature(graph, f, 'p') for f in graph.p.values())}"]
    inferred = [latent.name for latent in plan.inferred]
    if inferred:
        seen = ", ".join((*plan.observed, *plan.inputs))
        factors = " ".join(_signature(graph, graph.q[name], "q", plan.absent) for name in inferred)
        lines.append(f"q({', '.join(inferred)} | {seen}) = {factors}")
    return tuple(lines)


def _objective(plan: Plan, name: str, how: AbstractObjective) -> str:
    if plan.uses_weights:
        latents = [latent.name for latent in plan.latents if latent.is_drawn]
        summed = [latent.name for latent in plan.latents if latent.num_states is not None]
        joint = f"p({', '.join([*plan.observed, *latents, *summed])})"
        below = " ".join(density(plan.graph, latent, "q") for latent in latents)
        over = f"Σ_{{{', '.join(summed)}}} " if summed else ""
        weight = f"{over}{joint}{' / ' if below else ''}{below}"
        text = f"{name} = log (1/{how.num_samples}) Σ_k w_k, w = {weight}"
    else:
        text = f"{name} = E_q[ {' '.join(_signed(term.label) for term in plan.terms).removeprefix('+ ')} ]"
    for parameter in plan.graph.random_parameters:
        text += f" - KL(q({parameter}) || p({parameter})) / N"
    for index, penalty in enumerate(how.penalties if isinstance(how, Penalized) else (), 1):
        text += f" - penalty {index}" if penalty.applies(plan) else f" (penalty {index}: left out for these data)"
    return text


def _signed(label: str) -> str:
    return f"- {label[1:]}" if label.startswith("-") else f"+ {label}"


def _sentence(plan: Plan, latent: LatentPlan) -> str:
    match latent.treatment:
        case Treatment.CLOSED_FORM:
            text = "KL in closed form"
        case Treatment.SAMPLED:
            text = f"KL sampled: {latent.reason}" if not plan.uses_weights else "drawn in each weight"
        case Treatment.ENUMERATED:
            text = "averaged over exactly, under q"
        case Treatment.SUMMED_IN_WEIGHT:
            text = "summed exactly, inside the log of each weight"
        case Treatment.SUMMED_OUT:
            text = "not in q, so summed out exactly, inside the log"
        case _:
            text = "dropped: nothing observed or inferred lies below it"
    if latent.gradient is not None:
        text += f"; {latent.gradient} gradient"
    if latent.num_states is not None:
        networks = f" x ({', '.join(latent.networks)})" if latent.networks else " states"
        text += f"; {latent.num_states}{networks}"
    return f"{latent.name}: {text}"


# The table: one row a name.


class _Rows:
    """The rows of the table, kind by kind."""

    def __init__(self, vae: VAE, plan: Plan, num_data: int | None):
        self.vae, self.plan, self.graph = vae, plan, plan.graph
        self.num_data = "N" if num_data is None else f"N = {num_data:,}"
        self.drawn = [latent.name for latent in plan.inferred if latent.is_drawn]

    def all(self) -> Iterable[Row]:
        """List them in the order of the story: the model, the data, what is drawn, what comes out."""
        for name in self.plan.observed:
            yield self.observed(name)
        for name in self.graph.p:
            if name not in self.plan.observed:
                yield self.latent(self.plan[name])
        for name in self.graph.parameters:
            yield self.parameter(name)
        for name in self.graph.inputs:
            yield self.input(name)
        for name in self.graph.values:
            yield self.value(name)
        instances = ", ".join(f"{name}^(i)" for name in (*self.plan.observed, *self.plan.inputs))
        yield Row(
            "D",
            f"the dataset: {self.num_data} instances {instances}",
            "i.i.d. draws from a distribution that nobody knows",
            "values, the same in every step",
            "all, averaged over the instances",
        )
        for name in self.plan.observed:
            yield self.instance(name)
        for name in self.drawn:
            yield self.noise(name)
            yield self.sample(self.plan[name])
        for name in self.plan.observed:
            yield self.hat(name)
        for name in self.plan.observed:
            yield self.tilde(name)

    def family(self, name: str) -> str:
        distribution = self.graph.abstract_p[name]
        return f"{family(distribution)}, shape {tuple(distribution.shape())}"

    def conditioned(self, name: str, side: str) -> str:
        """Write a factor at what its parents are in a step: instances and samples instead of variables."""
        factor = (self.graph.p if side == "p" else self.graph.q)[name]
        parents = [self.at(parent) for parent in self.graph.random_parents(factor)]
        parents = [parent for parent in parents if parent not in self.plan.absent]
        parents += [f"{parent}^(i)" for parent in self.graph.input_parents(factor) if parent not in self.plan.absent]
        return f"{side}({name} | {', '.join(parents)})" if parents else f"{side}({name})"

    def at(self, name: str) -> str:
        return f"{name}^(i)" if name in self.drawn or name in self.plan.observed else name

    def terms_of(self, names: Iterable[str]) -> list[str]:
        """List the terms in which the densities of these variables stand."""
        names = set(names) - self.plan.absent
        if self.plan.uses_weights:
            return ["every weight w"] if names else []
        return [term.label for term in self.plan.terms if names & set(term.names)]

    def reads(self, name: str) -> list[str]:
        """List the random variables whose factor in p reads `name`, through deterministic values."""
        return [child for child, factor in self.graph.p.items() if name in self.graph.random_parents(factor)]

    def terms_at_sample(self, latent: LatentPlan) -> list[str]:
        """List the terms that take a latent's sample: those that read it, and its own KL where that is sampled."""
        own = [latent.name] if latent.treatment is Treatment.SAMPLED else []
        return list(dict.fromkeys(self.terms_of([*self.reads(latent.name), *own])))

    def observed(self, name: str) -> Row:
        return Row(
            name,
            f"a random variable, observed: {self.family(name)}",
            f"a distribution, {_signature(self.graph, self.graph.p[name], 'p')}",
            f"a value for each datum: the instance {name}^(i)",
            _listed(self.terms_of([name])),
        )

    def latent(self, latent: LatentPlan) -> Row:
        name = latent.name
        prior = _signature(self.graph, self.graph.p[name], "p")
        before = f"distributions: {prior}"
        if name in self.graph.q:
            before += f" in the model, {_signature(self.graph, self.graph.q[name], 'q', self.plan.absent)} in inference"
        after = f"a value: the sample {name}^(i)"
        if latent.treatment is Treatment.ENUMERATED:
            after = f"never drawn: all {latent.num_states} states count, by their probability under q"
        elif latent.treatment in (Treatment.SUMMED_IN_WEIGHT, Treatment.SUMMED_OUT):
            after = f"never drawn: summed over all {latent.num_states} states"
        elif latent.treatment is Treatment.DROPPED:
            after = "never drawn: nothing observed or inferred lies below it"
        terms = _listed(self.terms_of([name])) or "none"
        if latent.treatment is Treatment.CLOSED_FORM:
            terms += ", fed by the distributions, not by a sample"
        return Row(name, f"a random variable, latent: {self.family(name)}", before, after, terms)

    def parameter(self, name: str) -> Row:
        parameter = self.graph.parameters[name]
        side = "p" if name in self.graph.declared_by_p else "q"
        if parameter.fixed:
            changes = "set by a schedule" if parameter.schedule else "never trained"
            return Row(name, "a constant", f"not random: {changes}", "the same", self.parameter_terms(name))
        # A random parameter's posterior holds two numbers for each of its own.
        leaves = jax.tree.leaves(self.vae.free[name])
        size = sum(leaf.size for leaf in leaves if eqx.is_inexact_array(leaf))
        if parameter.is_random:
            shape = "" if name in self.graph.posteriors else ", a mean-field Gaussian"
            return Row(
                name,
                "a random variable, outside of the plate: one for all data",
                f"distributions: the prior p({name}) in the model, q({name}) in inference{shape}",
                "a value: one sample for a whole step",
                f"-KL(q({name}) || p({name})) / N, and {self.parameter_terms(name)}",
            )
        return Row(
            name,
            f"a parameter of {side}: {size:,} numbers",
            "not random: one value for all data",
            "the same value, until the optimizer moves it",
            self.parameter_terms(name),
        )

    def parameter_terms(self, name: str) -> str:
        """List the terms that a parameter enters: directly, and through what q draws."""
        direct = [v for v, factor in self.graph.p.items() if name in self.graph.parameter_parents(factor)]
        inferred = [
            latent.name
            for latent in self.plan.inferred
            if name in self.graph.parameter_parents(self.graph.q[latent.name])
        ]
        terms = self.terms_of([*direct, *inferred])
        for latent in inferred:
            for term in self.terms_of(self.reads(latent)) if latent in self.drawn else ():
                if term not in terms:
                    terms.append(f"{term} through {latent}^(i)")
        return _listed(terms) or "none"

    def input(self, name: str) -> Row:
        shape = self.graph.inputs[name].shape
        return Row(
            name,
            f"a condition, shape {shape}: given, with no distribution",
            "not random in this model",
            f"a value for each datum: {name}^(i)",
            "those that condition on it",
        )

    def value(self, name: str) -> Row:
        factor = self.graph.values[name]
        parents = ", ".join(parent.name for parent in factor.parents)
        return Row(
            name,
            f"a deterministic value of {parents}",
            "as random as what it is computed from",
            f"a value: {name}^(i)",
            "those that read it",
        )

    def instance(self, name: str) -> Row:
        posteriors = [
            self.conditioned(latent.name, "q")
            for latent in self.plan.inferred
            if name in self.graph.random_parents(self.graph.q[latent.name])
        ]
        scored = f"{_listed(self.terms_of([name]))}, where it is scored"
        conditioned = f"; and it conditions {_listed(posteriors)}" if posteriors else ""
        return Row(
            f"{name}^(i)",
            f"an instance: the value of {name} in row i of D",
            "i is drawn uniformly from the rows of D",
            "a value, no longer random",
            scored + conditioned,
        )

    def noise(self, name: str) -> Row:
        shape = noise_shape(self.graph.abstract_q[name])
        label = "epsilon" if len(self.drawn) == 1 else f"epsilon_{name}"
        what = "a PRNG key" if shape is None else f"Normal(0, 1), shape {shape}"
        return Row(
            label,
            "noise: random, but no variable of the model",
            f"a distribution, {what}" if shape is not None else what,
            f"a value, {label}^(i), new in every step",
            f"{_listed(self.terms_at_sample(self.plan[name])) or 'none'}, through {name}^(i)",
        )

    def sample(self, latent: LatentPlan) -> Row:
        name = latent.name
        posterior = self.conditioned(name, "q")
        epsilon = "epsilon^(i)" if len(self.drawn) == 1 else f"epsilon_{name}^(i)"
        parameters = self.graph.parameter_parents(self.graph.q[name])
        to = f" to {_listed(parameters)}" if parameters else ""
        gradient = (
            f"the gradient flows through it{to}"
            if latent.gradient is Gradient.PATHWISE
            else f"no gradient flows through it{to}; the score function's stands in"
        )
        return Row(
            f"{name}^(i)",
            f"a sample from {posterior}, no longer a random variable",
            f"{posterior} is a distribution until it meets a PRNG key",
            f"a value, computed from {posterior} and {epsilon}; {gradient}",
            _listed(self.terms_at_sample(latent)) or "none",
        )

    def hat(self, name: str) -> Row:
        at = self.conditioned(name, "p")
        return Row(
            f"{name}-hat",
            f"the parameters of {at}, not a sample",
            "computed, not drawn",
            "a deterministic value, that says where and how widely p expects " + name,
            f"{_listed(self.terms_of([name]))}, as the distribution that scores {name}^(i)",
        )

    def tilde(self, name: str) -> Row:
        latents = [latent for latent in self.graph.p if latent not in self.plan.observed]
        prior = " ".join(density(self.graph, latent, "p") for latent in latents)
        likelihood = density(self.graph, name, "p")
        return Row(
            f"{name}-tilde",
            f"a generated {name}: a sample from the model, in no dataset",
            f"distributions: draw from {prior} first, then from {likelihood}"
            if prior
            else f"a distribution, {likelihood}",
            "a value, new each time",
            "none: training never draws it",
        )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
