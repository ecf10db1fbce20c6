"""A directed graphical model over named variables, written for one datum."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax

from lowerbound.dist import is_distribution, is_foreign_distribution
from lowerbound.model._factor import (
    KEY,
    Factor,
    Given,
    function_factor,
    given_factor,
    is_network,
    network_factor,
    root_factor,
)
from lowerbound.model._order import check_acyclic
from lowerbound.model._parameter import Fixed, Input, Param, Parameter, read_parameter
from lowerbound.nn import AbstractBlueprint


class Joint:
    r"""A directed graphical model over named variables, written for one datum.

    Each keyword is a factor. A distribution is a root variable; a function is a conditional, whose required
    and keyword-only parameters are its parents: if it returns a distribution the name is a random variable, else a
    deterministic value. A network, an array or a tree of arrays is a parameter. The joint density is the product
    of the factors, $p(x, z) = p(z)\,p_\theta(x \mid z)$, each summed over all its axes in the log. Variables live
    inside the plate n = 1..N, parameters outside.

    Args:
        factors: Declarations by name, for names that are no Python identifiers or that a loop makes.
        **named: Declarations by keyword.

    Raises:
        ValueError: The names form a cycle; a declaration cannot be read; a name is bound twice.
        CapturedParameterError: A factor binds a network or an array as a default argument.

    Example:
        >>> p = Joint(z=Normal(jnp.zeros(2), 1.0),
        ...           x=lambda z, theta: Bernoulli(logits=theta(z)),
        ...           theta=MLP(2, 784))
        >>> p.parents("x")
        ('z', 'theta')

    References:
        Koller and Friedman (2009), *Probabilistic Graphical Models*, Section 3.2.
    """

    factors: dict[str, Factor]
    parameters: dict[str, Parameter]
    inputs: dict[str, Input]
    declared: dict[str, Any]

    def __init__(self, factors: Mapping[str, Any] | None = None, /, **named: Any):
        self.declared = dict(factors or {})
        for name, declared in named.items():
            if name in self.declared:
                raise ValueError(f"`{name}` is bound to two things in one `Joint`. Rename one of them.")
            self.declared[name] = declared
        self.factors, self.parameters, self.inputs = {}, {}, {}
        for name, declared in self.declared.items():
            self._read(name, declared)
        check_acyclic({name: [parent.name for parent in factor.parents] for name, factor in self.factors.items()})

    def _read(self, name: str, declared: Any) -> None:
        if name == KEY:
            raise ValueError(
                "`key` cannot name a variable: a parent called `key` asks for randomness in training. Rename it."
            )
        if is_distribution(declared):
            self.factors[name] = root_factor(name, declared)
        elif isinstance(declared, Given) and _holds_weights(declared.function):
            network = f"{name}.net"
            self.parameters[network] = read_parameter(network, declared.function)
            self.factors[name] = network_factor(name, declared, network)
        elif isinstance(declared, Given):
            self.factors[name] = given_factor(name, declared)
        elif is_foreign_distribution(declared):
            raise ValueError(
                f"`{name}` is a {type(declared).__module__}.{type(declared).__name__}, a distribution of another "
                f"library. Use those of `lowerbound.dist`, which are NumPyro's and those that it lacks."
            )
        elif isinstance(declared, Input):
            self.inputs[name] = declared
        elif isinstance(declared, Param | Fixed | AbstractBlueprint) or is_network(declared) or not callable(declared):
            self.parameters[name] = read_parameter(name, declared)
        else:
            self.factors[name] = function_factor(name, declared)

    def parents(self, name: str) -> tuple[str, ...]:
        """Name the parents of a factor, in the order of its signature."""
        return tuple(parent.name for parent in self.factors[name].parents)

    def __repr__(self) -> str:
        words = []
        for name in self.declared:
            if name in self.factors:
                parents = ", ".join(self.parents(name))
                words.append(f"{name} | {parents}" if parents else name)
            else:
                fixed = name in self.parameters and self.parameters[name].fixed
                words.append(f"{name}: {'input' if name in self.inputs else 'constant' if fixed else 'parameter'}")
        return f"Joint({'; '.join(words)})"


def _holds_weights(function: Any) -> bool:
    return isinstance(function, AbstractBlueprint | eqx.Module | jax.Array) and is_network(function)
