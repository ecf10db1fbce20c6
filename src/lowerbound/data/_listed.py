"""Names in a sentence."""

from collections.abc import Sequence

_MOST = 8  # a table may have a thousand columns


def listed(names: Sequence[str]) -> str:
    """Return "`a`, `b` and `c`", with "and 990 more" in place of what no one would read."""
    shown = [f"`{name}`" for name in names]
    if len(shown) > _MOST:
        shown = [*shown[: _MOST - 1], f"{len(shown) - _MOST + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
