"""Orders on a graph of names: parents first, and no cycle."""

from collections.abc import Iterable, Mapping


def parents_first(parents: Mapping[str, Iterable[str]]) -> list[str]:
    """Order the names so that each comes after its parents; ties keep the order of declaration.

    Parents that are not themselves keys (parameters, inputs) are ignored. Assumes that there is no cycle.
    """
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in done or name not in parents:
            return
        for parent in parents[name]:
            visit(parent)
        done[name] = None

    for name in parents:
        visit(name)
    return list(done)


def check_acyclic(parents: Mapping[str, Iterable[str]]) -> None:
    """Refuse names that form a cycle, and print it."""
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            # Read along the arrows, parent to child.
            cycle = [*path[path.index(name) :], name][::-1]
            raise ValueError(
                f"The names form a cycle: {' -> '.join(cycle)}. A directed graphical model has none: drop one of "
                f"these parents."
            )
        if name in finished or name not in parents:
            return
        for parent in parents[name]:
            visit(parent, (*path, name))
        finished.add(name)

    for name in parents:
        visit(name, ())


def closure(name: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Collect what can be reached from `name` along the edges, without `name` itself."""
    reached: set[str] = set()
    frontier = list(edges.get(name, ()))
    while frontier:
        other = frontier.pop()
        if other not in reached:
            reached.add(other)
            frontier.extend(edges.get(other, ()))
    return reached
