"""What a page says, before it is set."""

from dataclasses import dataclass

from lowerbound.drawing import Explanation
from lowerbound.evaluation import Estimate


@dataclass(frozen=True)
class Score:
    """One row of the table of scores: an estimate under the name that readers know it by, and a remark."""

    name: str
    estimate: Estimate
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture with a title and a caption.

    Attributes:
        title: A few words, without a full stop.
        caption: Plain sentences: what is seen, of which rows, on which scale.
        content: An SVG element as text, or the bytes of a PNG file, which is enlarged by a whole factor.
        wide: Whether an image may be wider than the text.
    """

    title: str
    caption: str
    content: str | bytes
    wide: bool = False


@dataclass(frozen=True)
class Latent:
    """How much a latent is used.

    Attributes:
        name: As declared.
        sentence: What it is used for, and how that was measured.
        kl: Its KL divergence in words, with the unit: "13.2 nats a datum".
        active: How many of its entries are used: "7 of 8".
        figure: An SVG element as text: the activity of each entry.
    """

    name: str
    sentence: str
    kl: str
    active: str
    figure: str | None = None


@dataclass(frozen=True)
class Page:
    """One run: what it reached, what it looks like, what was random in it, and how to run it again.

    Attributes:
        title: The name of the run.
        lead: One or two sentences: which model, which data, the main score with its error and side.
        scores: The table of scores, the main one first.
        depends: What every number depends on, as pairs: data, split, rows, binarization, samples, seed.
        notes: Warnings in plain words: a latent that is not used, a bound that was still rising.
        network: The Bayesian network, an SVG element as text.
        explanation: What `explain` says of the run.
        curves: The learning curves, an SVG element as text.
        figures: Reconstructions, samples, a map of the latent space.
        latents: How much each is used.
        command: The line that was run.
        again: The lines that run it again.
        settings: All settings by group, as pairs.
        version: Of the library.
    """

    title: str
    lead: str
    scores: tuple[Score, ...]
    depends: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    network: str
    explanation: Explanation
    curves: str
    figures: tuple[Figure, ...]
    latents: tuple[Latent, ...]
    command: str
    again: str
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    version: str
