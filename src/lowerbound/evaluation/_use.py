"""What each latent is used for: how far its posterior moves with the data, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int, PRNGKeyArray, PyTree

from lowerbound._key import as_key, named_key
from lowerbound._types import Nats
from lowerbound.data import Data
from lowerbound.evaluation._encode import inferring
from lowerbound.evaluation._posterior_means import averaged_over_draws, has_no_formula, over_draws, posterior_means
from lowerbound.evaluation._rows import map_batches, one_draw
from lowerbound.evaluation._sample import sample
from lowerbound.model import VAE, Plan, Scope, Term, TermKind, density, draw_noise, latent_noise_shapes
from lowerbound.objective import ELBO, Datum

#: An entry of a latent is active if its posterior mean has a variance over data above this: Burda, Grosse and
#: Salakhutdinov (2016), *Importance Weighted Autoencoders*, "Latent space representation" and appendix C,
#: https://arxiv.org/abs/1509.00519. It is meant for priors of unit variance, so activities are in units of the prior's.
ACTIVE = 0.01
#: Draws from p that the variance of a prior with parents is estimated from.
PRIOR_DRAWS = 2048


@dataclass(frozen=True)
class LatentUse:
    """How a model uses one latent.

    Attributes:
        name: The latent.
        size: Its entries, or class probabilities, that can be active.
        kl: The mean over data of its term of the ELBO with the sign turned, in nats a datum: its KL divergence, exact
            where the plan has a closed form, else sampled. nan where its prior stands inside the log of a sum with
            other variables, so that it has no term of its own.
        kl_standard_error: The standard error of `kl` over data; it contains the Monte Carlo error.
        kl_label: What `kl` is the mean of: `KL(q(z | x) || p(z))`.
        activity: The variance over data of the posterior mean of each entry, in units of its variance under p (of each
            class probability of a Categorical, as it is).
        num_active: How many of them are above `ACTIVE`.
        words: The finding in a sentence.
    """

    name: str
    size: int
    kl: float
    kl_standard_error: float
    kl_label: str
    activity: Float64[np.ndarray, "..."] = field(repr=False)
    num_active: int
    words: str

    def __str__(self) -> str:
        return self.words


def use_of_latents(
    vae: VAE, data: Data | Mapping[str, Any], *, key: PRNGKeyArray, num_samples: int = 16
) -> tuple[LatentUse, ...]:
    r"""Measure how each latent that q infers is used.

    The activity of an entry is $\mathrm{Var}_x(\mathbb{E}_{q(z \mid x)}[z]) / \mathrm{Var}_p(z)$, over the data with
    n - 1 below. Under a prior with parents the latter is estimated from samples of the model; it is taken as 1 where p
    cannot be sampled, for it conditions on inputs, or where it has no finite variance. For a
    latent whose mean is averaged over S draws of those above it the variance of what those draws add, estimated from
    their spread in each row, is subtracted. So the activity is unbiased, and that of such an entry may come out
    slightly below 0.

    Args:
        vae: The model. Random parameters are drawn once, from q, for all rows.
        data: `Data` or a mapping of arrays by name; what it names is observed. The model sees them as
            `data.prepared(key)`.
        key: Makes the draws; those of a row depend on the key and the row's identity.
        num_samples: S, the draws for one datum, where something has to be drawn.

    Returns:
        One `LatentUse` for each latent, in the order of q.

    Raises:
        ValueError: The data do not fit the declaration, or are a single row; q infers nothing from them; or
            `num_samples` is 1 where a mean is averaged over draws.

    Example:
        >>> for use in use_of_latents(run.vae, data.test, key=key):
        ...     print(use)
        z is used: 18 of its 20 entries are active, 25.31 nats a datum.
    """
    key, ready = as_key(key), inferring(vae, data, "use_of_latents", num_samples)
    plan = ready.plan
    if len(ready) < 2:
        raise ValueError("`use_of_latents` compares data, but there is 1 row. Pass at least 2.")
    averaged = averaged_over_draws(plan)
    if averaged and num_samples < 2:
        raise ValueError(
            f"The posterior mean of `{averaged[0]}` is averaged over draws, whose share in its variance one draw "
            f"cannot tell. Pass `num_samples` of 2 or more."
        )
    function = _RowUse(num_samples if _needs_draws(plan) else 1)
    moments: dict[str, _Moments] = {}
    kls, errors = {}, {}
    for batch in map_batches(function, ready, one_draw(vae, key), key):
        for name, means in batch.means.items():
            moments[name] = _merge(moments.get(name), means.astype(np.float64))
            errors.setdefault(name, []).append(batch.squared_errors[name].astype(np.float64).sum(axis=0))
        for name, values in batch.kls.items():
            kls.setdefault(name, []).append(values.astype(np.float64))
    found = []
    for latent in plan.inferred:
        name = latent.name
        activity = np.asarray(moments[name].squares / (len(ready) - 1))
        if name in averaged:
            activity = np.asarray(activity - np.sum(errors[name], axis=0) / len(ready))
        if activity.shape == plan.graph.shape(name):
            activity = np.asarray(activity / _prior_variance(vae, name, key))
        values = np.concatenate(kls[name]) if name in kls else np.full(len(ready), np.nan)
        found.append(_use(plan, name, activity, values))
    return tuple(found)


def _prior_variance(vae: VAE, name: str, key: PRNGKeyArray) -> Float64[np.ndarray, "..."]:
    """Return the variance of each entry of a latent under p, with its parents drawn; 1 where it is not known."""
    graph = vae.graph
    factor = graph.p[name]
    if graph.random_parents(factor) or graph.input_parents(factor):
        if graph.inputs:
            return np.ones(graph.shape(name))
        drawn = sample(vae, PRIOR_DRAWS, key=named_key(key, "prior"))[name]
        variance = drawn.astype(np.float64).var(axis=0)
    else:
        try:
            variance = np.asarray(Scope(graph, one_draw(vae, key)).model(name).variance, np.float64)
        except NotImplementedError:
            return np.ones(graph.shape(name))
    return np.where(np.isfinite(variance) & (variance > 0), np.broadcast_to(variance, graph.shape(name)), 1.0)


class _RowUses(NamedTuple):
    """Of one datum, or of many: by latent the mean, the square of its Monte Carlo error, and the KL."""

    means: dict[str, Float[Any, "..."]]
    squared_errors: dict[str, Float[Any, "..."]]
    kls: dict[str, Float[Any, "..."]]


@dataclass(frozen=True)
class _RowUse:
    num_draws: int

    def __call__(self, plan: Plan, parameters: Datum, datum: Datum, key: PRNGKeyArray) -> _RowUses:
        owned = _owned_terms(plan)
        priced = replace(plan, terms=tuple(term for terms in owned.values() for term in terms))
        shapes = latent_noise_shapes(plan.graph, [latent.name for latent in plan.inferred])

        def draw(index: Int[Array, ""]) -> tuple[PyTree, dict[str, Nats]]:
            noise = draw_noise(shapes, jax.random.fold_in(key, index))
            means = posterior_means(plan, Scope(plan.graph, {**parameters, **datum}), noise)
            noises = jax.tree.map(lambda leaf: leaf[None], noise)
            terms = ELBO().terms(priced, parameters, datum, noises, jnp.zeros((), int))
            kls = {name: [-terms[term.label] for term in own] for name, own in owned.items() if own}
            return means, {name: sum(parts, start=jnp.zeros(())) for name, parts in kls.items()}

        (means, kls), (squared_errors, _) = over_draws(draw, self.num_draws)
        return _RowUses(means, squared_errors, kls)


def _owned_terms(plan: Plan) -> dict[str, tuple[Term, ...]]:
    """Give each inferred latent the terms of the bound that are its KL; none where these are not its alone.

    A latent whose prior is a mixture over summed-out latents has two, log Σ p and -log q.
    """
    owned: dict[str, list[Term]] = {latent.name: [] for latent in plan.inferred}
    inside = [name for name in plan.in_log_sum if name not in plan.summed_out]
    alone = len(inside) == 1 and inside[0] in owned
    for term in plan.terms:
        if term.kind in (TermKind.KL, TermKind.LOG_RATIO) or (term.kind is TermKind.ENTROPY and alone):
            owned[term.names[0]].append(term)
        elif term.kind is TermKind.LOG_SUM and alone:
            owned[inside[0]].append(term)
    return {name: tuple(terms) for name, terms in owned.items()}


def _needs_draws(plan: Plan) -> bool:
    """Say whether a mean or a KL differs from draw to draw."""
    graph = plan.graph
    drawn = {latent.name for latent in plan.inferred if latent.num_states is None}
    for latent in plan.inferred:
        above = {*graph.random_parents(graph.q[latent.name]), *graph.random_parents(graph.p[latent.name])}
        if above & drawn or has_no_formula(plan, latent.name):
            return True
    sampled = (TermKind.LOG_RATIO, TermKind.ENTROPY)
    return any(term.kind in sampled and term.names[0] in drawn for term in plan.terms)


class _Moments(NamedTuple):
    count: int
    mean: Float64[np.ndarray, "..."]
    squares: Float64[np.ndarray, "..."]


def _merge(before: _Moments | None, values: Float64[np.ndarray, "rows ..."]) -> _Moments:
    """Add rows to a mean and a sum of squares about it, by the update of Chan, Golub and LeVeque."""
    center = np.asarray(values.mean(axis=0))
    new = _Moments(len(values), center, np.asarray(((values - center) ** 2).sum(axis=0)))
    if before is None:
        return new
    count, shift = before.count + new.count, new.mean - before.mean
    return _Moments(
        count,
        np.asarray(before.mean + shift * new.count / count),
        np.asarray(before.squares + new.squares + shift**2 * before.count * new.count / count),
    )


def _use(plan: Plan, name: str, activity: Float64[np.ndarray, "..."], kls: Float64[np.ndarray, " rows"]) -> LatentUse:
    kl, num_active = float(kls.mean()), int((activity > ACTIVE).sum())
    return LatentUse(
        name=name,
        size=activity.size,
        kl=kl,
        kl_standard_error=float(kls.std(ddof=1) / np.sqrt(len(kls))),
        kl_label=_label(plan, name),
        activity=activity,
        num_active=num_active,
        words=_words(plan, name, activity, num_active, kl),
    )


def _label(plan: Plan, name: str) -> str:
    terms = _owned_terms(plan)[name]
    if not terms:
        return ""
    if terms[0].label.startswith("-KL("):
        return terms[0].label.removeprefix("-")
    log_p = next((t.label for t in terms if t.kind is TermKind.LOG_SUM), f"log {density(plan.graph, name, 'p')}")
    return f"log {density(plan.graph, name, 'q', plan.absent)} - {log_p}"


def _words(plan: Plan, name: str, activity: Float64[np.ndarray, "..."], num_active: int, kl: float) -> str:
    graph, size = plan.graph, activity.size
    p, q = density(graph, name, "p", plan.absent), density(graph, name, "q", plan.absent)
    price = "its KL is no term of its own" if np.isnan(kl) else f"it costs {kl:.2f} nats a datum"
    noun = "entries" if activity.shape == graph.shape(name) else "class probabilities"
    entries = f"{num_active} of its {size} {noun} {'is' if num_active == 1 else 'are'} active"
    entries = "its one entry is active" if size == num_active == 1 else entries
    # An entry just below the threshold costs ACTIVE / 2 nats under a prior of unit variance.
    if num_active == 0 and kl <= ACTIVE * size:
        return (
            f"{name} has collapsed: {q} says the same for every datum (KL {kl:.3f} nats), so "
            f"{_children(plan, name)} modelled without it."
        )
    if num_active == 0:
        return f"{name} is not active: the mean of {q} hardly moves with the data, but {price}."
    if kl < ACTIVE / 2 and (graph.random_parents(graph.p[name]) or graph.input_parents(graph.p[name])):
        return f"{name} follows its prior: {entries}, but {q} says what {p} says (KL {kl:.3f} nats)."
    return f"{name} is used: {entries}, {price.removeprefix('it costs ')}."


def _children(plan: Plan, name: str) -> str:
    """Name what p makes of a latent, with the verb that follows."""
    graph = plan.graph
    below = [c for c in graph.p if c not in plan.absent and name in graph.random_parents(graph.p[c])]
    if not below:
        return "the data are"
    return f"{below[0]} is" if len(below) == 1 else f"{', '.join(below[:-1])} and {below[-1]} are"
