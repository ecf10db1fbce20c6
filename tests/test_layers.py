"""Imports point one way: a part imports from those before it, never after it."""

import ast
from pathlib import Path

import pytest

import lowerbound

PARTS = ["dist", "nn", "data", "model", "objective", "training", "evaluation", "drawing", "report", "cli"]
ROOT = Path(lowerbound.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def imported_parts(path: Path) -> list[str]:
    """List the parts of the package that a file imports, hidden imports in functions included."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write lowerbound.part"
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
    return [name.split(".")[1] for name in names if name.startswith("lowerbound.")]


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
