"""The files of a run: written as it goes, read again without trusting them."""

import hashlib
import json
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lowerbound._version import __version__
from lowerbound.data import Data, Parts, Recipe
from lowerbound.model import VAE, describe
from lowerbound.objective import AbstractObjective
from lowerbound.presets import Preset
from lowerbound.runs._keys import Keys
from lowerbound.runs._model_file import Declared, read_model, run_model
from lowerbound.runs._preparation import Preparation, follow
from lowerbound.training import Run, claim_folder, read_weights, write_run, write_whole

#: The version of the folder's layout.
FORMAT = 1
CONFIG, MODEL, GRAPH, WEIGHTS = "config.json", "model.py", "graph.json", "weights.safetensors"
#: What a run writes, and what `--force` may therefore remove.
WRITTEN = (CONFIG, MODEL, GRAPH, WEIGHTS, "history.csv", "report.html", "figures", "scores.json")


def _check_free(path: Path, where: Path, force: bool) -> None:
    """Refuse a folder in use: one with a run, unless that is to be overwritten, and one with other things."""
    if where.exists() and not where.is_dir():
        raise ValueError(f"`--out` is {path}, which exists and is no folder. Choose another.")
    if not where.is_dir() or not any(where.iterdir()):
        return
    strange = sorted(file.name for file in where.iterdir() if file.name not in WRITTEN)
    if strange or not (where / CONFIG).is_file():
        found = f"`{strange[0]}`" if strange else f"no `{CONFIG}`"
        raise ValueError(f"`--out` is {path}, which has {found}, so it is not only a run. Choose another folder.")
    if not force:
        raise ValueError(
            f"`--out` is {path}, which exists. Choose another folder, or say `--force` to overwrite that run."
        )


def _set_aside(path: Path) -> Path | None:
    """Move a run that is to be overwritten out of the way, into a folder beside it.

    If a process was killed while it overwrote one, the old run still stands there, and is what is set aside.
    """
    if not path.is_dir() or not any(path.iterdir()):
        return None
    aside = path.with_name(f".{path.name}.replaced")
    try:
        if aside.exists() and not (path / WEIGHTS).exists():
            shutil.rmtree(path)
            return aside
        if aside.exists():
            shutil.rmtree(aside)
        return path.rename(aside)
    except OSError as error:
        raise ValueError(f"`--out` is {path}, which cannot be written: {error.strerror}. Choose another.") from error


def versions() -> dict[str, str]:
    """List what a number may depend on: the versions of this library, of Python and of what computes; the device."""
    packages = ("jax", "jaxlib", "numpyro", "equinox", "optax", "numpy")
    devices = jax.devices()
    return {
        "lowerbound": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "device": f"{len(devices)} x {devices[0].device_kind}",
    }


def next_free(parent: Path, name: str) -> Path:
    """Name the next free folder: `runs/digits-1`, then `runs/digits-2`."""
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    found = [pattern.fullmatch(path.name) for path in parent.iterdir()] if parent.is_dir() else []
    taken = [int(match[1]) for match in found if match]
    return parent / f"{name}-{max(taken, default=0) + 1}"


