"""The commands and their options; what they do is imported when they run, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lowerbound._suggest import suggest
from lowerbound._version import __version__

app = typer.Typer(
    name="lowerbound",
    help="Declare a variational autoencoder once; train it, know its likelihood honestly, draw what you ran.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

#: What people call an option elsewhere.
SYNONYMS = {
    "--learning-rate": "--lr",
    "--batch-size": "--batch",
    "--latents": "--latent",
    "--latent-dim": "--latent",
    "--hidden-size": "--hidden",
    "--num-epochs": "--epochs",
    "--output": "--out",
    "--random-seed": "--seed",
}

#: The parents of typer's public usage error; they have no public name of their own.
USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    base for base in typer.BadParameter.__mro__ if "UsageError" in base.__name__
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(
    epilog="Example: lowerbound fit digits --epochs 50 --seed 1 --out my-run",
)
def fit(
    data: Annotated[str, typer.Argument(help="The name of embedded data: digits.", metavar="DATA")],
    latent: Annotated[int, typer.Option(min=1, help="Entries of the latent z.")] = 12,
    hidden: Annotated[int, typer.Option(min=1, help="Hidden units of encoder and decoder.")] = 200,
    epochs: Annotated[int, typer.Option(min=1, help="How often to visit the training data.")] = 150,
    batch: Annotated[int, typer.Option(min=1, help="Rows of a step.")] = 64,
    lr: Annotated[float, typer.Option(help="Adam's step size.")] = 2e-3,
    seed: Annotated[int, typer.Option(max=2**32 - 1, help="Decides split, weights, order and noise.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for pictures, weights and history; the next free runs/DATA-N if left out."),
    ] = None,
) -> None:
    """Train a VAE, score it on held-out rows, and draw it."""
    from lowerbound.cli._fit import Settings, fit_embedded

    fit_embedded(data, Settings(latent, hidden, epochs, batch, lr, seed), out)


def main() -> None:
    """Run the command line, and end with its exit code.

    A user's mistake gets one sentence on stderr and exit code 2; a run that failed, exit code 1.
    """
    try:
        code = app(standalone_mode=False)
    except USAGE_ERRORS as error:
        sys.exit(_refuse(_usage(error)))
    except ValueError as error:
        sys.exit(_refuse(str(error)))
    except (RuntimeError, OSError) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Interrupted.", err=True)
        sys.exit(130)
    sys.exit(code or 0)


def _refuse(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return 2


def _usage(error: Exception) -> str:
    """Say in one sentence what was wrong with the words of a command."""
    option = getattr(error, "option_name", None)
    context = getattr(error, "ctx", None)
    command = getattr(context, "info_name", None) or "lowerbound"
    if option is not None and context is not None and type(error).__name__ == "NoSuchOption":
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        closest = suggest(option, [*known, *SYNONYMS])
        for synonym, name in SYNONYMS.items():
            closest = closest.replace(f"`{synonym}`", f"`{name}`")
        return f"`{option}` is no option of `{command}`.{closest}"
    message = str(getattr(error, "format_message", lambda: error)())
    message = message if message.endswith(("?", ".")) else f"{message}."
    return f"{message} See `{getattr(context, 'command_path', 'lowerbound')} --help`."
