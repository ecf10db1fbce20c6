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
    "--overwrite": "--force",
    "--validation": "--valid",
    "--preset": "--model",
    "--num-samples": "-K",
    "--binarise": "--binarize",
    "--standardise": "--standardize",
    "--dequantise": "--dequantize",
}

#: The parents of typer's public usage error; they have no public name of their own.
USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    base for base in typer.BadParameter.__mro__ if "UsageError" in base.__name__
)

#: The exit code of a program that Ctrl-C ended.
INTERRUPTED = 130

MODELS = "mlp, conv, ladder, mixture, semisupervised"

Run = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]
Declaration = Annotated[
    str, typer.Argument(help="The folder of a run, or a declaration of your own.", metavar="RUN|FILE.py:NAME")
]
RunModel = Annotated[
    str | None, typer.Option("--model", metavar="FILE.py:NAME", help="The declaration, in place of RUN/model.py.")
]
Trust = Annotated[
    bool, typer.Option("--trust-run-model", help="Run RUN/model.py although it is not what a preset writes.")
]
OtherData = Annotated[
    str | None, typer.Option("--data", metavar="FILE", help="Rows from a file; the run's own if left out.")
]
Split = Annotated[str, typer.Option(help="Which of the run's own rows: train, valid or test.")]
OtherArray = Annotated[str | None, typer.Option("--array", help="Which array of an .npz.")]
OtherLabels = Annotated[
    str | None, typer.Option("--labels", metavar="NAME|FILE", help="Labels of these rows, where the model needs them.")
]
Seed = Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Decides the draws; the run's if left out.")]
OutFile = Annotated[Path, typer.Option("--out", "-o", help="A file: .npy, .npz, .csv, or .png for pictures.")]
Latent = Annotated[str | None, typer.Option(help="Entries of the latent; of a ladder from x up, as 32,16.")]
Hidden = Annotated[str | None, typer.Option(help="Hidden units of each layer, as 400 or 400,200; channels of conv.")]
Components = Annotated[int | None, typer.Option(help="Components of the mixture's prior.")]


