"""The evidence lower bound."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from lowerbound._types import Nats
from lowerbound.model import VAE, Noise, Plan, make_plan
from lowerbound.objective._average import Terms, average, bound_terms
from lowerbound.objective._objective import Datum, make_scope, over_draws
from lowerbound.objective._penalty import AbstractBound
from lowerbound.objective._side import Side


@dataclass(frozen=True)
class ELBO(AbstractBound):
    r"""The evidence lower bound, $\mathbb{E}_{q(z \mid x)}[\log p(x, z) - \log q(z \mid x)]$, in nats for one datum.

    Args:
        num_samples: Sets of base draws for one datum: more make it steadier, not tighter.
        sampled: The latent, or latents, whose KL is to be sampled although it has a closed form.

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, Eqs. 2 and 6,
        https://arxiv.org/abs/1312.6114.
    """

    num_samples: int = 1
    sampled: Any = ()

    def __post_init__(self):
        check_count("ELBO", self.num_samples)
        names = (self.sampled,) if isinstance(self.sampled, str) else tuple(self.sampled)
        object.__setattr__(self, "sampled", names)

    @property
    def name(self) -> str:
        """`ELBO`."""
        return "ELBO"

    @property
    def side(self) -> Side:
        """A lower bound in expectation."""
        return Side.LOWER

    @property
    def uses_weights(self) -> bool:
        """No: it is an average over q."""
        return False

    def terms(self, plan: Plan, parameters: Datum, datum: Datum, noises: Noise, step: Array) -> Terms:
        """Return its terms as the plan decides them, each averaged over the draws."""
        draws = over_draws(lambda noise: _terms(plan, parameters, datum, noise), noises, self.num_samples)
        return {label: jnp.mean(values) for label, values in draws.items()}

    def draw(self, plan: Plan, parameters: Datum, datum: Datum, noise: Noise, step: Array) -> tuple[Nats, Nats]:
        """Return the bound from one set of base draws."""
        return sum(_terms(plan, parameters, datum, noise).values(), start=jnp.zeros(())), jnp.zeros(())


def _terms(plan: Plan, parameters: Datum, datum: Datum, noise: Noise) -> Terms:
    return average(plan, make_scope(plan, parameters, datum, noise), noise, bound_terms(plan))


def elbo(vae: VAE, datum: Datum, noise: Noise) -> Nats:
    r"""Estimate the evidence lower bound of one datum.

    The evidence $\log p(x)$ is bounded from below by
    $$ \mathcal{L}(x) = \mathbb{E}_{q(z \mid x)}[\log p(x, z) - \log q(z \mid x)]
                      = \log p(x) - \mathrm{KL}(q(z \mid x) \,\|\, p(z \mid x)), $$
    and this is an unbiased estimate of it from one set of base draws: more make it steadier, not tighter (for that
    see `IWAE`). Latents whose KL divergence the plan found in closed form, or whose support is enumerated, add no
    noise. With random parameters it is the bound at one draw of them; their KL is for all data and stands apart
    (`vae.realize(noise).kl`).

    Args:
        vae: The pair of p and q.
        datum: What is observed, by name, for one datum: `{"x": ...}` of p's event shape. Every other variable of p is
            latent. Map over a batch with `jax.vmap`.
        noise: Base draws by latent name, of the shapes that `vae.noise_shapes(datum)` gives.

    Returns:
        One number in nats for the whole datum: summed over its entries, divided by nothing. Higher is better; its
        negative is the loss.

    Raises:
        ValueError: `datum` names a variable that p does not know, or the plan cannot be made.

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, Eqs. 2 and 6,
        https://arxiv.org/abs/1312.6114.
    """
    return sum(elbo_terms(vae, datum, noise).values(), start=jnp.zeros(()))


def elbo_terms(vae: VAE, datum: Datum, noise: Noise) -> Terms:
    """Estimate the terms of the evidence lower bound of one datum: nats by label, whose sum is `elbo`.

    Labels read as formulas, `log p(x | z)` and `-KL(q(z | x) || p(z))`; arguments as in `elbo`.
    """
    return _terms(make_plan(vae.graph, datum, ELBO()), vae.realize(noise).values, datum, noise)


def check_count(owner: str, num_samples: int) -> None:
    """Refuse a number of samples that is no positive whole number."""
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples < 1:
        raise ValueError(f"`{owner}` takes a whole number of samples from 1 up, got {num_samples!r}.")
