"""Data through their latents and back."""

from collections.abc import Mapping
from typing import Any

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from lowerbound._key import as_key, named_key
from lowerbound.data import Data
from lowerbound.dist import Distribution
from lowerbound.evaluation._mean import mean
from lowerbound.evaluation._rows import Rows, map_rows, one_data, one_draw
from lowerbound.model import VAE, Plan, Scope
from lowerbound.objective import IWAE, Datum, make_ready


def reconstruct(vae: VAE, data: Data | Mapping[str, Any], *, key: PRNGKeyArray) -> Rows:
    """Draw the latents of each datum from q, and return the means of p's observed variables given these.

    The mean of p(x | z^(i)) is a value and no draw of x; for a draw sample from that distribution. A masked
    distribution has the mean of what it masks, so missing entries are filled in.

    Args:
        vae: The model. Random parameters are drawn once, from q, for all rows.
        data: `Data` or a mapping of arrays by name. The model sees them as `data.prepared(key)`.
        key: Makes the draws. A row's draw depends on the key, the row and its identity, and on no other row.

    Returns:
        The observed variables by name (class probabilities for a Categorical), with a leading axis of rows, as the
        model sees them (after the data's steps). Arrays on the host.

    Raises:
        ValueError: The data do not fit the declaration; an observed variable conditions on a latent that is summed
            out, so that it has no value; or NumPyro has no formula for a mean.
    """
    key, data = as_key(key), one_data(vae, data, "reconstruct")
    ready = make_ready(vae, data, IWAE(1))
    for name in ready.plan.observed:
        _check_mean(ready.plan, name)
    return map_rows(_reconstruct, ready, one_draw(vae, key), key)


def _reconstruct(plan: Plan, parameters: Datum, datum: Datum, key: PRNGKeyArray) -> dict[str, Array]:
    scope = Scope(plan.graph, {**parameters, **datum})
    for latent in plan.inferred:
        scope = scope.bind(latent.name, scope.posterior(latent.name).sample(named_key(key, latent.name)))
    means = {name: mean(scope.model(name)) for name in plan.observed}
    return {name: value for name, value in means.items() if value is not None}


def _check_mean(plan: Plan, name: str) -> None:
    for parent in plan.graph.random_parents(plan.graph.p[name]):
        if parent in plan.summed_out:
            raise ValueError(
                f"`{name}` conditions on `{parent}`, which is summed out, so there is no value of it to reconstruct "
                f"from. Give q a factor for `{parent}`."
            )

    def formula(p: Distribution) -> Float[Array, "..."] | None:
        return mean(p)

    law = plan.graph.abstract_p[name]
    if jax.eval_shape(formula, law) is None:
        raise ValueError(
            f"`{name}` is a {type(law).__name__}, for whose mean there is no formula, so it cannot be reconstructed. "
            f"Choose a likelihood with a mean."
        )
