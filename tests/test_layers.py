"""Imports point one way: a part imports from those before it, never after it."""

import ast
from pathlib import Path

import pytest

import lowerbound

PARTS = [
    "dist",
    "nn",
    "data",
    "model",
    "objective",
    "training",
    "evaluation",
    "drawing",
    "report",
    "presets",
    "runs",
    "cli",
]
ROOT = Path(lowerbound.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
#: What notebooks show: the `_repr_html_` of these files may import from a part after their own.
DISPLAYS = {"data/_data.py": "drawing", "model/_vae.py": "drawing", "training/_history.py": "drawing"}


def parts_in(tree: ast.AST, path: Path) -> list[str]:
    """List the parts of the package that some code imports, hidden imports in functions included."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write lowerbound.part"
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
    return [name.split(".")[1] for name in names if name.startswith("lowerbound.")]


def imported_parts(path: Path) -> list[str]:
    """List the parts that a file imports, those that it may display itself with left out."""
    tree = ast.parse(path.read_text())
    parts = parts_in(tree, path)
    for part in displayed_parts(path):
        parts.remove(part)
    return parts


def displayed_parts(path: Path) -> list[str]:
    """List the allowed imports that a file's `_repr_html_` makes."""
    allowed = DISPLAYS.get(path.relative_to(ROOT).as_posix())
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    shows = [node for node in functions if node.name == "_repr_html_"]
    return [part for node in shows for part in parts_in(node, path) if part == allowed]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path):
    part = path.relative_to(ROOT).parts[0]
    if part not in PARTS:  # the front door and the few files beside it, which any part may read
        below = imported_parts(path) if path.name not in {"__init__.py", "__main__.py"} else []
        assert not set(below) & set(PARTS)
        return
    for other in imported_parts(path):
        if other in PARTS:
            assert PARTS.index(other) <= PARTS.index(part), f"{part} may not import {other}"


def test_no_junk_drawers():
    assert not [path for path in FILES if path.stem.strip("_") in {"utils", "helpers", "misc", "common"}]


@pytest.mark.parametrize("name", DISPLAYS)
def test_every_display_import_is_used(name: str):
    assert displayed_parts(ROOT / name) == [DISPLAYS[name]]
    assert PARTS.index(DISPLAYS[name]) > PARTS.index(name.split("/")[0])
