"""The verb that draws."""

from collections.abc import Iterable

from lowerbound._suggest import suggest
from lowerbound.drawing._bayesnet import bayesnet
from lowerbound.drawing._diagram import Diagram
from lowerbound.model import VAE, default_observed


def draw(
    vae: VAE, *, view: str = "bayesnet", observed: Iterable[str] | None = None, group_parameters: bool = True
) -> Diagram:
    """Draw a model from its declaration; nothing is run.

    The view `bayesnet` shows p and q as one Bayesian network. Random variables stand in circles, shaded where
    observed, with a sum sign where they are summed out exactly; deterministic values in diamonds, inputs in shaded
    squares, all of them inside the plate n = 1..N. Outside it stand the parameters, as bare letters, random ones in
    circles, fixed ones as dots. Arrows of p are solid, those of q dashed.

    Args:
        vae: The pair of p and q.
        view: `bayesnet`.
        observed: What is observed, by name. Left out, it is what p declares and q does not, summed-out
            variables excepted.
        group_parameters: Whether several parameters of p are drawn as one theta, and several of q as one phi, or each
            by its own name.

    Raises:
        TypeError: `vae` is no `VAE`.
        ValueError: The view does not exist, or `observed` names what is neither a random variable nor an input.

    Example:
        >>> draw(vae).save("fig1.svg")

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, figure 1, https://arxiv.org/abs/1312.6114.
    """
    if not isinstance(vae, VAE):
        raise TypeError(f"`vae` is of type {type(vae).__name__}; a `VAE` was needed: `draw(VAE(p, q, key=key))`.")
    if view != "bayesnet":
        raise ValueError(f"`view` is {view!r}, but the view that exists is 'bayesnet'.")
    graph = vae.graph
    names = default_observed(graph) if observed is None else [observed] if isinstance(observed, str) else list(observed)
    known = [*graph.p, *graph.inputs]
    for name in names:
        if name not in known:
            raise ValueError(
                f"`observed` names `{name}`, which is neither a random variable nor an input; those are "
                f"{', '.join(f'`{other}`' for other in known)}.{suggest(name, known)}"
            )
    return bayesnet(graph, names, group_parameters=group_parameters)
