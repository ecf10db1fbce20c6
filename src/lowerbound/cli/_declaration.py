"""What a declaration is asked for: its picture, its explanation, and a new one."""

import sys
from pathlib import Path

import jax

from lowerbound._suggest import suggest
from lowerbound.drawing import draw, explain
from lowerbound.model import VAE
from lowerbound.objective import AbstractObjective
from lowerbound.presets import WORDS, Likelihood, Preset
from lowerbound.runs import read_model, read_run

#: The shape of a row and its likelihood in a `model.py` that is written for no data.
SHAPE, LIKELIHOOD = (28, 28), "bernoulli"


def declared(where: str, model: str | None, trust: bool) -> tuple[VAE, AbstractObjective]:
    """Read the model of a run's folder, or of `FILE.py:NAME`.

    Raises:
        ValueError: It is neither, or cannot be read.
    """
    if where.partition(":")[0].endswith(".py"):
        found = read_model(where, key=jax.random.key(0))
        return found.vae, found.objective
    run = read_run(Path(where), model=model, trust=trust)
    return run.vae, run.objective


def draw_declared(where: str, view: str, out: Path, model: str | None, trust: bool) -> None:
    """Draw a view of a model into a file."""
    if out.suffix.lower() != ".svg":
        raise ValueError(f"`--out` is {out}; a file that ends in .svg was needed.")
    if not out.parent.is_dir():
        raise ValueError(f"`--out` is {out}, but there is no folder `{out.parent}`. Make it first.")
    vae, _ = declared(where, model, trust)
    draw(vae, view=view).save(out)
    sys.stdout.write(f"Wrote {out}.\n")


def explain_declared(where: str, model: str | None, trust: bool) -> None:
    """Print what is random, what is a sample, and which KL is exact."""
    vae, objective = declared(where, model, trust)
    sys.stdout.write(f"{explain(vae, how=objective)}\n")


def new_model(
    preset: str,
    shape: tuple[int, ...] | None,
    likelihood: str,
    levels: int,
    latent: tuple[int, ...] | None,
    hidden: tuple[int, ...] | None,
    components: int | None,
    classes: int,
    masked: bool,
) -> None:
    """Print the `model.py` of a preset."""
    if likelihood not in WORDS:
        raise ValueError(
            f"`--likelihood` is `{likelihood}`, but there are {', '.join(WORDS)}.{suggest(likelihood, list(WORDS))}"
        )
    highest = {"bernoulli": 1, "beta-binomial": levels - 1, "logistic": levels - 1}.get(likelihood, 0)
    text = Preset.of(
        preset,
        SHAPE if shape is None else shape,
        Likelihood(likelihood, 0, highest),
        latent=latent,
        hidden=hidden,
        components=components,
        classes=classes if preset == "semisupervised" else 0,
        masked=masked,
    ).write()
    sys.stdout.write(text)
