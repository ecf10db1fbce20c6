"""The Bayesian network of p and q, as in figure 1 of Kingma and Welling (2014)."""

from collections.abc import Collection, Iterable, Iterator

from lowerbound.dist import num_states
from lowerbound.drawing._diagram import Diagram
from lowerbound.drawing._elements import Edge, Kind, Node, Plate
from lowerbound.drawing._label import Role, read_label
from lowerbound.model import Factor, Graph, density


def bayesnet(graph: Graph, observed: Collection[str], *, group_parameters: bool) -> Diagram:
    """Represent what is declared: each parent of each factor is an edge, solid for p's factors, dashed for q's.

    Args:
        graph: The names that p and q declare.
        observed: The names drawn as observed.
        group_parameters: Whether several parameters of p are drawn as one theta, and several of q as one phi.
    """
    inside = {name: _role(graph, name, observed) for name in [*graph.p, *graph.values, *graph.inputs]}
    outside = _outside(graph, group_parameters)
    nodes = [Node(name, read_label(name, role), (name,)) for name, role in inside.items()] + outside
    node_of = {name: node.name for node in nodes for name in node.names}
    # A parent that is no node is `key`, which asks for randomness and is no variable.
    edges = dict.fromkeys(
        Edge(node_of[parent.name], node_of[factor.name], kind)
        for factor, kind in _factors(graph)
        for parent in factor.parents
        if parent.name in node_of
    )
    p = " ".join(density(graph, name, "p") for name in graph.p)
    q = " ".join(density(graph, name, "q") for name in graph.q)
    title = f"Bayesian network of {p}" + (f" and {q}" if q else "")
    return Diagram("bayesnet", title, _words(nodes, edges), tuple(nodes), tuple(edges), Plate(tuple(inside)))


def _role(graph: Graph, name: str, observed: Collection[str]) -> Role:
    if name in graph.inputs:
        return Role.INPUT
    if name in graph.values:
        return Role.VALUE
    if name in observed:
        return Role.OBSERVED
    scored_below = graph.descendants(name, graph.p) & {*observed, *graph.q}
    if name not in graph.q and num_states(graph.abstract_p[name]) is not None and scored_below:
        return Role.SUMMED_OUT
    return Role.LATENT


def _outside(graph: Graph, group: bool) -> list[Node]:
    """List what stands outside the plate: the same for all data."""
    nodes: list[Node] = []
    trained: dict[str, list[str]] = {"theta": [], "phi": []}
    for name, parameter in graph.parameters.items():
        if parameter.is_random or parameter.fixed:
            role = Role.RANDOM_PARAMETER if parameter.is_random else Role.FIXED
            nodes.append(Node(name, read_label(name, role), (name,)))
        else:
            trained["theta" if name in graph.declared_by_p else "phi"].append(name)
    for symbol, names in trained.items():
        taken = graph.names - set(names)
        groups = (
            {symbol: names} if group and len(names) > 1 and symbol not in taken else {name: [name] for name in names}
        )
        nodes += [Node(n, read_label(n, Role.PARAMETER), tuple(members)) for n, members in groups.items()]
    return nodes


def _factors(graph: Graph) -> Iterator[tuple[Factor, Kind]]:
    """List every factor with its side: a value belongs to the side that declares it."""
    yield from ((factor, Kind.P) for factor in graph.p.values())
    yield from ((parameter.prior, Kind.P) for parameter in graph.parameters.values() if parameter.prior is not None)
    yield from ((f, Kind.P if name in graph.declared_by_p else Kind.Q) for name, f in graph.values.items())
    yield from ((factor, Kind.Q) for factor in [*graph.q.values(), *graph.posteriors.values()])


def _words(nodes: Iterable[Node], edges: Iterable[Edge]) -> str:
    """Say in words what the picture shows."""
    names = {role: ", ".join(" and ".join(n.names) for n in nodes if n.role is role) for role in Role}
    arrows = {kind: ", ".join(f"{e.source} to {e.target}" for e in edges if e.kind is kind) for kind in Kind}
    sentences = [f"{role.replace('-', ' ').capitalize()}: {listed}." for role, listed in names.items() if listed]
    sentences += [
        f"{style} arrows, of the factors of {kind}: {arrows[kind]}."
        for kind, style in ((Kind.P, "Solid"), (Kind.Q, "Dashed"))
        if arrows[kind]
    ]
    return " ".join([*sentences, "The plate holds what is repeated for each datum, n = 1..N."])
