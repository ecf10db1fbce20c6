"""What the words of a command mean: sizes, shapes, parts of the rows."""

from pathlib import Path

from lowerbound.runs import Part, Source


def sizes(option: str, words: str | None) -> tuple[int, ...] | None:
    """Read `400` or `400,200`; None stays None.

    Raises:
        ValueError: It is something else.
    """
    if words is None:
        return None
    try:
        found = tuple(int(word) for word in words.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise ValueError(f"`{option}` is `{words}`; whole numbers from 1 up were needed, such as 400 or 400,200.")
    return found


def shape(words: str | None) -> tuple[int, ...] | None:
    """Read `28x28` or `32x32x3`; None stays None.

    Raises:
        ValueError: It is something else.
    """
    if words is None:
        return None
    try:
        found = tuple(int(word) for word in words.lower().split("x"))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise ValueError(f"`--shape` is `{words}`; whole numbers with an x between were needed, such as 28x28.")
    return found


def part(option: str, words: str, source: Source, labels: str | None = None) -> Part:
    """Read a part of the rows: a fraction as `0.1`, a number as `5000`, or a file.

    Raises:
        ValueError: It is a fraction that cannot be, or no file.
    """
    if Path(words).exists():
        return source.other(words, labels)
    try:
        number = float(words)
    except ValueError:
        raise ValueError(
            f"`{option}` is `{words}`, which is no file; a file was needed, a fraction such as 0.1, or a number of "
            "rows."
        ) from None
    if labels is not None:
        raise ValueError(f"`{option}-labels` goes with `{option} FILE`, but `{option}` is `{words}`. Leave it out.")
    whole = number.is_integer() and "." not in words and number >= 1
    if not whole and not 0 < number < 1:
        raise ValueError(
            f"`{option}` is `{words}`; a fraction between 0 and 1, a number of rows, or a file was needed."
        )
    return int(number) if whole else number


def marker(words: str | None) -> float | None:
    """Read what stands for a missing entry: `nan` or a number; None stays None.

    Raises:
        ValueError: It is something else.
    """
    if words is None:
        return None
    try:
        return float(words)
    except ValueError:
        raise ValueError(
            f"`--missing` is `{words}`; what stands for a gap was needed: nan, or a number such as -999."
        ) from None


def arrays(words: list[str]) -> tuple[tuple[str, str], ...]:
    """Read `ARRAY` or `NAME=ARRAY` of an .npz; one alone without a name is `x`, several keep their own.

    Raises:
        ValueError: A name is given twice.
    """
    found = []
    for word in words:
        name, equals, array = word.partition("=")
        found.append((name, array) if equals else ("x" if len(words) == 1 else word, word))
    for name, _ in found:
        if [other for other, _ in found].count(name) > 1:
            raise ValueError(f"`--array` names `{name}` twice. Write `--array NAME=ARRAY` with other names.")
    return tuple(found)
