"""`lowerbound fit`: rows in; a trained model, its scores and a page out."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optax

from lowerbound._key import named_key
from lowerbound._suggest import suggest
from lowerbound.cli._page import write_page
from lowerbound.cli._words import part
from lowerbound.data import Data, Parts
from lowerbound.objective import ELBO, make_ready
from lowerbound.presets import PRESETS, Likelihood, Preset, check_columns, choose_likelihood
from lowerbound.report import labels_of, unlabeled
from lowerbound.runs import (
    Declared,
    Keys,
    Preparation,
    RunFolder,
    Source,
    next_free,
    read_model,
    run_model,
    training_sets,
    versions,
)
from lowerbound.training import NonFiniteError, Run
from lowerbound.training import fit as train

#: Without `--epochs`: as many as make this many steps, within bounds.
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 3300, 10, 150
#: Without `--batch`: rows of a step, where there are fewer than `MANY` training rows and where there are more.
SMALL_BATCH, LARGE_BATCH, MANY = 64, 128, 10_000
#: Without `--valid`: this fraction of the rows, and at most so many of them.
VALID_FRACTION, MOST_VALID = 0.1, 5000
#: The words of `--binarize`, those of `Data.binarize`.
BINARIZATIONS = ("stochastic", "fixed", "threshold")


@dataclass(frozen=True)
class ModelWords:
    """What the options say of the model."""

    model: str
    latent: tuple[int, ...] | None
    hidden: tuple[int, ...] | None
    components: int | None
    likelihood: str | None


@dataclass(frozen=True)
class TrainingWords:
    """What the options say of the training."""

    epochs: int | None
    batch: int | None
    lr: float
    patience: int | None
    labeled: int | None
    cap_valid: bool


@dataclass(frozen=True)
class Chosen:
    """The model of a run with what led to it."""

    declared: Declared
    preset: Preset | None
    likelihood: Likelihood | None
    preparation: Preparation


def prepare(
    source: Source,
    *,
    test: tuple[str, str | None],
    valid: tuple[str | None, str | None],
    seed: int,
    missing: float | None,
    binarize: str | None,
    dequantize: int | None,
    allow_outliers: bool,
) -> Preparation:
    """Put the options about rows together; `test` and `valid` come with a file of labels.

    Raises:
        ValueError: They do not go together.
    """
    if binarize is not None and binarize not in BINARIZATIONS:
        meant = suggest({"dynamic": "stochastic", "static": "fixed"}.get(binarize, binarize), list(BINARIZATIONS))
        raise ValueError(f"`--binarize` is `{binarize}`; stochastic, fixed or threshold was needed.{meant}")
    if binarize is not None and dequantize is not None:
        raise ValueError("`--binarize` makes bits and `--dequantize` reals. Choose one of them.")
    held_out = VALID_FRACTION if valid[0] is None else part("--valid", valid[0], source, valid[1])
    if valid[0] is None and valid[1] is not None:
        raise ValueError("`--valid-labels` goes with `--valid FILE`, which is not given.")
    return Preparation(
        source=source,
        valid=held_out,
        test=part("--test", test[0], source, test[1]),
        seed=seed,
        missing=missing,
        binarize=binarize,
        dequantize=dequantize,
        allow_outliers=allow_outliers,
    )


def fit(
    preparation: Preparation,
    standardize: bool | None,
    model: ModelWords,
    training: TrainingWords,
    out: Path | None,
    force: bool,
    words: Sequence[str],
) -> None:
    """Train on rows, score those held out, and write the run with its page.

    Raises:
        ValueError: The rows, an option or the folder will not do; nothing is written then.
    """
    keys = Keys.of(preparation.seed)
    if out is not None:
        RunFolder.check(out, force=force)  # before rows are read, which may take long
    whole = preparation.read()
    if training.cap_valid and len(whole) * VALID_FRACTION > MOST_VALID:
        preparation = replace(preparation, valid=MOST_VALID)
    chosen = choose_model(preparation, whole, standardize, model, key=keys.model)
    preparation, declared = chosen.preparation, chosen.declared
    parts = preparation.split(whole)
    if chosen.likelihood is not None and chosen.likelihood.word == "normal":
        check_columns(parts.train, columns=parts.train.columns("x"))
    sets = training_sets(declared.vae, parts.train, training.labeled, key=named_key(keys.fit, "labels"))
    batch = training.batch or (SMALL_BATCH if len(parts.train) < MANY else LARGE_BATCH)
    per_epoch = max(1, len(parts.train) // batch)
    epochs = training.epochs or min(max(math.ceil(STEPS / per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)
    settings = {
        "objective": str(declared.objective.name),
        "optimizer": "adam",
        "lr": training.lr,
        "batch": batch,
        "epochs": epochs,
        "patience": training.patience,
        "labeled": training.labeled,
    }
    name = Path(preparation.source.path).name.split(".")[0] or "run"
    path = next_free(Path("runs"), name) if out is None else out
    config = make_config(words, chosen, parts, settings)
    valid, test = unlabeled(declared.vae, parts.valid), unlabeled(declared.vae, parts.test)
    began = time.monotonic()
    with RunFolder.claimed(path, force=force) as folder:
        # Refused now rather than after training.
        make_ready(declared.vae, test, ELBO())
        if (labels := labels_of(parts.test)) is not None and "y" in declared.vae.graph.p and (labels >= 0).any():
            make_ready(declared.vae, parts.test[np.flatnonzero(labels >= 0)], ELBO())
        folder.begin(declared, config)
        say(described(preparation, parts, chosen, epochs, batch))
        try:
            run = train(
                declared.vae,
                sets,
                declared.objective,
                key=keys.fit,
                optimizer=optax.adam(training.lr),
                batch_size=batch,
                epochs=epochs,
                valid=valid,
                patience=training.patience,
            )
        except NonFiniteError as error:
            folder.end(error.run, config)
            raise
        folder.end(run, config)
    seconds = time.monotonic() - began
    write_page(folder, run.vae, run.history, declared.objective, parts, folder.config())
    say(ending(run, seconds, preparation.seed, folder))


def choose_model(
    preparation: Preparation, whole: Data, standardize: bool | None, words: ModelWords, *, key: Any
) -> Chosen:
    """Read the model's file; or choose a likelihood for the rows, write a preset, and run that file.

    Raises:
        ValueError: There is no such model, or it does not go with the rows.
    """
    if words.model not in PRESETS:
        if not words.model.partition(":")[0].endswith(".py"):
            Preset.of(words.model, (1,), Likelihood("normal"))  # refuses the word
        for option, given in (
            ("--latent", words.latent),
            ("--hidden", words.hidden),
            ("--components", words.components),
            ("--likelihood", words.likelihood),
        ):
            if given is not None:
                raise ValueError(f"`{option}` is about presets, but `--model` is `{words.model}`. Say it in that file.")
        declared = read_model(words.model, key=key)
        return Chosen(declared, None, None, replace(preparation, standardize=bool(standardize)))
    if "x" not in whole:
        raise ValueError(f"A preset models `x`, but the rows are {whole.names}. Give one array: `--array ARRAY`.")
    likelihood = choose_likelihood(whole, asked=words.likelihood)
    wants = likelihood.word == "normal" if standardize is None else standardize
    if wants and likelihood.word != "normal":
        raise ValueError(
            f"`--standardize` makes reals of `x`, but its likelihood is {likelihood.word}. Leave it out, or choose "
            "`--likelihood normal`."
        )
    preset = Preset.of(
        words.model,
        whole["x"].shape[1:],
        likelihood,
        latent=words.latent,
        hidden=words.hidden,
        components=words.components,
        classes=num_classes(whole) if words.model == "semisupervised" else 0,
        masked=preparation.missing is not None,
    )
    declared = run_model(preset.write(), Path("model.py"), "vae", key=key)
    return Chosen(declared, preset, likelihood, replace(preparation, standardize=wants))


def num_classes(data: Data) -> int:
    """Count the classes of the labels `y`; 0 where there are no labels."""
    if "y" not in data:
        return 0
    return len(data.classes) or int(data["y"].max()) + 1


def make_config(words: Sequence[str], chosen: Chosen, parts: Parts, settings: dict) -> dict[str, Any]:
    """Collect everything that a number of the run depends on."""
    preparation = chosen.preparation.absolute()
    model: dict[str, Any] = {"name": chosen.declared.name, "file": chosen.declared.path.name}
    if chosen.preset is not None:
        model["preset"] = chosen.preset.to_json()
    if chosen.likelihood is not None:
        model["likelihood"] = chosen.likelihood.reason
    return {
        "command": list(words),
        "versions": versions(),
        "seed": preparation.seed,
        "model": model,
        "training": settings,
        "data": {
            "preparation": preparation.to_json(),
            "recipe": parts.train.recipe.to_json(),
            "rows": {name: len(part) for name, part in parts._asdict().items()},
            "fingerprints": {name: part.fingerprint for name, part in parts._asdict().items()},
            "columns": list(parts.train.columns("x")),
            "classes": list(parts.train.classes),
        },
    }


def described(preparation: Preparation, parts: Parts, chosen: Chosen, epochs: int, batch: int) -> list[str]:
    """Say in a few lines what is about to be done, and why."""
    arrays = ", ".join(
        f"{name} {rows.dtype} {rows.shape[1:]}" for name, rows in parts.train.arrays.items() if name != "y"
    )
    steps = "; ".join(parts.train.description["steps"])
    lines = [
        f"Data: {preparation.source.path}: {arrays}{'; ' + steps if steps else ''}. Rows: {len(parts.train)} to train, "
        f"{len(parts.valid)} to choose the best state, {len(parts.test)} to test."
    ]
    if chosen.likelihood is not None:
        lines.append(f"Likelihood: {chosen.likelihood.reason}")
    else:
        lines.append(f"Model: {chosen.declared.name} of {chosen.declared.path}.")
    counted = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    if chosen.preset is not None:
        latent = ", ".join(str(size) for size in chosen.preset.latent)
        hidden = ", ".join(str(size) for size in chosen.preset.hidden)
        lines.append(f"Model: {chosen.preset.name}, latent {latent}, hidden {hidden}.")
    if "y" in parts.train and "y" not in parts.test:
        lines.append("Labels: the test rows have none (`--test-labels`), so no map of theirs is coloured.")
    lines.append(f"Training: {counted} in batches of {batch}, by Adam; the first step compiles for a few seconds.")
    return lines


def ending(run: Run, seconds: float, seed: int, folder: RunFolder) -> list[str]:
    """Say how the training went and where everything is."""
    history = run.history
    epochs = len(history) / history.steps_per_epoch
    counted = "1 epoch" if epochs == 1 else f"{epochs:.4g} epochs"
    return [
        f"Trained {counted} in {seconds:.1f} s; kept the state after step {history.best_step} of {len(history)}, best "
        f"by the validation bound ({history.valid.max():.2f} nats). Seed {seed}.",
        f"Saved in {folder.path}; open {folder.path / 'report.html'}",
    ]


def say(lines: Sequence[str]) -> None:
    """Print lines on stdout at once."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
