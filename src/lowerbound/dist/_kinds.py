"""What is a distribution, and whether it is a sound one."""

from typing import Any, Protocol, runtime_checkable

import jax
from numpyro.distributions import Distribution


def is_distribution(value: object) -> bool:
    """Say whether a value is a distribution that this library understands: one of NumPyro's classes."""
    return isinstance(value, Distribution)


def is_foreign_distribution(value: object) -> bool:
    """Say whether a value is a distribution of another library: it scores and it samples, but is none of NumPyro's."""
    return isinstance(value, _Drawable) and not isinstance(value, (Distribution, type))


def came_out_of_vmap(distribution: Distribution) -> bool:
    """Say whether a distribution was returned from `jax.vmap`, whose draws are not what it says.

    Mapped over, the parameters gain an axis of which the distribution does not know. It then draws the same noise for
    every row, or fails. Nothing is run, so leaves may be abstract, as `jax.eval_shape` gives them.

    Returns:
        Whether its draws have another shape than it declares, or cannot be made. A sound one gives False.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    try:
        draw = jax.eval_shape(lambda law, key: law.sample(key), distribution, key)
    except NotImplementedError:  # a sound one that nobody can sample, such as an improper uniform
        return False
    except Exception:  # NumPyro fails in many ways here: broadcasting, reshaping, indexing
        return True
    return draw.shape != distribution.shape()


@runtime_checkable
class _Drawable(Protocol):
    def log_prob(self, value: Any, /) -> Any: ...

    def sample(self, key: Any, /) -> Any: ...
