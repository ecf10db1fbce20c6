"""Colours for categories: told apart by colour-blind eyes, and against white as well as black."""

#: Found by search: the least distance between two, in OKLab, is 0.1 for deuteranopes and protanopes, and each has a
#: contrast of at least 2.2 with white and 2.9 with a near black. The first ones differ most.
COLORS = (
    "#3884d3",
    "#d86b11",
    "#017060",
    "#e989b9",
    "#c6af14",
    "#c8012c",
    "#523cfc",
    "#10bbf7",
    "#d40e9b",
    "#04ac77",
)


def color(index: int) -> str:
    """Return the colour of a category; they come round again after ten."""
    return COLORS[index % len(COLORS)]


def ink_on(background: str) -> str:
    """Return black or white, whichever is easier to read on a colour."""
    red, green, blue = (_linear(int(background[i : i + 2], 16) / 255) for i in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # Equal contrast, (L + 0.05) / 0.05 = 1.05 / (L + 0.05), is at L = 0.179.
    return "#000000" if luminance > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