def _version(wanted: bool) -> bool:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: lowerbound fit images.npy --binarize stochastic --latent 20 --hidden 400 --out runs/mine")
def fit(
    data: Annotated[
        str,
        typer.Argument(help="A file (.npy, .npz, IDX plain or gzip, .csv) or embedded data (digits).", metavar="DATA"),
    ],
    model: Annotated[
        str, typer.Option(metavar="PRESET|FILE.py:NAME", help=f"A preset ({MODELS}), or a declaration of your own.")
    ] = "mlp",
    latent: Latent = None,
    hidden: Hidden = None,
    components: Components = None,
    likelihood: Annotated[
        str | None,
        typer.Option(
            help="bernoulli, beta-binomial, logistic, negative-binomial or normal; by the values if left out, "
            "and the reason is printed."
        ),
    ] = None,
    binarize: Annotated[
        str | None,
        typer.Option(metavar="HOW", help="Grey levels to bits: stochastic (anew each step), fixed, threshold."),
    ] = None,
    dequantize: Annotated[
        int | None, typer.Option(metavar="LEVELS", help="Spread whole numbers 0..LEVELS-1 evenly over their cells.")
    ] = None,
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Mean 0 and deviation 1 by the training rows; done for a normal likelihood unless refused. Scores "
            "stay in the rows' own units.",
            show_default=False,
        ),
    ] = None,
    missing: Annotated[
        str | None, typer.Option(metavar="MARKER", help="What stands for a missing entry: nan (a gap), or a number.")
    ] = None,
    allow_outliers: Annotated[
        bool, typer.Option("--allow-outliers", help="Accept values that lie far out, and would be refused.")
    ] = False,
    array: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]ARRAY", help="Which array of an .npz; several if the model names several."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Labels: a column of the CSV, an array of the .npz, or a file of them."),
    ] = None,
    labeled: Annotated[
        int | None, typer.Option(min=1, help="How many labels a semi-supervised model may see; all if left out.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column of the CSV to leave out.")] = None,
    shape: Annotated[str | None, typer.Option(help="The shape of a row that the file holds flat, as 28x28.")] = None,
    test: Annotated[
        str, typer.Option(metavar="PART|FILE", help="Rows to score: a fraction, a number, or a file.")
    ] = "0.1",
    valid: Annotated[
        str | None,
        typer.Option(
            metavar="PART|FILE", help="Rows to choose the best state by: likewise; 0.1 if left out, at most 5000 rows."
        ),
    ] = None,
    test_labels: Annotated[str | None, typer.Option(metavar="FILE", help="Labels of `--test FILE`.")] = None,
    valid_labels: Annotated[str | None, typer.Option(metavar="FILE", help="Labels of `--valid FILE`.")] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="How often to visit the training rows; if left out, for 3300 steps, 10 to 150 times."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Rows of a step; 64 if left out, 128 from 10,000 training rows on.")
    ] = None,
    lr: Annotated[float, typer.Option(help="Adam's step size.")] = 2e-3,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs without a better validation bound.")
    ] = None,
    seed: Annotated[int, typer.Option(max=2**32 - 1, help="Decides split, weights, order and noise.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A new folder; the next free runs/DATA-N if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the run in that folder.")] = False,
) -> None:
    """Train a VAE on your rows, score those held out, and write a folder with a page to show."""
    from lowerbound.cli._fit import ModelWords, TrainingWords, prepare
    from lowerbound.cli._fit import fit as run
    from lowerbound.cli._words import arrays, marker, sizes
    from lowerbound.cli._words import shape as read_shape
    from lowerbound.runs import Source

    if not lr > 0:
        raise ValueError(f"`--lr` is {lr:g}; a positive number was needed, such as 0.002.")
    if seed < 0:
        raise ValueError(f"`--seed` is {seed}; a whole number from 0 up was needed.")
    preparation = prepare(
        Source(data, arrays(array or []), labels, tuple(drop or ()), read_shape(shape)),
        test=(test, test_labels),
        valid=(valid, valid_labels),
        seed=seed,
        missing=marker(missing),
        binarize=binarize,
        dequantize=dequantize,
        allow_outliers=allow_outliers,
    )
    run(
        preparation,
        standardize,
        ModelWords(model, sizes("--latent", latent), sizes("--hidden", hidden), components, likelihood),
        TrainingWords(epochs, batch, lr, patience, labeled, valid is None),
        out,
        force,
        sys.argv[1:],
    )


@app.command(epilog="Example: lowerbound evaluate runs/digits-1 --how iwae -K 5000 --json")
def evaluate(
    run: Run,
    how: Annotated[str, typer.Option(help="elbo, or iwae for log p(x).")] = "iwae",
    num_samples: Annotated[
        int | None, typer.Option("-K", min=1, help="Samples a datum: 64 for elbo, 1000 for iwae, if left out.")
    ] = None,
    data: OtherData = None,
    split: Split = "test",
    array: OtherArray = None,
    labels: OtherLabels = None,
    seed: Seed = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")] = False,
    model: RunModel = None,
    trust: Trust = False,
) -> None:
    """Score rows: nats a datum with two errors and a side."""
    from lowerbound.cli._saved import RowWords, RunWords, evaluate_run

    evaluate_run(RunWords(run, model, trust), RowWords(data, array, labels, split), how, num_samples, seed, as_json)


@app.command(epilog="Example: lowerbound sample runs/digits-1 -n 100 -o samples.png")
def sample(
    run: Run,
    out: OutFile,
    num: Annotated[int, typer.Option("--num", "-n", min=1, help="How many.")] = 100,
    seed: Seed = None,
    model: RunModel = None,
    trust: Trust = False,
) -> None:
    """Draw new data from the model, in the units of the raw rows."""
    from lowerbound.cli._saved import RunWords, sample_run

    sample_run(RunWords(run, model, trust), out, num, seed)


@app.command(epilog="Example: lowerbound reconstruct runs/digits-1 -o reconstructions.png")
def reconstruct(
    run: Run,
    out: OutFile,
    data: OtherData = None,
    split: Split = "test",
    array: OtherArray = None,
    labels: OtherLabels = None,
    seed: Seed = None,
    model: RunModel = None,
    trust: Trust = False,
) -> None:
    """Send rows through their latents and back: the mean of p(x | z) at one draw of z from q; gaps are filled."""
    from lowerbound.cli._saved import RowWords, RunWords, reconstruct_run

    reconstruct_run(RunWords(run, model, trust), RowWords(data, array, labels, split), out, seed)


