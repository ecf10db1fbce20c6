"""The command line: the main job, and one sentence for a mistake."""

import csv
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from lowerbound._version import __version__
from lowerbound.presets import PRESETS

COMMANDS = ["fit", "evaluate", "sample", "reconstruct", "encode", "draw", "explain", "new", "report"]


def test_as_a_process_it_says_its_version():
    done = subprocess.run([sys.executable, "-m", "lowerbound", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(run, command):
    done = run(command, "--help")
    assert done.code == 0
    assert f"Example: lowerbound {command} " in done.out


def test_there_are_no_other_commands(run):
    listed = run("--help").out.split("Commands:")[1]
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == COMMANDS


def test_the_main_job_leaves_a_run(trained):
    assert sorted(path.name for path in trained.iterdir()) == [
        "config.json",
        "figures",
        "graph.json",
        "history.csv",
        "model.py",
        "report.html",
        "scores.json",
        "weights.safetensors",
    ]
    figures = sorted(path.name for path in (trained / "figures").iterdir())
    assert figures == [
        "bayesnet.svg",
        "decoded-plane.png",
        "learning-curves.svg",
        "map-of-z.svg",
        "reconstructions.png",
        "samples-as-means.png",
        "samples.png",
    ]
    for name in figures:
        if name.endswith(".svg"):
            ElementTree.parse(trained / "figures" / name)
        else:
            assert (trained / "figures" / name).read_bytes().startswith(b"\x89PNG")
    scores = json.loads((trained / "scores.json").read_text())["scores"]
    assert [score["name"] for score in scores] == ["ELBO", "log p(x), IWAE-20", "independent pixels"]
    assert scores[0]["nats"] < scores[1]["nats"]
    assert -106.33 < scores[2]["nats"] < -106.31  # closed form for this split
    config = json.loads((trained / "config.json").read_text())
    assert config["seed"] == 0
    assert config["trained"]["steps"] == 44
    assert set(config["data"]["fingerprints"]) == {"train", "valid", "test"}
    assert "vae(key)" in (trained / "model.py").read_text()


def test_nothing_in_a_run_is_a_pickle(trained):
    files = [path for path in trained.rglob("*") if path.is_file()]
    assert not [path for path in files if path.read_bytes().startswith((b"\x80\x04", b"\x80\x05"))]
    assert {path.suffix for path in files} == {".json", ".svg", ".png", ".csv", ".py", ".html", ".safetensors"}


def test_what_fit_prints(run):
    done = run("fit", "digits", "--epochs", "1", "--hidden", "4", "--latent", "2")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[:4] == [
        "Data: digits: x uint8 (8, 8). Rows: 1437 to train, 180 to choose the best state, 180 to test.",
        "Likelihood: x holds whole numbers from 0 to 16, so its likelihood is a beta-binomial, a mass on 0..16.",
        "Model: mlp, latent 2, hidden 4.",
        "Training: 1 epoch in batches of 64, by Adam; the first step compiles for a few seconds.",
    ]
    assert re.match(r"180 test rows of digits +nats +± data +± draws +side +of", lines[4])
    assert re.match(r"ELBO +-\d+\.\d\d +\d\.\d\d +\d\.\d{3} +lower bound in expectation", lines[5])
    assert any(line.startswith("Note: By log p(x), IWAE-20 the model is no better than indep") for line in lines)
    ended, saved = lines[-2:]
    assert re.match(r"Trained 1 epoch in .* s; kept the state after step 22 of 22, best by the validation bound", ended)
    assert saved == "Saved in runs/digits-1; open runs/digits-1/report.html"
    assert Path("runs/digits-1/report.html").is_file()


def test_evaluate_prints_a_table_or_one_json_object(run, trained):
    table = run("evaluate", trained, "--how", "elbo", "-K", "8")
    assert re.search(r"^ELBO +-\d+", table.out, re.MULTILINE)
    done = run("evaluate", trained, "--how", "iwae", "-K", "16", "--json")
    said = json.loads(done.out)
    assert done.err == ""
    assert said["estimator"] == "IWAE-16"
    assert said["num_samples"] == 16
    assert said["rows"] == 180
    assert said["side"] == "lower bound in expectation"
    assert said["seed"] == 0
    again = json.loads(run("evaluate", trained, "--how", "iwae", "-K", "16", "--json").out)
    assert again == said
    assert json.loads(run("evaluate", trained, "-K", "16", "--json", "--seed", "1").out)["nats"] != said["nats"]


def test_evaluate_repeats_the_scores_of_fit(run, trained):
    kept = json.loads((trained / "scores.json").read_text())["scores"][0]
    said = json.loads(run("evaluate", trained, "--how", "elbo", "-K", "4", "--json").out)
    assert said["nats"] == kept["nats"]


def test_other_rows_are_scored_like_the_run_s_own(run, trained, tmp_path):
    from lowerbound.runs import read_run

    test = read_run(trained).parts().test
    np.save(tmp_path / "test.npy", test["x"])
    said = json.loads(run("evaluate", trained, "--how", "elbo", "--json", "--data", "test.npy").out)
    own = json.loads(run("evaluate", trained, "--how", "elbo", "--json").out)
    assert said["rows"] == own["rows"]
    # The rows have other identities, so other draws: within five Monte Carlo errors of both.
    errors = np.hypot(said["monte_carlo_error"], own["monte_carlo_error"])
    assert abs(said["nats"] - own["nats"]) <= 5 * errors


def test_samples_reconstructions_and_codes_are_written(run, trained):
    assert run("sample", trained, "-n", "7", "-o", "s.npy").out == "Wrote s.npy: x (7, 8, 8).\n"
    drawn = np.load("s.npy")
    assert drawn.shape == (7, 8, 8)
    assert ((drawn >= 0) & (drawn <= 16) & (drawn == np.round(drawn))).all()
    assert run("sample", trained, "-n", "7", "-o", "s.png").code == 0
    assert Path("s.png").read_bytes().startswith(b"\x89PNG")
    assert run("reconstruct", trained, "-o", "r.npz").out == (
        "Wrote r.npz: x (180, 8, 8), of the test rows in the order of their file.\n"
    )
    with np.load("r.npz", allow_pickle=False) as arrays:
        assert arrays["x"].shape == (180, 8, 8)
    assert run("encode", trained, "--split", "valid", "-o", "z.csv").out == (
        "Wrote z.csv: z (180, 2), of the valid rows in the order of their file.\n"
    )
    head, *rows = csv.reader(Path("z.csv").read_text().splitlines())
    assert head == ["row", "z[0]", "z[1]"]
    numbers = [int(row[0]) for row in rows]
    assert numbers == sorted(numbers)
    assert run("encode", trained, "--split", "valid", "-o", "z.npy").code == 0
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], np.float32), np.load("z.npy"))


