"""What a saved run is asked for: scores, samples, reconstructions, codes, its page."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lowerbound._key import named_key
from lowerbound._suggest import suggest
from lowerbound.cli._output import check_output, write_rows
from lowerbound.cli._page import write_page
from lowerbound.cli._table import print_scores, said
from lowerbound.data import Data
from lowerbound.drawing import is_picture
from lowerbound.evaluation import encode, evaluate, reconstruct, sample
from lowerbound.objective import ELBO, IWAE
from lowerbound.report import Score, evidence, unlabeled
from lowerbound.runs import Keys, RunFolder, SavedRun, read_run, versions
from lowerbound.training import History

#: Samples a datum where `-K` is not given.
DEFAULT_K = {"elbo": 64, "iwae": 1000}


@dataclass(frozen=True)
class RunWords:
    """Which run, and on whose word its model is run."""

    path: Path
    model: str | None
    trust: bool

    def read(self) -> SavedRun:
        """Read the run again."""
        return read_run(self.path, model=self.model, trust=self.trust)


@dataclass(frozen=True)
class RowWords:
    """Which rows: a part of the run's own, or a file."""

    data: str | None
    array: str | None
    labels: str | None
    split: str

    @property
    def words(self) -> str:
        """Say which they are, in the order in which they are written."""
        return f", of {self.data}" if self.data else f", of the {self.split} rows in the order of their file"

    def read(self, run: SavedRun) -> Data:
        """Read them, through the steps of the run."""
        if self.data is not None:
            return run.rows(self.data, array=self.array, labels=self.labels)
        for option, value in (("--array", self.array), ("--labels", self.labels)):
            if value is not None:
                raise ValueError(f"`{option}` goes with `--data FILE`, which is not given.")
        if self.split not in ("train", "valid", "test"):
            raise ValueError(
                f"`--split` is `{self.split}`, but the parts of a run are train, valid and test."
                f"{suggest(self.split, ['train', 'valid', 'test'])}"
            )
        return getattr(run.parts(), self.split)


def evaluate_run(which: RunWords, rows: RowWords, how: str, num_samples: int | None, seed: int | None, as_json: bool):
    """Score rows by a bound, and print it."""
    if how not in DEFAULT_K:
        raise ValueError(f"`--how` is `{how}`, but the estimators are elbo and iwae.{suggest(how, list(DEFAULT_K))}")
    num_samples = num_samples or DEFAULT_K[how]
    bound = ELBO(num_samples) if how == "elbo" else IWAE(num_samples)
    run = which.read()
    data = unlabeled(run.vae, rows.read(run))
    seed = run.seed if seed is None else seed
    estimate = evaluate(run.vae, data, bound, key=named_key(Keys.of(seed).page, "scores"))
    if as_json:
        report = {"run": str(which.path), **said(estimate), "seed": seed, "versions": versions()}
        sys.stdout.write(json.dumps(report, allow_nan=False) + "\n")
        return
    name = "ELBO" if how == "elbo" else f"log {evidence(run.vae, data)}, {bound.name}"
    print_scores([Score(name, estimate, f"seed {seed}")], data)


def sample_run(which: RunWords, out: Path, num: int, seed: int | None) -> None:
    """Draw data from the model, and write them in the units of the raw rows."""
    run = which.read()
    observed = observed_names(run)
    check_output(out, pictures=are_pictures(run, observed))
    key = named_key(Keys.of(run.seed if seed is None else seed).page, "samples")
    drawn = sample(run.vae, num, key=key, inputs=run.inputs(num))
    restored = run.recipe.restore({name: drawn[name] for name in observed})
    write_rows(out, restored, columns=columns_of(run))
    say_written(out, restored)


def reconstruct_run(which: RunWords, rows: RowWords, out: Path, seed: int | None) -> None:
    """Send rows through their latents and back, and write the means in the units of the raw rows."""
    run = which.read()
    observed = observed_names(run)
    check_output(out, pictures=are_pictures(run, observed))
    data = in_file_order(unlabeled(run.vae, rows.read(run)))
    key = named_key(Keys.of(run.seed if seed is None else seed).page, "reconstructions")
    means = reconstruct(run.vae, data, key=key)
    restored = data.restore({name: means[name] for name in observed if name in means})
    write_rows(out, restored, columns=columns_of(run), rows=data.row_ids)
    say_written(out, restored, rows.words)


def encode_run(which: RunWords, rows: RowWords, out: Path, latents: Sequence[str], seed: int | None) -> None:
    """Write the posterior mean of the latents of each row."""
    check_output(out, pictures=False)
    run = which.read()
    data = in_file_order(unlabeled(run.vae, rows.read(run)))
    means = encode(run.vae, data, key=named_key(Keys.of(run.seed if seed is None else seed).page, "codes"))
    for name in latents:
        if name not in means:
            known = ", ".join(f"`{known}`" for known in means)
            raise ValueError(f"`--latent` is `{name}`, but q infers {known}.{suggest(name, list(means))}")
    chosen = {name: means[name] for name in latents or means}
    write_rows(out, chosen, columns={}, rows=data.row_ids)
    say_written(out, chosen, rows.words)


def in_file_order(data: Data) -> Data:
    """Put rows in the order of the file that they were split from, for what is written to be joined to it."""
    return data[np.argsort(data.row_ids)]


def report_run(which: RunWords) -> None:
    """Score the test rows again, and write the page anew."""
    run = which.read()
    parts = run.parts()
    history = read_history(run)
    write_page(RunFolder(run.path), run.vae, history, run.objective, parts, run.config)
    sys.stdout.write(f"Saved in {run.path}; open {run.path / 'report.html'}\n")


def read_history(run: SavedRun) -> History:
    """Read `history.csv` with what `config.json` says of it.

    Raises:
        ValueError: One of them is missing or damaged.
    """
    try:
        trained = run.config["trained"]
        return History.from_csv(
            (run.path / "history.csv").read_text(encoding="utf-8"),
            best_step=int(trained["best_step"]),
            steps_per_epoch=int(trained["steps_per_epoch"]),
            stopped=str(trained["stopped"]),
        )
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"`{run.path / 'history.csv'}` cannot be read again: {error}. Was the run trained?") from error


def observed_names(run: SavedRun) -> list[str]:
    """List what the rows of a run name and p has a density of, labels excepted."""
    return [name for name in run.recipe.arrays if name in run.vae.graph.p and name != "y"]


def are_pictures(run: SavedRun, names: Sequence[str]) -> bool:
    """Say whether the rows are pictures that a PNG can show."""
    return len(names) == 1 and is_picture(run.recipe.arrays[names[0]][1])


def columns_of(run: SavedRun) -> dict[str, tuple[str, ...]]:
    """Return the names of the columns, where the rows came from a table."""
    columns = tuple(str(name) for name in run.config["data"].get("columns", ()))
    return {"x": columns} if columns else {}


def say_written(out: Path, arrays: dict[str, np.ndarray], rows: str = "") -> None:
    """Say what a file holds."""
    held = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    sys.stdout.write(f"Wrote {out}: {held}{rows}.\n")
