"""The importance-weighted bound."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lowerbound._types import Nats
from lowerbound.model import VAE, Noise, Plan, make_plan
from lowerbound.objective._average import Terms, with_score
from lowerbound.objective._elbo import check_count
from lowerbound.objective._objective import Datum, make_scope, over_draws
from lowerbound.objective._penalty import AbstractBound
from lowerbound.objective._side import Side
from lowerbound.objective._weight import log_weight_and_score


@dataclass(frozen=True)
class IWAE(AbstractBound):
    r"""The importance-weighted bound of K samples, $\mathbb{E}[\log \frac{1}{K} \sum_k w_k]$, in nats for one datum.

    With $w_k = p(x, z_k) / q(z_k \mid x)$. It rises with K to log p(x) where q covers the support of p(z | x), and
    bounds it from below in any case; finite latents are summed inside each weight.

    Args:
        num_samples: K.

    References:
        Burda, Grosse and Salakhutdinov (2016), *Importance Weighted Autoencoders*, Eq. 8,
        https://arxiv.org/abs/1509.00519.
    """

    num_samples: int

    def __post_init__(self):
        check_count("IWAE", self.num_samples)

    @property
    def name(self) -> str:
        """`IWAE-50` for K = 50."""
        return f"IWAE-{self.num_samples}"

    @property
    def side(self) -> Side:
        """A lower bound in expectation."""
        return Side.LOWER

    @property
    def uses_weights(self) -> bool:
        """Yes."""
        return True

    @property
    def sampled(self) -> tuple[str, ...]:
        """None: a weight has no KL term."""
        return ()

    def terms(self, plan: Plan, parameters: Datum, datum: Datum, noises: Noise, step: Array) -> Terms:
        """Return the bound as one term: the log of a mean has no parts."""

        def weigh(noise: Noise) -> tuple[Nats, Nats]:
            return log_weight_and_score(plan, make_scope(plan, parameters, datum, noise), noise)

        log_weights, scores = over_draws(weigh, noises, self.num_samples)
        return {f"log (1/{self.num_samples}) Σ w": with_score(log_mean_exp(log_weights), jnp.sum(scores))}

    def draw(self, plan: Plan, parameters: Datum, datum: Datum, noise: Noise, step: Array) -> tuple[Nats, Nats]:
        """Return one log-weight."""
        log_w, _ = log_weight_and_score(plan, make_scope(plan, parameters, datum, noise), noise)
        return log_w, jnp.zeros(())


def log_mean_exp(log_weights: Float[Array, " samples"]) -> Nats:
    """Return log((1/K) Σₖ wₖ), summed in the log domain so that one large weight cannot overflow."""
    return jax.nn.logsumexp(log_weights) - jnp.log(len(log_weights))


def log_weight(vae: VAE, datum: Datum, noise: Noise) -> Nats:
    """Return log p(x, z) - log q(z | x) for one datum and one set of base draws, in nats.

    Finite latents are summed inside the log, so that the mean of the weights is p(x); arguments as in `elbo`.
    """
    plan = make_plan(vae.graph, datum, IWAE(1))
    return log_weight_and_score(plan, make_scope(plan, vae.realize(noise).values, datum, noise), noise)[0]


def iwae(vae: VAE, datum: Datum, noises: Noise) -> Nats:
    """Estimate the importance-weighted bound of one datum from K sets of base draws (a leading axis of length K).

    In nats for the whole datum, higher is better; it rises with K to log p(x). Random parameters are drawn anew
    in each set.

    References:
        Burda, Grosse and Salakhutdinov (2016), *Importance Weighted Autoencoders*, Eq. 8,
        https://arxiv.org/abs/1509.00519.
    """
    return log_mean_exp(jax.vmap(lambda noise: log_weight(vae, datum, noise))(noises))
