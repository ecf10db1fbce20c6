"""A file that declares a model, run on the user's word."""

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxtyping import PRNGKeyArray

from lowerbound._suggest import suggest
from lowerbound.model import VAE
from lowerbound.objective import ELBO, AbstractObjective

#: The name that is meant where `FILE.py` stands alone.
DEFAULT_NAME = "vae"


@dataclass(frozen=True)
class Declared:
    """What a file declares.

    Attributes:
        vae: The model, with new weights.
        objective: What it is trained by: the file's `objective`, or the ELBO.
        path: The file.
        name: The name in it.
        text: Its content.
    """

    vae: VAE
    objective: AbstractObjective
    path: Path
    name: str
    text: str


def read_model(where: str, *, key: PRNGKeyArray) -> Declared:
    """Run `FILE.py:NAME` and return the model of that name.

    NAME is a `VAE`, or a function that makes one of a key; `vae` where it is left out. If the file has an `objective`,
    it is trained by that.

    Args:
        where: `FILE.py:NAME` or `FILE.py`.
        key: For a function.

    Raises:
        ValueError: There is no such file or name, or running it fails, which is said with the line.
    """
    path, name = _parted(where)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it does not exist" if isinstance(error, FileNotFoundError) else str(error)
        raise ValueError(f"`{path}` cannot be read: {reason}. `--model` takes FILE.py:NAME.") from error
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # what it imports may lie beside it
    try:
        return run_model(text, path, name, key=key)
    finally:
        sys.path.remove(folder)


def run_model(text: str, path: Path, name: str, *, key: PRNGKeyArray) -> Declared:
    """Run the text of a file that declares a model; nothing beside the file is looked at."""
    module = ModuleType(f"model_{path.stem}")
    module.__file__ = str(path)
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
        found = _found(module, path, name)
        vae = found if isinstance(found, VAE) else found(key)
    except Exception as error:
        raise ValueError(_reason(error, path)) from error
    if not isinstance(vae, VAE):
        raise ValueError(f"`{name}` in `{path}` gave {_typed(vae)}; a `VAE` was needed.")
    objective = getattr(module, "objective", None) or ELBO()
    if not isinstance(objective, AbstractObjective):
        raise ValueError(f"`objective` in `{path}` is {_typed(objective)}; an objective was needed, such as `ELBO()`.")
    return Declared(vae, objective, path, name, text)


class _NoModelError(ValueError):
    """The file has no model of this name."""


def _found(module: ModuleType, path: Path, name: str) -> Any:
    declared = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    if name not in declared:
        models = [key for key, value in declared.items() if isinstance(value, VAE)]
        cure = suggest(name, list(declared)) or (f" It has `{models[0]}`." if models else "")
        raise _NoModelError(
            f"`{path}` has no `{name}`.{cure} A model is a `VAE`, or a function of a key that makes one."
        )
    found = declared[name]
    if not isinstance(found, VAE) and not (callable(found) and not isinstance(found, type)):
        raise _NoModelError(
            f"`{name}` in `{path}` is {_typed(found)}; a `VAE` was needed, or a function of a key that makes one."
        )
    return found


def _parted(where: str) -> tuple[Path, str]:
    file, colon, name = where.rpartition(":")
    if not colon or not file.endswith(".py"):
        file, name = where, DEFAULT_NAME
    if not file.endswith(".py"):
        raise ValueError(f"`--model` is `{where}`; the name of a preset was needed, or FILE.py:NAME.")
    return Path(file), name


def _typed(value: Any) -> str:
    return f"of type {type(value).__name__}"


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, _NoModelError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"`{path}` is not valid Python: line {error.lineno}: {error.msg}."
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = f", line {frames[-1].lineno}" if frames else ""
    said = str(error).strip() or "no reason was given"
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"`{path}`{line}: {kind}{said}"
