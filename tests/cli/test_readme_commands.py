"""The commands that the README shows for one's own data do what it says."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


def write_files() -> None:
    random = np.random.default_rng(0)
    np.save("images.npy", random.integers(0, 256, (60, 28, 28), dtype=np.uint8))
    np.save("other.npy", random.integers(0, 256, (20, 28, 28), dtype=np.uint8))
    rows = random.normal(size=(100, 4)).round(3).astype(str)
    rows[random.random(rows.shape) < 0.05] = ""
    lines = [",".join([*row, ("setosa", "virginica")[i % 2]]) for i, row in enumerate(rows)]
    Path("flowers.csv").write_text("\n".join(["a,b,c,d,species", *lines]) + "\n")


@pytest.mark.slow
def test_they_run(run):
    (block,) = re.findall(r"```sh\n(lowerbound fit images.*?)```", README, flags=re.DOTALL)
    write_files()
    for line in block.splitlines():
        words, _, target = line.partition("#")[0].partition(" > ")
        command, *rest = shlex.split(words)[1:]
        done = run(command, *rest, *(["--epochs", "1"] if command == "fit" else []))
        assert done.code == 0, f"{line}: {done.err}"
        if target:
            Path(target.strip()).write_text(done.out)
        if "--json" in rest:
            assert json.loads(done.out)["estimator"] == "IWAE-5000"
    assert sorted(path.name for path in Path("runs").iterdir()) == ["flowers-1", "flowers-2", "images-1", "images-2"]
    assert Path("codes.csv").read_text().startswith("row,z[0],z[1]")
    assert len(Path("codes.csv").read_text().splitlines()) == 101
