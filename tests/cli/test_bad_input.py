"""Bad input to `fit` and its kin: one sentence, exit code 2, nothing written."""

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (40, 4, 4)).astype(np.uint8)
REAL = RANDOM.normal(size=(40, 3))


def with_one(value, row=7, column=1):
    rows = REAL.copy()
    rows[row, column] = value
    return rows


def idx(array: np.ndarray, shape=None) -> bytes:
    shape = array.shape if shape is None else shape
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}i", *shape) + array.tobytes()


def write_files() -> None:
    """Write all files that the commands below name into the folder that they run in."""
    np.save("grey.npy", GREY)
    np.save("real.npy", REAL)
    np.save("nan.npy", with_one(np.nan))
    np.save("inf.npy", with_one(np.inf))
    np.save(
        "far.npy", np.concatenate([np.zeros((9000, 3)) + REAL[:1], with_one(1e9)])[:, :] + RANDOM.normal(size=(9040, 3))
    )
    np.save("one.npy", REAL[:1])
    np.save("empty.npy", REAL[:0])
    np.save("complex.npy", REAL + 1j)
    np.save("objects.npy", np.array([{}, 1], object), allow_pickle=True)
    np.save("constant.npy", np.where(np.arange(3) == 1, 5.0, REAL))
    np.save("wide.npy", RANDOM.normal(size=(40, 5)))
    np.save("counts.npy", RANDOM.integers(0, 17, (40, 3)))
    np.save("more.npy", np.full((5, 3), 40))
    np.save("minus.npy", GREY.astype(np.int64) - 10)
    Path("cut.npy").write_bytes(Path("real.npy").read_bytes()[:-9])
    np.savez("many.npz", a=REAL, b=GREY, c=REAL)
    np.savez("one.npz", a=REAL)
    Path("cut-idx3-ubyte.gz").write_bytes(gzip.compress(idx(GREY)[:-3]))
    Path("lying-idx3-ubyte").write_bytes(idx(GREY, (60000, 28, 28)))
    Path("ragged.csv").write_text("a,b\n1,2\n3\n5,6\n")
    Path("text.csv").write_text("a,kind\n1,cat\n2,dog\n3,cat\n")
    Path("gap.csv").write_text("a,b\n" + "".join(f"{i},{i * i % 7 + 0.5}\n" for i in range(30)) + "3,\n")
    Path("constant.csv").write_text("a,b\n" + "".join(f"{i + 0.5},5\n" for i in range(30)))
    Path("empty.csv").write_text("")
    Path("words.txt").write_text("hello there\n")
    Path("in-the-way").write_text("")
    Path("broken.py").write_text("vae = \n")
    Path("fails.py").write_text("import lowerbound as lb\nvae = lb.Joint(z=undefined)\n")
    Path("other.py").write_text("model = 3\n")


