"""Averages over q for one datum: exact over finite latents, at one draw of the others."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lowerbound._types import Nats
from lowerbound.dist import Distribution, from_noise, kl, log_density, states
from lowerbound.model import Gradient, Noise, Plan, Scope, TermKind

#: Nats by label; their sum is an objective.
Terms = dict[str, Nats]

Posteriors = Mapping[str, Distribution]


def average(plan: Plan, scope: Scope, noise: Noise, leaf: Callable[[Scope, Posteriors], Terms]) -> Terms:
    """Estimate E_q[leaf] for one datum.

    Finite latents of q are averaged over exactly; every other one takes the value that its base draw gives. Where q is
    not reparameterized there, the value is left as it is and its gradient becomes the score function's, f ∇log q.

    Args:
        plan: What is done with each latent.
        scope: The datum and the parameters.
        noise: Base draws by latent name.
        leaf: What is averaged, at a scope that binds every latent of q and the distributions that they came from.
    """

    def descend(names: tuple[str, ...], scope: Scope, posteriors: dict[str, Distribution]) -> Terms:
        if not names:
            return leaf(scope, posteriors)
        name, rest = names[0], names[1:]
        latent, q = plan[name], scope.posterior(name)
        below = {**posteriors, name: q}
        if latent.num_states is not None:
            values = states(q)
            log_q = jax.vmap(lambda value: log_density(q, value))(values)
            results = jax.vmap(lambda value: descend(rest, scope.bind(name, value), below))(values)
            return {label: _weighted(jnp.exp(log_q), result) for label, result in results.items()}
        value = from_noise(q, noise[name])
        if latent.gradient is Gradient.PATHWISE:
            return descend(rest, scope.bind(name, value), below)
        value = jax.lax.stop_gradient(value)
        score = log_density(q, value)
        results = descend(rest, scope.bind(name, value), below)
        return {label: with_score(result, score) for label, result in results.items()}

    return descend(tuple(latent.name for latent in plan.inferred), scope, {})


def with_score(value: Nats, score: Nats) -> Nats:
    """Leave `value` as it is and add value x ∇score to its gradient, which makes that of E_q[value] unbiased."""
    return value + jax.lax.stop_gradient(value) * (score - jax.lax.stop_gradient(score))


def _weighted(probabilities: Float[Array, " states"], values: Float[Array, " states"]) -> Nats:
    # 0 x (-inf) = 0: a state that q excludes costs nothing, whatever p says of it.
    possible = probabilities > 0
    return jnp.sum(jnp.where(possible, probabilities * jnp.where(possible, values, 0), 0))


def bound_terms(plan: Plan) -> Callable[[Scope, Posteriors], Terms]:
    """Make the leaf whose average is the ELBO: its terms as the plan decides them."""

    def leaf(scope: Scope, posteriors: Posteriors) -> Terms:
        def log_p(name: str) -> Nats:
            return log_density(scope.model(name), scope[name])

        def log_q(name: str) -> Nats:
            return log_density(posteriors[name], scope[name])

        terms = {}
        for term in plan.terms:
            name = term.names[0]
            match term.kind:
                case TermKind.LIKELIHOOD:
                    terms[term.label] = log_p(name)
                case TermKind.KL:
                    terms[term.label] = -kl(posteriors[name], scope.model(name))
                case TermKind.LOG_RATIO:
                    terms[term.label] = log_p(name) - log_q(name)
                case TermKind.ENTROPY:
                    terms[term.label] = -log_q(name)
                case TermKind.LOG_SUM:
                    terms[term.label] = log_sum(plan, scope)
        return terms

    return leaf


def log_sum(plan: Plan, scope: Scope) -> Nats:
    """Sum the densities that read summed-out latents over all states of these, inside the log."""

    def descend(names: tuple[str, ...], scope: Scope) -> Nats:
        if not names:
            return sum((log_density(scope.model(n), scope[n]) for n in plan.in_log_sum), start=jnp.zeros(()))
        name, rest = names[0], names[1:]
        values = states(scope.model(name))
        return jax.nn.logsumexp(jax.vmap(lambda value: descend(rest, scope.bind(name, value)))(values))

    return descend(plan.summed_out, scope)