@dataclass(frozen=True)
class RunFolder:
    """A folder that a run is written into.

    Attributes:
        path: The folder.
    """

    path: Path

    @staticmethod
    def check(path: Path, *, force: bool = False) -> None:
        """Refuse a folder that `claimed` would refuse, and change nothing.

        Raises:
            ValueError: As `claimed`.
        """
        _check_free(path, path.resolve(), force)

    @classmethod
    @contextmanager
    def claimed(cls, path: Path, *, force: bool = False) -> "Iterator[RunFolder]":
        """Make the folder for the time of a training; one that exists is refused, or replaced if `force` is said.

        Whatever ends the training before there are weights, a mistake that is found at its start or an interruption,
        leaves everything as it was: the new folder goes, and the one that it was to replace comes back.

        Raises:
            ValueError: It exists, cannot be written, or holds what no run wrote.
        """
        where = path.resolve()
        made = [parent for parent in where.parents if not parent.exists()]
        _check_free(path, where, force)
        aside = _set_aside(where)
        try:
            try:
                claim_folder(where)
            except ValueError as error:
                raise ValueError(str(error).replace(str(where), str(path)).replace("`out`", "`--out`")) from error
            yield cls(path)
        finally:
            if not (where / WEIGHTS).exists():
                shutil.rmtree(where, ignore_errors=True)
                if aside is not None:
                    aside.rename(where)
                for parent in made:
                    if parent.is_dir() and not any(parent.iterdir()):
                        parent.rmdir()
            elif aside is not None:
                shutil.rmtree(aside)

    @property
    def figures(self) -> Path:
        """The folder of pictures, made if it is not there."""
        folder = self.path / "figures"
        folder.mkdir(exist_ok=True)
        return folder

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file, whole or not at all."""
        write_whole(self.path / name, content.encode() if isinstance(content, str) else content)

    def begin(self, declared: Declared, config: Mapping[str, Any]) -> None:
        """Write what is known before training: `model.py`, `graph.json` and `config.json`."""
        self.write(MODEL, declared.text)
        model = hashlib.sha256(declared.text.encode()).hexdigest()
        self.write(GRAPH, _json({"format": FORMAT, "model": model, **describe(declared.vae)}))
        self.write(CONFIG, _json({"format": FORMAT, **config}))

    def end(self, run: Run, config: Mapping[str, Any]) -> None:
        """Write what training gave: `weights.safetensors` and `history.csv`, and in `config.json` how it ended."""
        write_run(self.path, run.vae, run.history)
        history = run.history
        trained = {
            "num_data": int(run.vae.num_data),
            "steps": len(history),
            "best_step": history.best_step,
            "steps_per_epoch": history.steps_per_epoch,
            "stopped": history.stopped,
            "seconds": float(history.seconds[-1]) if len(history) else 0.0,
            "weights": _digest(self.path / WEIGHTS),
        }
        self.write(CONFIG, _json({"format": FORMAT, **config, "trained": trained}))

    def config(self) -> dict[str, Any]:
        """Read `config.json`.

        Raises:
            ValueError: It is not there, or damaged.
        """
        return _read_json(self.path / CONFIG, self.path)


@dataclass(frozen=True)
class SavedRun:
    """A run as it was read again.

    Attributes:
        path: Its folder.
        config: What `config.json` says.
        vae: The trained model.
        objective: What it was trained by.
        preparation: Where its rows came from.
        recipe: The steps of its rows, with their statistics.
    """

    path: Path
    config: dict[str, Any]
    vae: VAE
    objective: AbstractObjective
    preparation: Preparation
    recipe: Recipe

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.preparation.seed

    def parts(self) -> Parts:
        """Read the run's rows again, and part them as they were.

        Raises:
            ValueError: They are not there any more, or not the same.
        """
        try:
            parts = self.preparation.split(self.preparation.read())
        except ValueError as error:
            raise ValueError(
                f"The rows of `{self.path}` cannot be read again: {error} To use other rows, say `--data FILE`."
            ) from error
        for name, known in self.config["data"]["fingerprints"].items():
            part: Data | None = getattr(parts, name, None)
            if part is not None and part.fingerprint != known:
                raise ValueError(
                    f"The {name} rows of `{self.path}` are not those that it was made with: their fingerprint is "
                    f"{part.fingerprint[:12]}, not {str(known)[:12]}. Bring the old file back, or say `--data FILE`."
                )
        return parts

    def inputs(self, num: int) -> dict[str, np.ndarray]:
        """Give the inputs of the model for samples: masks say that all is observed, others are the test rows' in turn.

        Raises:
            ValueError: The rows cannot be read again.
        """
        masks = {call.positional[1] for call in self.recipe.calls if call.method == "missing"}
        declared = self.vae.graph.inputs
        inputs = {name: np.ones((num, *declared[name].shape), bool) for name in masks & set(declared)}
        if rest := [name for name in declared if name not in inputs]:
            test = self.parts().test
            rows = test[: min(num, len(test))].prepared(Keys.of(self.seed).page)
            inputs |= {name: np.resize(np.asarray(rows[name]), (num, *declared[name].shape)) for name in rest}
        return inputs

    def rows(self, path: str, *, array: str | None = None, labels: str | None = None) -> Data:
        """Take the rows of a file through the steps of the run.

        Raises:
            ValueError: It cannot be read, or does not go with the run's rows.
        """
        columns, classes = _words(self.config, "columns"), _words(self.config, "classes")
        source, recipe = self.preparation.source, self.recipe
        if "y" not in self.vae.graph.names and labels is None:  # what the model does not read need not be there
            source, recipe = replace(source, labels=None), recipe.without("y")
        source = source.other(path, labels, columns)
        if array is not None:
            source = replace(source, arrays=(("x", array),))
        return follow(recipe, source.read(), columns, classes, path).named(Path(path).name)


def read_run(path: Path, *, model: str | None = None, trust: bool = False) -> SavedRun:
    """Read a run again.

    Its `model.py` is run only where it is, byte for byte, what a preset writes, or on the user's word: anything can
    stand in a file of a stranger.

    Args:
        path: The folder.
        model: `FILE.py:NAME`, to be used in place of the folder's `model.py`.
        trust: Whether that `model.py` may be run whatever it is.

    Raises:
        ValueError: It is no folder of a run, its model is not vouched for, or it is not the one that was trained.
    """
    config = _read_json(path / CONFIG, path)
    if config.get("format") != FORMAT:
        raise ValueError(f"`{path / CONFIG}` is of format {config.get('format')!r}; this version reads {FORMAT}.")
    try:
        _check_config(config)
        preparation = Preparation.from_json(config["data"]["preparation"])
        recipe = Recipe.from_json(config["data"]["recipe"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"`{path / CONFIG}` is damaged: {error!r}.") from error
    declared = _declared(path, config["model"]["name"], config["model"].get("preset"), model, trust)
    _check_graph(path, declared)
    if not (path / WEIGHTS).exists() or "weights" not in config.get("trained", {}):
        raise ValueError(f"There is no file `{path / WEIGHTS}`. Was this run trained to its end?")
    if (trained_by := config["training"]["objective"]) != declared.objective.name:
        raise ValueError(
            f"`{declared.path}` says {declared.objective.name}, but `{path}` was trained by {trained_by}. Bring the "
            "old declaration back, or train again."
        )
    vae = read_weights(path / WEIGHTS, declared.vae)
    if config["trained"]["weights"] != _digest(path / WEIGHTS):
        raise ValueError(f"`{path / WEIGHTS}` is damaged, or of another run: its hash is not the one in `{CONFIG}`.")
    return SavedRun(path, config, vae, declared.objective, preparation, recipe)


def _check_config(config: Mapping[str, Any]) -> None:
    """Refuse a configuration in which something that is used later is missing or of another type.

    Raises:
        KeyError: It is missing.
        TypeError: It is of another type.
    """
    needed = {
        ("command",): list,
        ("versions",): dict,
        ("seed",): int,
        ("model", "name"): str,
        ("model", "file"): str,
        ("training", "objective"): str,
        ("data", "fingerprints"): dict,
        ("data", "columns"): list,
        ("data", "classes"): list,
    }
    for names, kind in needed.items():
        value: Any = config
        for name in names:
            value = value[name]
        if not isinstance(value, kind):
            raise TypeError(f"{'.'.join(names)} is a {type(value).__name__}")


def _words(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(word) for word in config["data"][name])


def _declared(path: Path, name: str, preset: Any, model: str | None, trust: bool) -> Declared:
    key = jax.random.key(0)  # the weights are read afterwards
    if model is not None:
        return read_model(model, key=key)
    file = path / MODEL
    if trust:
        return read_model(f"{file}:{name}", key=key)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"`{file}` cannot be read: {error}. Pass the declaration: `--model FILE.py:NAME`.") from error
    if preset is None or Preset.from_json(preset).write() != text:
        raise ValueError(
            f"`{file}` is not what a preset writes, so it is run only on your word: code in it could do anything that "
            f"you can. Read it, then say `--trust-run-model`, or pass a file of your own: `--model FILE.py:{name}`."
        )
    return run_model(text, file, name, key=key)


def _check_graph(path: Path, declared: Declared) -> None:
    """Hold the declaration against the one that was trained, name by name."""
    kept, now = _read_json(path / GRAPH, path), describe(declared.vae)
    names = kept.get("names")
    if not isinstance(names, dict):
        raise ValueError(f"`{path / GRAPH}` is damaged: it has no names.")
    same_python = kept.get("python") == now["python"]
    if not same_python and kept.get("model") != hashlib.sha256(declared.text.encode()).hexdigest():
        raise ValueError(
            f"`{path}` was trained under Python {kept.get('python')}, whose code this Python, {now['python']}, cannot "
            f"compare, and `{declared.path}` is not its model.py, byte for byte. Use that file, or that Python."
        )
    for name in sorted({*names, *now["names"]}):
        before, after = names.get(name), now["names"].get(name)
        if before is None or after is None:
            where = "the declaration has" if before is None else "was trained, but the declaration has not"
            raise ValueError(f"`{declared.path}` is not what `{path}` was trained with: `{name}` {where}.")
        if not same_python:
            before, after = _without_code(before), _without_code(after)
        if before != after:
            raise ValueError(
                f"`{declared.path}` is not what `{path}` was trained with: `{name}` has changed. Bring the old "
                f"declaration back, or train this one: `lowerbound fit DATA --model {declared.path}:{declared.name}`."
            )


def _without_code(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _without_code(value) for name, value in said.items() if name != "code"}
    return said


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=1, allow_nan=False) + "\n"


def _read_json(file: Path, folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ValueError(f"There is no folder `{folder}`. A run was needed, such as `runs/digits-1`.")
    try:
        said = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise ValueError(f"`{folder}` has no `{file.name}`, so it is no run.") from error
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"`{file}` is damaged: {error}.") from error
    if not isinstance(said, dict):
        raise ValueError(f"`{file}` is damaged: it is a {type(said).__name__}.")
    return said