#: Words after `fit`, and what is said.
MISTAKES = {
    "a missing file": (["images.npy"], r"There is no file `images\.npy`\..*"),
    "a near miss": (["gray.npy"], r"There is no file `gray\.npy`.*Did you mean `grey\.npy`\?.*"),
    "an unknown name": (
        ["digts"],
        r"There is no file `digts`, and no embedded data of that name; there are `digits`\. Did you mean `digits`\?",
    ),
    "nan": (
        ["nan.npy"],
        r"`x` is nan in row 7, column 1; 1 of its 120 entries are not finite\. If they are missing, say so first: "
        r"`\.missing\(\)`, `--missing nan` in the command line; else correct or drop those rows\.",
    ),
    "inf": (["inf.npy"], r"`x` is inf in row 7, column 1; .*`--missing inf` in the command line.*"),
    "a gap": (["gap.csv"], r"`x` is nan in row 30, column 1 \(`b`\); 1 of its 62 entries .*`--missing nan`.*"),
    "an outlier": (["far.npy"], r"`x` is 1e\+09 in row 9007, column 1, .*`--allow-outliers` in the command line\."),
    "empty": (["empty.npy"], r"`empty\.npy` .*"),
    "one row": (
        ["one.npy"],
        r"`one\.npy` has 1 row, but some are needed to train on, some to choose the best state by, and some to test "
        r"on\.",
    ),
    "a constant column": (
        ["constant.npy"],
        r"`x` has the one value 5 in all 32 rows of column 1, where a Normal's density has no maximum\. Leave the "
        r"column out; or, if the rows are pictures, give their shape, `--shape HEIGHTxWIDTH`\.",
    ),
    "a constant column with a name": (
        ["constant.csv"],
        r"`x` has the one value 5 in all 24 rows of column 1 \(`b`\), .*Leave the column out: `--drop b`\.",
    ),
    "complex numbers": (["complex.npy"], r"`complex\.npy` .*complex128.*"),
    "a pickle": (["objects.npy"], r"`objects\.npy` holds Python objects.*"),
    "a cut .npy": (["cut.npy"], r"`cut\.npy` .*"),
    "a cut IDX": (["cut-idx3-ubyte.gz"], r"`cut-idx3-ubyte\.gz` .*"),
    "a lying IDX": (["lying-idx3-ubyte"], r"`lying-idx3-ubyte` .*60000.*"),
    "several arrays": (["many.npz"], r"`many\.npz` holds 3 arrays, `a`, `b` and `c`\. .*`--array a`.*"),
    "an unknown array": (["many.npz", "--array", "d"], r"`d` is no array of `many\.npz`, which has `a`, `b` and `c`\."),
    "ragged": (["ragged.csv"], r"`ragged\.csv` .*line 3.*"),
    "text": (["text.csv"], r'`text\.csv` has "cat" in line 2, column `kind`, .*`--labels kind`.*`--drop kind`.*'),
    "an empty file": (["empty.csv"], r"`empty\.csv` .*empty.*"),
    "no data at all": (["words.txt"], r"`words\.txt` .*"),
    "a folder": (["."], r"`\.` is a folder.*"),
    "greys under a Bernoulli": (
        ["grey.npy", "--likelihood", "bernoulli"],
        r"`x` holds grey levels, whole numbers from \d+ to \d+, which a Bernoulli gives no mass\. Binarise them, "
        r"`--binarize stochastic`, or choose `--likelihood logistic`\.",
    ),
    "reals under a mass": (
        ["real.npy", "--likelihood", "beta-binomial"],
        r"`x` holds real numbers .*`--likelihood normal`\.",
    ),
    "an unknown likelihood": (
        ["real.npy", "--likelihood", "gaussian"],
        r"`gaussian` is no likelihood; there are .*Did you mean `normal`\?",
    ),
    "an unknown binarization": (
        ["grey.npy", "--binarize", "dynamic"],
        r"`--binarize` is `dynamic`; stochastic, fixed or threshold was needed\. Did you mean `stochastic`\?",
    ),
    "reals binarized": (
        ["real.npy", "--binarize", "fixed"],
        r"`x` runs from -\S+ to \S+, but `binarize` takes 0 to 1\. .*",
    ),
    "two things at once": (
        ["grey.npy", "--binarize", "fixed", "--dequantize", "256"],
        r"`--binarize` makes bits and `--dequantize` reals\. Choose one of them\.",
    ),
    "negative levels": (["minus.npy", "--dequantize", "256"], r"`x` runs from -10 to .*"),
    "an unknown preset": (["grey.npy", "--model", "mpl"], r"`mpl` is no preset; there are .*Did you mean `mlp`\?"),
    "conv of a table": (
        ["real.npy", "--model", "conv"],
        r"`x` has rows of shape \(3,\), but conv needs .*`--shape .*`\.",
    ),
    "a ladder with one rung": (
        ["grey.npy", "--model", "ladder", "--latent", "8"],
        r"ladder has two or three latents, .*",
    ),
    "no labels": (
        ["grey.npy", "--model", "semisupervised"],
        r"semisupervised has 0 classes; labels `y` of 2 classes .*",
    ),
    "sizes that are none": (
        ["grey.npy", "--hidden", "400x200"],
        r"`--hidden` is `400x200`; whole numbers from 1 up were needed, such as 400 or 400,200\.",
    ),
    "a shape that is none": (
        ["grey.npy", "--shape", "28by28"],
        r"`--shape` is `28by28`; whole numbers with an x between were needed, such as 28x28\.",
    ),
    "a shape that does not fit": (
        ["grey.npy", "--shape", "5x5"],
        r"`--shape` is \(5, 5\), which is 25 numbers, but a row of `x` has shape \(4, 4\), which is 16\.",
    ),
    "a part that is none": (
        ["grey.npy", "--test", "most"],
        r"`--test` is `most`, which is no file; a file was needed, a fraction such as 0\.1, or a number of rows\.",
    ),
    "a part that cannot be": (
        ["grey.npy", "--valid", "1.5"],
        r"`--valid` is `1\.5`; a fraction between 0 and 1, a number of rows, or a file was needed\.",
    ),
    "a part that is too large": (
        ["grey.npy", "--test", "60"],
        r"4 rows for `valid` and 60 for `test` leave none of 40 .*",
    ),
    "test rows of another shape": (
        ["real.npy", "--test", "wide.npy"],
        r"`wide\.npy` does not go with the training rows: `x` has rows of shape \(5,\), but rows like these have shape "
        r"\(3,\)\.",
    ),
    "test rows of another kind": (
        ["real.npy", "--test", "minus.npy", "--shape", "3"],
        r"`--shape` is \(3,\), which is 3 numbers, but a row of `x` has shape \(4, 4\), which is 16\.",
    ),
    "test labels without a file": (
        ["grey.npy", "--test", "0.2", "--test-labels", "real.npy"],
        r"`--test-labels` goes with `--test FILE`, but `--test` is `0\.2`\. Leave it out\.",
    ),
    "labels of other rows": (["grey.npy", "--labels", "one.npy"], r".*`one\.npy`.*"),
    "a marker that is none": (
        ["real.npy", "--missing", "none"],
        r"`--missing` is `none`; what stands for a gap was needed: nan, or a number such as -999\.",
    ),
    "a marker that never occurs": (
        ["real.npy", "--missing", "-999"],
        r"`--missing` is -999, but no entry is that\. Give the number that stands for a gap, or nan where gaps are "
        r"empty\.",
    ),
    "test rows out of range": (
        ["counts.npy", "--test", "more.npy"],
        r"`x\[0\]` is 40 in row 0, which is outside of the support of its likelihood, BetaBinomial: .*",
    ),
    "a step size of 0": (["grey.npy", "--lr", "0"], r"`--lr` is 0; a positive number was needed, such as 0\.002\."),
    "a negative seed": (["grey.npy", "--seed", "-1"], r"`--seed` is -1; a whole number from 0 up was needed\."),
    "an unknown option": (
        ["grey.npy", "--learning-rte", "1"],
        r"`--learning-rte` is no option of `fit`\. Did you mean `--lr`\?",
    ),
    "a synonym": (
        ["grey.npy", "--batch-size", "8"],
        r"`--batch-size` is no option of `fit`\. Did you mean `--batch`\?",
    ),
    "no number": (["grey.npy", "--epochs", "x"], r"Invalid value for '--epochs'.* See `lowerbound fit --help`\."),
    "no data": ([], r"Missing argument 'DATA'\. See `lowerbound fit --help`\."),
    "a folder in the way": (
        ["grey.npy", "--out", "in-the-way/run"],
        r"`--out` is in-the-way/run, which cannot be written: .*\. Choose another\.",
    ),
    "a file in the way": (["grey.npy", "--out", "in-the-way"], r"`--out` is in-the-way, which exists .*"),
    "no such model": (["grey.npy", "--model", "none.py:vae"], r"`none\.py` cannot be read: it does not exist\. .*"),
    "a model that is no Python": (
        ["grey.npy", "--model", "broken.py"],
        r"`broken\.py` is not valid Python: line 1: .*",
    ),
    "a model that fails": (
        ["grey.npy", "--model", "fails.py"],
        r"`fails\.py`, line 2: NameError: name 'undefined' is not defined",
    ),
    "a model of another name": (
        ["grey.npy", "--model", "other.py:modle"],
        r"`other\.py` has no `modle`\. Did you mean `model`\? A model is a `VAE`, or a function of a key that makes "
        r"one\.",
    ),
    "no model": (
        ["grey.npy", "--model", "other.py:model"],
        r"`model` in `other\.py` is of type int; a `VAE` was needed, or .*",
    ),
    "a size for a file": (
        ["grey.npy", "--model", "other.py", "--latent", "3"],
        r"`--latent` is about presets, but `--model` is `other\.py`\. Say it in that file\.",
    ),
    "labels counted where there are none": (
        ["grey.npy", "--labeled", "3"],
        r"`--labeled` counts labels, but these rows have none\. Name them: `--labels`\.",
    ),
    "options of files for embedded data": (
        ["digits", "--drop", "x"],
        r"`--drop` is about files, but `digits` is embedded, with its labels\. Leave it out\.",
    ),
    "arrays of a file that has none": (
        ["real.npy", "--array", "a"],
        r'`array` is "a", but `real\.npy` is an \.npy file, .*',
    ),
    "standardized bits": (
        ["grey.npy", "--binarize", "fixed", "--standardize"],
        r"`--standardize` makes reals of `x`, but its likelihood is bernoulli\. Leave it out, or choose .*",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_sentence_and_leaves_nothing(run, tmp_path, name):
    words, pattern = MISTAKES[name]
    write_files()
    before = sorted(tmp_path.rglob("*"))
    done = run("fit", *words)
    assert re.fullmatch(pattern + r"\n", done.err), done.err
    assert done.code == 2
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before


#: Words of other commands, RUN standing for a run.
OTHERS = {
    "no run": (["evaluate", "nowhere"], r"There is no folder `nowhere`\. A run was needed, such as `runs/digits-1`\."),
    "a folder that is no run": (["evaluate", "."], r"`\.` has no `config\.json`, so it is no run\."),
    "an unknown estimator": (
        ["evaluate", "RUN", "--how", "iwea"],
        r"`--how` is `iwea`, but the estimators are elbo and iwae\. Did you mean `iwae`\?",
    ),
    "an unknown part": (
        ["evaluate", "RUN", "--split", "validation"],
        r"`--split` is `validation`, but the parts of a run are train, valid and test\. Did you mean `valid`\?",
    ),
    "an array of no file": (
        ["evaluate", "RUN", "--array", "a"],
        r"`--array` goes with `--data FILE`, which is not given\.",
    ),
    "other rows": (
        ["evaluate", "RUN", "--data", "real.npy"],
        r"`real\.npy` does not go with the training rows: `x` has rows of shape .*",
    ),
    "an ending that is none": (
        ["sample", "RUN", "-o", "s.jpg"],
        r"`--out` is s\.jpg; a file that ends in \.npy or \.npz or \.csv or \.png was needed\.",
    ),
    "a folder that is not there": (
        ["reconstruct", "RUN", "-o", "figures/r.png"],
        r"`--out` is figures/r\.png, but there is no folder `figures`\. Make it first\.",
    ),
    "codes as a picture": (["encode", "RUN", "-o", "z.png"], r"`--out` is z\.png; .* The rows are no pictures; .*"),
    "an unknown latent": (["encode", "RUN", "-o", "z.npy", "--latent", "w"], r"`--latent` is `w`, but q infers `z`\."),
    "an unknown view": (
        ["draw", "RUN", "-o", "b.svg", "--view", "bayes"],
        r"`view` is 'bayes', but the view that exists .*",
    ),
    "a picture of another kind": (
        ["draw", "RUN", "-o", "b.gif"],
        r"`--out` is b\.gif; a file that ends in \.svg was needed\.",
    ),
    "an unknown preset": (["new", "mpl"], r"`mpl` is no preset; .*Did you mean `mlp`\?"),
    "an unknown likelihood": (
        ["new", "mlp", "--likelihood", "gauss"],
        r"`--likelihood` is `gauss`, but there are bernoulli, .*",
    ),
    "an unknown command": (["fitt"], r"No such command 'fitt'.*"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_so_it_is_with_the_other_commands(run, trained, tmp_path, name):
    words, pattern = OTHERS[name]
    np.save("real.npy", REAL)
    before = sorted(tmp_path.rglob("*"))
    done = run(*(trained if word == "RUN" else word for word in words))
    assert re.fullmatch(pattern + r"\n", done.err), done.err
    assert done.code == 2
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failed_run_says_so_and_keeps_what_it_has(run):
    np.save("real.npy", REAL)
    done = run("fit", "real.npy", "--lr", "1e30", "--epochs", "3", "--hidden", "4", "--out", "bad")
    assert done.code == 1
    assert done.err.startswith("The run stopped before step ")
    assert Path("bad/weights.safetensors").is_file()
    assert Path("bad/history.csv").is_file()
