"""Where a run goes that was given no place."""

import re
from pathlib import Path


def next_free(parent: Path, name: str) -> Path:
    """Name the next free folder: `runs/digits-1`, then `runs/digits-2`."""
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    found = [pattern.fullmatch(path.name) for path in parent.iterdir()] if parent.is_dir() else []
    taken = [int(match[1]) for match in found if match]
    return parent / f"{name}-{max(taken, default=0) + 1}"