def test_a_run_is_drawn_and_explained(run, trained):
    assert run("draw", trained, "-o", "b.svg").out == "Wrote b.svg.\n"
    ElementTree.parse("b.svg")
    said = run("explain", trained).out
    assert "q(z | x) = q(z | x; phi)" in said
    assert "z: KL in closed form" in said


@pytest.mark.parametrize("preset", PRESETS)
def test_a_new_declaration_is_explained_and_drawn(run, preset):
    Path("model.py").write_text(run("new", preset).out)
    assert run("explain", "model.py").code == 0
    assert run("draw", "model.py:vae", "-o", "b.svg").code == 0


def test_an_edited_preset_trains_and_is_reloaded_on_the_user_s_word(run):
    text = run("new", "mlp", "--shape", "8x8", "--likelihood", "beta-binomial", "--levels", "17", "--hidden", "4").out
    Path("mine.py").write_text(text.replace("def vae(key):", "def other(key):"))
    done = run("fit", "digits", "--model", "mine.py:other", "--epochs", "1", "--out", "mine")
    assert done.code == 0, done.err
    assert "Model: other of mine.py." in done.out
    refused = run("evaluate", "mine", "-K", "2")
    assert refused.code == 2
    assert refused.err == (
        "`mine/model.py` is not what a preset writes, so it is run only on your word: code in it could do anything "
        "that you can. Read it, then say `--trust-run-model`, or pass a file of your own: `--model FILE.py:other`.\n"
    )
    assert run("evaluate", "mine", "-K", "2", "--trust-run-model").code == 0
    assert run("evaluate", "mine", "-K", "2", "--model", "mine.py:other").code == 0


