"""Scores of data under a model."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from lowerbound._key import as_key, named_key
from lowerbound.data import Data
from lowerbound.evaluation._estimate import Estimate
from lowerbound.evaluation._rows import one_data
from lowerbound.model import VAE, draw_noise, parameter_noise_shapes
from lowerbound.objective import AbstractObjective, Penalized, make_ready, score_rows
from lowerbound.training import Progress

#: Draws of random parameters that a score is averaged over.
PARAMETER_DRAWS = 8


def evaluate(
    vae: VAE,
    data: Data | Mapping[str, Any],
    how: AbstractObjective,
    *,
    key: PRNGKeyArray,
    progress: bool = True,
) -> Estimate:
    """Score each datum, in nats of the data's original units, at full float32 precision.

    A row's score depends on the model, the row, its identity and the key, and on nothing beside it: not on
    the other rows, nor on how many there are. Random parameters are averaged over by draws from q; their KL is for
    the training data as a whole and stands apart in the estimate.

    Args:
        vae: The model.
        data: `Data` or a mapping of arrays by name; what it names is observed.
        how: The objective, whose type decides the side of the estimate: `ELBO(64)`, `IWAE(5000)`.
        key: Makes the base draws, and binarises data whose binarisation is drawn anew.
        progress: Whether to show progress on stderr when it takes long.

    Raises:
        ValueError: The data do not fit the declaration.
        TypeError: `data` is neither `Data` nor a mapping: a list of data sets has one score for each.

    Example:
        >>> evaluate(run.vae, data.test, IWAE(5000), key=key)
    """
    key = as_key(key)
    ready = make_ready(vae, one_data(vae, data, "evaluate"), how)
    for penalty in how.penalties if isinstance(how, Penalized) else ():
        penalty.check(vae.graph)
    random = bool(vae.graph.random_parameters)
    shapes = parameter_noise_shapes(vae.graph, vae.free)
    scores, divergences = [], []
    num_draws = PARAMETER_DRAWS if random else 1
    with Progress(f"evaluate {how.name}", len(ready) * num_draws, progress) as bar:
        for index in range(num_draws):
            draw_key = jax.random.fold_in(key, index) if index else key
            realized = vae.realize(draw_noise(shapes, named_key(draw_key, "parameters")))
            scores.append(score_rows(ready, how, realized, key=draw_key, step=vae.num_steps, advance=bar.advance))
            divergences.append({name: float(value) for name, value in realized.kl.items()})
    values = np.stack([score.values for score in scores])
    if random:  # one draw of the parameters is shared by all data, so their errors do not average out over rows
        standard_errors = values.std(axis=0, ddof=1) / math.sqrt(num_draws)
        monte_carlo_error = float(values.mean(axis=1).std(ddof=1) / math.sqrt(num_draws))
    else:
        standard_errors = scores[0].standard_errors
        monte_carlo_error = float(np.sqrt(np.sum(standard_errors**2)) / len(ready))
    return Estimate(
        values=values.mean(axis=0),
        standard_errors=standard_errors,
        monte_carlo_error=monte_carlo_error,
        side=how.side,
        num_samples=how.num_samples * num_draws,
        estimator=how.name,
        parameter_kl={name: float(np.mean([d[name] for d in divergences])) for name in divergences[0]},
        about={**ready.data.description, "key": np.asarray(jax.random.key_data(key)).tolist()},
    )
