"""The command line as a function, and one small run that the tests share."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from lowerbound.cli import main


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def few_draws():
    """Score with few draws: 1000 a row are half of what a small run takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lowerbound.report._scores.ELBO_SAMPLES", 4)
        patch.setattr("lowerbound.report._scores.IWAE_SAMPLES", 20)
        yield


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command in an empty folder, in this process: importing JAX anew for each would take most of the time."""
    monkeypatch.chdir(tmp_path)

    def run(*words) -> Done:
        monkeypatch.setattr(sys, "argv", ["lowerbound", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Done(end.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory, few_draws) -> Path:
    """A run on the digits with two latent entries, trained for two epochs."""
    folder = tmp_path_factory.mktemp("trained") / "digits"
    words = ["fit", "digits", "--epochs", "2", "--latent", "2", "--hidden", "8", "--out", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["lowerbound", *words])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 0
    return folder