@app.command(epilog="Example: lowerbound encode runs/digits-1 --split train -o codes.csv")
def encode(
    run: Run,
    out: Annotated[Path, typer.Option("--out", "-o", help="A file: .npy, .npz or .csv.")],
    latent: Annotated[list[str] | None, typer.Option(help="Which latent; all if left out.")] = None,
    data: OtherData = None,
    split: Split = "test",
    array: OtherArray = None,
    labels: OtherLabels = None,
    seed: Seed = None,
    model: RunModel = None,
    trust: Trust = False,
) -> None:
    """Write the mean of q(z | x) for each row."""
    from lowerbound.cli._saved import RowWords, RunWords, encode_run

    encode_run(RunWords(run, model, trust), RowWords(data, array, labels, split), out, latent or [], seed)


@app.command(epilog="Example: lowerbound draw runs/digits-1 -o bayesnet.svg")
def draw(
    what: Declaration,
    out: Annotated[Path, typer.Option("--out", "-o", help="A file: .svg.")],
    view: Annotated[str, typer.Option(help="bayesnet: p and q as one Bayesian network.")] = "bayesnet",
    model: RunModel = None,
    trust: Trust = False,
) -> None:
    """Draw a model from its declaration; nothing is trained."""
    from lowerbound.cli._declaration import draw_declared

    draw_declared(what, view, out, model, trust)


@app.command(epilog="Example: lowerbound explain model.py:vae")
def explain(what: Declaration, model: RunModel = None, trust: Trust = False) -> None:
    """Say of each name what it is: a random variable, a sample, a value or a parameter; and which KL is exact."""
    from lowerbound.cli._declaration import explain_declared

    explain_declared(what, model, trust)


@app.command(epilog="Example: lowerbound new conv --shape 28x28 > model.py && lowerbound explain model.py")
def new(
    preset: Annotated[str, typer.Argument(help=f"One of {MODELS}.", metavar="PRESET")],
    shape: Annotated[str, typer.Option(help="The shape of one row, as 28x28 or 784.")] = "28x28",
    likelihood: Annotated[
        str, typer.Option(help="bernoulli, beta-binomial, logistic, negative-binomial or normal.")
    ] = "bernoulli",
    levels: Annotated[int, typer.Option(min=2, help="Levels of beta-binomial and logistic: 0 to LEVELS-1.")] = 256,
    latent: Latent = None,
    hidden: Hidden = None,
    components: Components = None,
    classes: Annotated[int, typer.Option(min=2, help="Classes of the semi-supervised model.")] = 10,
    masked: Annotated[bool, typer.Option("--masked", help="For rows with missing entries, `fit --missing`.")] = False,
) -> None:
    """Print the declaration of a preset, to be edited and trained: `lowerbound fit DATA --model model.py:vae`."""
    from lowerbound.cli._declaration import new_model
    from lowerbound.cli._words import shape as read_shape
    from lowerbound.cli._words import sizes

    new_model(
        preset,
        read_shape(shape),
        likelihood,
        levels,
        sizes("--latent", latent),
        sizes("--hidden", hidden),
        components,
        classes,
        masked,
    )


@app.command(epilog="Example: lowerbound report runs/digits-1")
def report(run: Run, model: RunModel = None, trust: Trust = False) -> None:
    """Score the test rows again, and write RUN/report.html anew."""
    from lowerbound.cli._saved import RunWords, report_run

    report_run(RunWords(run, model, trust))


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
        code = INTERRUPTED
    if code == INTERRUPTED:  # typer makes this number of Ctrl-C itself
        typer.echo("Interrupted; what was unfinished is removed.", err=True)
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
    if message.startswith("Usage:"):  # no word at all: the help itself
        return message
    message = message if message.endswith(("?", ".")) else f"{message}."
    return f"{message} See `{getattr(context, 'command_path', 'lowerbound')} --help`."