def test_a_report_is_written_anew(run, trained):
    before = (trained / "report.html").read_text()
    scores = (trained / "scores.json").read_text()
    (trained / "report.html").unlink()
    done = run("report", trained)
    assert done.code == 0, done.err
    assert (trained / "scores.json").read_text() == scores
    assert (trained / "report.html").read_text() == before


def test_force_overwrites_a_run_and_nothing_else(run, trained, tmp_path):
    words = ["fit", "digits", "--epochs", "1", "--hidden", "4", "--latent", "2", "--out", "again"]
    assert run(*words).code == 0
    refused = run(*words)
    assert (refused.code, refused.err) == (
        2,
        "`--out` is again, which exists. Choose another folder, or say `--force` to overwrite that run.\n",
    )
    weights = Path("again/weights.safetensors").read_bytes()
    bad = run(*words, "--force", "--likelihood", "bernoulli")  # found before training: the old run stays
    assert bad.code == 2
    assert Path("again/weights.safetensors").read_bytes() == weights
    assert run(*words, "--force", "--seed", "1").code == 0
    assert Path("again/weights.safetensors").read_bytes() != weights
    Path("again/thesis.tex").write_text("mine")
    refused = run(*words, "--force")
    assert (refused.code, refused.err) == (
        2,
        "`--out` is again, which has `thesis.tex`, so it is not only a run. Choose another folder.\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


@pytest.mark.slow
def test_labels_make_the_semisupervised_preset(run):
    done = run(
        *("fit", "digits", "--model", "semisupervised", "--labeled", "50", "--epochs", "1"),
        *("--hidden", "8", "--latent", "2", "--test", "20", "--valid", "20", "--out", "m2"),
    )
    assert done.code == 0, done.err
    names = [score["name"] for score in json.loads(Path("m2/scores.json").read_text())["scores"]]
    assert names == ["ELBO", "log p(x), IWAE-20", "ELBO with y", "independent pixels"]
    assert "labelled test rows" in Path("m2/report.html").read_text()


def test_a_table_with_gaps_goes_through(run):
    random = np.random.default_rng(0)
    rows = random.normal(5.0, [1.0, 10.0, 100.0], (120, 3)).round(3)
    lines = [
        ",".join("" if random.random() < 0.1 else f"{v}" for v in row) + f",{'ab'[i % 2]}" for i, row in enumerate(rows)
    ]
    Path("t.csv").write_text("\n".join(["height,width,mass,kind", *lines]) + "\n")
    words = ["fit", "t.csv", "--labels", "kind", "--epochs", "2", "--latent", "2", "--hidden", "4", "--out", "t"]
    done = run(*words, "--missing", "nan")
    assert done.code == 0, done.err
    assert "standardize x" in done.out
    assert run("sample", "t", "-n", "200", "-o", "s.csv").code == 0
    head, *drawn = csv.reader(Path("s.csv").read_text().splitlines())
    assert head == ["height", "width", "mass"]
    spread = np.array(drawn, float).std(axis=0)  # samples stand in the units of the file
    assert spread[0] < spread[1] < spread[2]
    assert run("reconstruct", "t", "-o", "r.csv").code == 0
    assert run("encode", "t", "-o", "z.csv", "--data", "t.csv").out == "Wrote z.csv: z (120, 2), of t.csv.\n"


def test_ctrl_c_is_answered_and_leaves_nothing(run, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("lowerbound.cli._fit.train", interrupted)
    done = run("fit", "digits", "--out", "cut")
    assert done.code == 130
    assert done.err == "Interrupted; what was unfinished is removed.\n"
    assert not Path("cut").exists()


def test_no_word_at_all_prints_the_help(run):
    done = run()
    assert done.code == 2
    assert done.err.startswith("Usage: lowerbound")
    assert done.err == done.err.rstrip() + "\n"
    assert "See `lowerbound --help`" not in done.err
