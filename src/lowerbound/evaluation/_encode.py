"""What a datum's latents are, as q tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, Int, PRNGKeyArray

from lowerbound._key import as_key
from lowerbound.data import Data
from lowerbound.evaluation._posterior_means import Means, averaged_over_draws, over_draws, posterior_means
from lowerbound.evaluation._rows import Rows, map_rows, one_data, one_draw
from lowerbound.model import VAE, Plan, Scope, draw_noise, latent_noise_shapes
from lowerbound.objective import ELBO, Datum, Ready, make_ready


def encode(vae: VAE, data: Data | Mapping[str, Any], *, key: PRNGKeyArray, num_samples: int = 16) -> Rows:
    """Return the posterior mean of every latent that q infers, for each datum.

    A latent that conditions on others is averaged over these: exactly where they are finite, else over `num_samples`
    draws of them. A mean without a formula is the average of `num_samples` draws. A latent of p that q leaves out has
    no posterior of its own, and is not in the result. Where no mean exists, as for a Cauchy, it is nan.

    Args:
        vae: The model. Random parameters are drawn once, from q, for all rows.
        data: `Data` or a mapping of arrays by name; what it names is observed. The model sees them as
            `data.prepared(key)`.
        key: Makes the draws. A row's result depends on the key, the row and its identity, and on no other row.
        num_samples: Draws that a mean is averaged over, where it has to be.

    Returns:
        The means by name of latent, with a leading axis of rows; of a Categorical the class probabilities, with an
        axis of classes at the end. Arrays on the host.

    Raises:
        ValueError: The data do not fit the declaration, or q infers nothing from them.

    Example:
        >>> encode(run.vae, data.test, key=key)["z"].shape
        (10000, 20)
    """
    key, ready = as_key(key), inferring(vae, data, "encode", num_samples)
    num_draws = num_samples if averaged_over_draws(ready.plan) else 1
    return map_rows(_PosteriorMeans(num_draws), ready, one_draw(vae, key), key)


def inferring(vae: VAE, data: Data | Mapping[str, Any], verb: str, num_samples: int) -> Ready:
    """Plan the ELBO for data of which q infers something.

    Raises:
        ValueError: As `make_ready`; q infers nothing; `num_samples` is no positive whole number.
    """
    ready = make_ready(vae, one_data(vae, data, verb), ELBO())
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples < 1:
        raise ValueError(f"`num_samples` is {num_samples!r}; a whole number from 1 up was needed.")
    if not ready.plan.inferred:
        observed = " and ".join(f"`{name}`" for name in ready.data.names)
        cure = "Leave a latent out of the data." if vae.graph.q else "Give q a factor for one."
        raise ValueError(f"`{verb}` is about what q infers, but from {observed} it infers no latent. {cure}")
    return ready


@dataclass(frozen=True)
class _PosteriorMeans:
    num_draws: int

    def __call__(self, plan: Plan, parameters: Datum, datum: Datum, key: PRNGKeyArray) -> Means:
        shapes = latent_noise_shapes(plan.graph, [latent.name for latent in plan.inferred])

        def draw(index: Int[Array, ""]) -> Means:
            noise = draw_noise(shapes, jax.random.fold_in(key, index))
            return posterior_means(plan, Scope(plan.graph, {**parameters, **datum}), noise)

        return over_draws(draw, self.num_draws)[0]
