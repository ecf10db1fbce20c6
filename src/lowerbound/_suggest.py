"""The nearest known name, for messages about an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean `x`?" for the known name nearest to `word`, or "" where none is near.

    Args:
        word: What the user wrote.
        known: The names that would have been right.

    Returns:
        The end of a message, with its leading space.
    """
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean `{near[0]}`?" if near else ""
