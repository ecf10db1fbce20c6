"""What is a distribution, and whether it is a sound one."""

from typing import Any, Protocol, runtime_checkable

import jax
from numpyro.distributions import Distribution, ExpandedDistribution, Independent, MaskedDistribution

from lowerbound.dist._mixture import Mixture


def is_distribution(value: object) -> bool:
    """Say whether a value is a distribution that this library understands: one of NumPyro's classes."""
    return isinstance(value, Distribution)


def family(distribution: Distribution) -> str:
    """Name the family of a distribution: `Normal`; `Normal, masked` where a mask leaves entries out."""
    if isinstance(distribution, MaskedDistribution):
        return f"{family(distribution.base_dist).removesuffix(', masked')}, masked"
    if isinstance(distribution, ExpandedDistribution | Independent):
        return family(distribution.base_dist)
    return type(distribution).__name__


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
        with jax.numpy_rank_promotion("allow"):  # NumPyro itself relies on it
            draw = jax.eval_shape(lambda law, key: law.sample(key), distribution, key)
        if draw.shape != distribution.shape():
            return True
    except NotImplementedError:  # a sound one that nobody can sample, such as an improper uniform
        pass
    except Exception:  # NumPyro fails in many ways here: broadcasting, reshaping, indexing
        return True
    # An expanded law can hide the new axis under one of its own, and still draw too little noise.
    return any(came_out_of_vmap(part) for part in _parts(distribution))


def _parts(distribution: Distribution) -> list[Distribution]:
    """The distributions that one is made of."""
    if isinstance(distribution, Mixture):
        return [distribution.abstract_component]
    fields, _ = distribution.tree_flatten()
    return [part for part in jax.tree.leaves(fields, is_leaf=is_distribution) if is_distribution(part)]


@runtime_checkable
class _Drawable(Protocol):
    def log_prob(self, value: Any, /) -> Any: ...

    def sample(self, key: Any, /) -> Any: ...
