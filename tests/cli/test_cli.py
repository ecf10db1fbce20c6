"""The command line: one sentence for a mistake, and the main job."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from lowerbound._version import __version__


def run(*words: str, cwd=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lowerbound", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "digts"], "There are no embedded data `digts`; there are `digits`. Did you mean `digits`?"),
        (["fit", "digits", "--learning-rte", "1"], "`--learning-rte` is no option of `fit`. Did you mean `--lr`?"),
        (["fit", "digits", "--epoch", "1"], "`--epoch` is no option of `fit`. Did you mean `--epochs`?"),
        (["fit", "digits", "--lr", "0"], "`--lr` is 0; a positive number was needed, such as 0.002."),
        (["fit", "digits", "--seed", "-1"], "`--seed` is -1; a whole number from 0 up was needed."),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_2(words, message, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == message + "\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["fit"], ["fot"], ["fit", "digits", "--epochs", "x"], ["fit", "digits", "--epochs", "0"]]
)
def test_other_usage_errors_are_one_line_too(words):
    done = run(*words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.endswith("--help`.\n")


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    done = run("fit", "digits", "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.endswith("which exists and is not an empty folder. Choose another, or remove it.\n")


def test_help_has_an_example_and_version_prints():
    assert "Example: lowerbound fit digits" in run("fit", "--help").stdout
    assert run("--version").stdout == f"{__version__}\n"


def test_the_main_job_scores_and_draws(tmp_path):
    done = run("fit", "digits", "--epochs", "3", "--hidden", "16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "digits-1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "bayesnet.svg",
        "history.csv",
        "reconstructions.png",
        "samples.png",
        "weights.safetensors",
    ]
    ElementTree.parse(folder / "bayesnet.svg")
    for name in ("reconstructions.png", "samples.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    lines = [re.fullmatch(r"(.*?) +(-\d+\.\d+) .*", line) for line in done.stdout.splitlines()]
    numbers = {line[1]: float(line[2]) for line in lines if line}
    assert {"ELBO", "log p(x), IWAE-1000", "independent pixels"} <= set(numbers)
    assert numbers["ELBO"] < numbers["log p(x), IWAE-1000"]
    assert -108 < numbers["independent pixels"] < -104


def test_the_next_free_folder_is_taken(tmp_path):
    from lowerbound.cli._folder import next_free

    assert next_free(tmp_path / "runs", "digits").name == "digits-1"
    for name in ("digits-1", "digits-9", "digits-x", "other-12"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert next_free(tmp_path / "runs", "digits").name == "digits-10"
