"""What every chart must be, to be checked of each."""

import re
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def read_chart(text: str, *, max_bytes: int = 100_000) -> ElementTree.Element:
    """Parse a chart, once it is seen to be small, without ids, named in words and drawn in the ink of its page."""
    root = ElementTree.fromstring(text)
    assert len(text.encode()) <= max_bytes
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("width") is None
    assert root.find(f"{SVG}title").text
    assert root.find(f"{SVG}desc").text
    assert " id=" not in text
    assert "nan" not in re.sub(r"<(title|desc|text)[^>]*>.*?</\1>", "", text)
    assert {element.get("fill") for element in root.iter(f"{SVG}text")} <= {"currentColor", "#000000", "#ffffff"}
    numbers = [float(n) for d in root.iter(f"{SVG}path") for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", d.get("d"))]
    assert all(abs(n) <= 1e4 for n in numbers)
    return root


def texts(root: ElementTree.Element) -> list[str]:
    """List the words in a chart."""
    return [element.text for element in root.iter(f"{SVG}text")]
