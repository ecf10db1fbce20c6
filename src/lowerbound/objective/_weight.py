"""Importance weights for one datum: finite latents summed inside the log."""

import jax
import jax.numpy as jnp

from lowerbound._types import Nats
from lowerbound.dist import from_noise, log_density, states
from lowerbound.model import Gradient, Noise, Plan, Scope, TermKind, Treatment
from lowerbound.objective._average import log_sum


def log_weight_and_score(plan: Plan, scope: Scope, noise: Noise) -> tuple[Nats, Nats]:
    r"""Return log w and the log q of its draws that have no pathwise gradient.

    For sampled latents z and finite latents y of q, in the order of q,
    $$ w = \sum_y \frac{p(x, y, z_y)}{q(z_y \mid x, y)}, \qquad z_y \sim q(z \mid x, y), $$
    which is unbiased for p(x). Finite latents are thus summed, not drawn: averaging over q(y | x) instead
    would bound log p(x) by what no number of samples mends.
    """

    def descend(names: tuple[str, ...], scope: Scope, noise: Noise) -> tuple[Nats, Nats]:
        if not names:
            return log_joint(plan, scope), jnp.zeros(())
        name, rest = names[0], names[1:]
        latent, q = plan[name], scope.posterior(name)
        if latent.treatment is Treatment.SUMMED_IN_WEIGHT:
            values = states(q)
            log_ws, scores = jax.vmap(lambda value, index: descend(rest, scope.bind(name, value), _fold(noise, index)))(
                values, jnp.arange(len(values))
            )
            return jax.nn.logsumexp(log_ws), jnp.sum(scores)
        value = from_noise(q, noise[name])
        if latent.gradient is Gradient.SCORE_FUNCTION:
            value = jax.lax.stop_gradient(value)
        log_q = log_density(q, value)
        log_w, score = descend(rest, scope.bind(name, value), noise)
        return log_w - log_q, score + log_q if latent.gradient is Gradient.SCORE_FUNCTION else score

    return descend(tuple(latent.name for latent in plan.inferred), scope, noise)


def log_joint(plan: Plan, scope: Scope) -> Nats:
    """Return log p of all that the scope binds, summed-out latents summed out."""
    factors = [name for name in (*plan.observed, *(x.name for x in plan.inferred)) if name not in plan.in_log_sum]
    total = sum((log_density(scope.model(name), scope[name]) for name in factors), start=jnp.zeros(()))
    has_sum = any(term.kind is TermKind.LOG_SUM for term in plan.terms)
    return total + log_sum(plan, scope) if has_sum else total


def _fold(noise: Noise, index: jax.Array) -> Noise:
    """Draws from keys must be independent between states, since their scores add up; Gaussian ones may be shared."""
    return {name: jax.random.fold_in(draw, index) if _is_key(draw) else draw for name, draw in noise.items()}


def _is_key(draw: object) -> bool:
    return isinstance(draw, jax.Array) and jnp.issubdtype(draw.dtype, jax.dtypes.prng_key)
