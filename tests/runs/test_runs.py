"""A run's folder is read again as it was, and nothing in it is run or believed unasked."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.data import Data
from lowerbound.presets import Likelihood, Preset
from lowerbound.runs import (
    Keys,
    Preparation,
    RunFolder,
    Source,
    next_free,
    read_model,
    read_run,
    run_model,
    training_sets,
    versions,
)

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(3.0, 10.0, (60, 3))
PRESET = Preset.of("mlp", (3,), Likelihood("normal"), latent=(2,), hidden=(4,))
KEY = jax.random.key(0)


@pytest.fixture
def saved(tmp_path) -> Path:
    """A run in a folder, from a file beside it."""
    np.save(tmp_path / "rows.npy", ROWS)
    preparation = Preparation(Source(str(tmp_path / "rows.npy")), 0.2, 0.2, seed=3, standardize=True)
    parts = preparation.split(preparation.read())
    declared = run_model(PRESET.write(), Path("model.py"), "vae", key=KEY)
    config = {
        "command": ["fit"],
        "versions": versions(),
        "seed": 3,
        "model": {"name": "vae", "file": "model.py", "preset": PRESET.to_json()},
        "training": {"objective": "ELBO"},
        "data": {
            "preparation": preparation.to_json(),
            "recipe": parts.train.recipe.to_json(),
            "fingerprints": {name: part.fingerprint for name, part in parts._asdict().items()},
            "columns": [],
            "classes": [],
        },
    }
    with RunFolder.claimed(tmp_path / "run") as folder:
        folder.begin(declared, config)
        run = lb.fit(declared.vae, parts.train, lb.ELBO(), steps=3, key=KEY, progress=False)
        folder.end(run, config)
    return tmp_path / "run"


def test_a_run_scores_the_same_when_read_again(saved):
    run = read_run(saved)
    test = run.parts().test
    preparation = Preparation(Source(str(saved.parent / "rows.npy")), 0.2, 0.2, seed=3, standardize=True)
    same = preparation.split(preparation.read()).test
    declared = run_model(PRESET.write(), Path("model.py"), "vae", key=KEY)
    again = lb.fit(
        declared.vae, preparation.split(preparation.read()).train, lb.ELBO(), steps=3, key=KEY, progress=False
    )
    one = lb.evaluate(run.vae, test, lb.ELBO(4), key=KEY)
    other = lb.evaluate(again.vae, same, lb.ELBO(4), key=KEY)
    np.testing.assert_array_equal(one.values, other.values)


def test_rows_of_a_file_go_through_the_training_rows_statistics(saved, tmp_path):
    np.save(tmp_path / "new.npy", ROWS[:5])
    run = read_run(saved)
    train = run.parts().train
    new = run.rows(str(tmp_path / "new.npy"))
    np.testing.assert_array_equal(new.prepared(KEY)["x"], train.like(x=ROWS[:5]).prepared(KEY)["x"])


HOSTILE = "import pathlib\npathlib.Path('owned').write_text('')\n"


def test_a_model_file_that_no_preset_writes_is_not_run(saved, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (saved / "model.py").write_text(HOSTILE + PRESET.write())
    with pytest.raises(ValueError) as refusal:
        read_run(saved)
    assert str(refusal.value) == (
        f"`{saved / 'model.py'}` is not what a preset writes, so it is run only on your word: code in it could do "
        "anything that you can. Read it, then say `--trust-run-model`, or pass a file of your own: "
        "`--model FILE.py:vae`."
    )
    assert not (tmp_path / "owned").exists()
    read_run(saved, trust=True)
    assert (tmp_path / "owned").exists()


def test_another_preset_in_the_configuration_does_not_vouch_for_it(saved):
    config = json.loads((saved / "config.json").read_text())
    config["model"]["preset"]["latent"] = [5]
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="is not what a preset writes"):
        read_run(saved)


def test_text_in_a_preset_never_becomes_code(saved):
    config = json.loads((saved / "config.json").read_text())
    config["model"]["preset"]["name"] = "mlp\nimport os"
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="is no preset"):
        read_run(saved)


def test_a_declaration_that_has_changed_is_refused(saved, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(PRESET.write().replace("Normal(jnp.zeros(2), 1.0)", "Normal(jnp.zeros(2), 2.0)"))
    with pytest.raises(ValueError) as refusal:
        read_run(saved, model=f"{mine}:vae")
    assert str(refusal.value) == (
        f"`{mine}` is not what `{saved}` was trained with: `z` has changed. Bring the old declaration back, or train "
        f"this one: `lowerbound fit DATA --model {mine}:vae`."
    )
    mine.write_text("# A remark changes nothing.\n" + PRESET.write())
    read_run(saved, model=f"{mine}:vae")


def test_rows_that_have_changed_are_refused(saved, tmp_path):
    np.save(tmp_path / "rows.npy", ROWS + 1)
    run = read_run(saved)
    with pytest.raises(
        ValueError, match=r"^The train rows of .* are not those that it was made with: their fingerprint"
    ):
        run.parts()
    (tmp_path / "rows.npy").unlink()
    with pytest.raises(ValueError, match=r"^The rows of .* cannot be read again: There is no file .*`--data FILE`\.$"):
        run.parts()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "`{path}` is damaged: Expecting property name"),
        ("config.json", "[1]", "`{path}` is damaged: it is a list."),
        ("config.json", '{"format": 2}', "`{path}` is of format 2; this version reads 1."),
        ("config.json", '{"format": 1}', "`{path}` is damaged: KeyError('command')."),
        ("graph.json", '{"names": 3}', "`{path}` is damaged: it has no names."),
        ("weights.safetensors", "", "`{path}` cannot be read as weights: "),
        ("model.py", None, "`{path}` cannot be read: "),
        ("graph.json", None, "`{folder}` has no `graph.json`, so it is no run."),
        ("weights.safetensors", None, "There is no file `{path}`. Was this run trained to its end?"),
    ],
)
def test_a_damaged_run_is_refused(saved, name, content, message):
    path = saved / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError) as refusal:
        read_run(saved)
    assert str(refusal.value).startswith(message.replace("{path}", str(path)).replace("{folder}", str(saved)))


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyboardInterrupt])
def test_a_training_that_ends_early_leaves_the_old_run(saved, error):
    before = {path.name: path.read_bytes() for path in saved.iterdir() if path.is_file()}

    with pytest.raises(error), RunFolder.claimed(saved, force=True):
        raise error("the data do not fit")
    assert {path.name: path.read_bytes() for path in saved.iterdir() if path.is_file()} == before
    assert [path.name for path in saved.parent.iterdir() if path.name.startswith(".")] == []


def test_a_run_that_was_set_aside_when_its_process_died_comes_back(saved):
    """Killed while it overwrote a run: the old one stands beside the new one, which has no weights."""
    (saved / "weights.safetensors").rename(saved.parent / "kept")
    aside = saved.with_name(".run.replaced")
    aside.mkdir()
    (aside / "config.json").write_text("the old run")
    (saved.parent / "kept").rename(aside / "weights.safetensors")
    with pytest.raises(RuntimeError), RunFolder.claimed(saved, force=True):
        raise RuntimeError
    assert (saved / "config.json").read_text() == "the old run"
    assert not aside.exists()


def test_a_link_to_a_run_is_followed(saved):
    link = saved.with_name("link")
    link.symlink_to(saved)
    with RunFolder.claimed(link, force=True) as folder:
        folder.write("weights.safetensors", b"new")
    assert (saved / "weights.safetensors").read_bytes() == b"new"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["link", "rows.npy", "run"]


def test_the_code_of_another_python_is_not_believed(saved, tmp_path):
    graph = json.loads((saved / "graph.json").read_text())
    (saved / "graph.json").write_text(json.dumps(graph | {"python": "3.99"}))
    read_run(saved)  # its model.py is the one that was trained, byte for byte
    mine = tmp_path / "mine.py"
    mine.write_text(PRESET.write() + "# edited\n")
    with pytest.raises(ValueError, match=r"was trained under Python 3\.99, whose code this Python, .*, cannot compare"):
        read_run(saved, model=f"{mine}:vae")


def test_another_objective_is_refused(saved, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(PRESET.write() + "objective = lb.IWAE(5)\n")
    with pytest.raises(ValueError) as refusal:
        read_run(saved, model=f"{mine}:vae")
    assert str(refusal.value) == (
        f"`{mine}` says IWAE-5, but `{saved}` was trained by ELBO. Bring the old declaration back, or train again."
    )


def test_the_next_free_folder_is_taken(tmp_path):
    assert next_free(tmp_path / "runs", "digits").name == "digits-1"
    for name in ("digits-1", "digits-9", "digits-x", "other-12"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert next_free(tmp_path / "runs", "digits").name == "digits-10"


def test_a_model_file_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside_it.py").write_text("HIDDEN = (4,)\n")
    text = PRESET.write().replace("hidden=(4,)", "hidden=HIDDEN")
    (tmp_path / "mine.py").write_text("from beside_it import HIDDEN\n" + text)
    declared = read_model(f"{tmp_path / 'mine.py'}", key=KEY)
    assert declared.vae.graph.shape("z") == (2,)
    assert declared.objective == lb.ELBO()
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    "preparation",
    [
        Preparation(Source("digits"), 0.1, 5, seed=1),
        Preparation(Source("a.csv", labels="kind", drop=("id",)), Source("b.csv"), 0.2, seed=0, missing=float("inf")),
        Preparation(
            Source("a.npz", arrays=(("x", "images"),), shape=(28, 28)), 100, Source("c"), seed=2, binarize="fixed"
        ),
    ],
)
def test_a_preparation_survives_json(preparation):
    assert Preparation.from_json(json.loads(json.dumps(preparation.to_json(), allow_nan=False))) == preparation


def test_labels_that_are_words_are_counted_as_the_training_rows_count_them(tmp_path):
    (tmp_path / "a.csv").write_text("v,kind\n" + "".join(f"{i}.5,{('cat', 'dog', 'emu')[i % 3]}\n" for i in range(30)))
    (tmp_path / "b.csv").write_text("v,kind\n1.5,emu\n2.5,\n3.5,dog\n")  # alone, dog would be 0 and emu 1
    source = Source(str(tmp_path / "a.csv"), labels="kind")
    preparation = Preparation(source, 0.2, source.other(str(tmp_path / "b.csv")), seed=0)
    parts = preparation.split(preparation.read())
    np.testing.assert_array_equal(parts.test["y"], [2, -1, 1])
    (tmp_path / "b.csv").write_text("v,kind\n1.5,emus\n")
    with pytest.raises(ValueError) as refusal:
        preparation.split(preparation.read())
    path = tmp_path / "b.csv"
    assert str(refusal.value) == f"`{path}` has the label `emus`, which no training row has. Did you mean `emu`?"


def write_table(path, columns, rows):
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")


def test_columns_go_by_their_names(tmp_path):
    rows = [[i + 0.5, 100.5 + i, i % 2] for i in range(30)]
    write_table(tmp_path / "a.csv", ["a", "b", "kind"], rows)
    write_table(tmp_path / "b.csv", ["kind", "b", "extra", "a"], [[kind, b, "text", a] for a, b, kind in rows])
    source = Source(str(tmp_path / "a.csv"), labels="kind")
    other = source.other(str(tmp_path / "b.csv"), columns=("a", "b"))
    preparation = Preparation(source, 0.2, other, seed=0, standardize=True)
    parts = preparation.split(preparation.read())
    np.testing.assert_array_equal(parts.test["x"], [[a, b] for a, b, _ in rows])
    write_table(tmp_path / "b.csv", ["a", "c"], [[1.5, 2.5]])
    with pytest.raises(ValueError) as refusal:
        source.other(str(tmp_path / "b.csv"), columns=("a", "b"))
    assert str(refusal.value) == f"`{tmp_path / 'b.csv'}` has no column `b`, which the training rows have."


def test_rows_of_whole_numbers_and_without_labels_go_with_reals_that_have_some(tmp_path):
    write_table(tmp_path / "a.csv", ["a", "b", "kind"], [[i + 0.5, i, i % 2] for i in range(30)])
    write_table(tmp_path / "b.csv", ["a", "b"], [[1, 2], [3, 4]])
    source = Source(str(tmp_path / "a.csv"), labels="kind")
    preparation = Preparation(source, 0.2, source.other(str(tmp_path / "b.csv")), seed=0, standardize=True)
    parts = preparation.split(preparation.read())
    assert parts.test.names == ("x",)
    np.testing.assert_array_equal(parts.test["x"], [[1.0, 2.0], [3.0, 4.0]])


def test_words_of_an_npz_with_several_arrays_are_numbered_alike(tmp_path):
    rows = np.arange(24.0).reshape(12, 2)
    np.savez(tmp_path / "a.npz", u=rows, v=-rows, kind=np.array(["ant", "bee", "cat"] * 4))
    np.savez(tmp_path / "b.npz", u=rows[:4], v=rows[:4], kind=np.array(["bee", "cat", "cat", "bee"]))
    source = Source(str(tmp_path / "a.npz"), arrays=(("u", "u"), ("v", "v")), labels="kind", shape=(2, 1))
    preparation = Preparation(source, 0.2, source.other(str(tmp_path / "b.npz")), seed=0)
    parts = preparation.split(preparation.read())
    np.testing.assert_array_equal(parts.test["y"], [1, 2, 2, 1])
    assert parts.train["v"].shape[1:] == (2, 1)


def test_a_folder_named_like_embedded_data_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert Source("digits").is_embedded
    assert len(Source("digits").read()) == 1797


def test_labels_are_used_evenly_and_the_rest_without():
    vae = run_model(
        Preset.of("semisupervised", (3,), Likelihood("normal"), latent=(2,), hidden=(4,), classes=3).write(),
        Path("model.py"),
        "vae",
        key=KEY,
    ).vae
    labels = np.repeat([0, 1, 2, -1], [40, 10, 6, 4])
    data = Data(x=ROWS, y=labels)
    labeled, rest = training_sets(vae, data, 12, key=KEY)
    assert np.bincount(labeled["y"]).tolist() == [4, 4, 4]
    assert rest.names == ("x",)
    assert len(labeled) + len(rest) == 60
    assert not set(labeled.row_ids) & set(rest.row_ids)
    everything, unknown = training_sets(vae, data, key=KEY)
    assert (len(everything), len(unknown)) == (56, 4)
    with pytest.raises(ValueError) as refusal:
        training_sets(vae, data, 57, key=KEY)
    assert str(refusal.value) == "`--labeled` is 57, but 56 of the training rows have a label."


def test_the_keys_of_a_run_follow_from_its_seed():
    one, other = Keys.of(0), Keys.of(1)
    assert len({jax.random.key_data(key).tobytes() for key in (*one, *other)}) == 8


def test_a_folder_that_cannot_be_claimed_leaves_the_old_run(saved, monkeypatch):
    def refused(out):
        raise ValueError(f"`out` is {out}, which cannot be written: no space is left.")

    monkeypatch.setattr("lowerbound.runs._folder.claim_folder", refused)
    before = (saved / "weights.safetensors").read_bytes()
    with pytest.raises(ValueError, match="`--out` is"), RunFolder.claimed(saved, force=True):
        pass
    assert (saved / "weights.safetensors").read_bytes() == before
    assert not saved.with_name(".run.replaced").exists()
