"""The pictures of a run: what goes in and comes out, what the model makes, and where the data lie in its latents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, PRNGKeyArray, Shaped

from lowerbound._key import named_key
from lowerbound.data import Data
from lowerbound.dist import family
from lowerbound.drawing import column_comparison, column_histograms, image_png, is_picture, latent_map, pairs_png
from lowerbound.evaluation import decode, encode, reconstruct, sample
from lowerbound.model import VAE, density
from lowerbound.report._labels import labels_of, unlabeled
from lowerbound.report._page import Figure
from lowerbound.report._scores import chosen

#: Pairs of pictures, rows of pictures that are samples, rows of a table that are compared, points on a map, and the
#: side of the manifold's grid.
PAIRS, SAMPLE_ROWS, ROWS, POINTS, SIDE = 20, 4, 400, 3000, 12
#: Draws that the range of a latent is taken from.
PRIOR_DRAWS = 4096
#: The width of the page's text, in screen pixels.
TEXT_WIDTH = 688
#: Maps of the latent space at most.
MAPS = 3


class Figures(NamedTuple):
    """The pictures that can be drawn, and why others cannot."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """How an array is looked at.

    Attributes:
        name: The array.
        image: The shape of a picture, (height, width) or (height, width, channels); None where a row is none.
        low: The value shown as black.
        high: The value shown as white.
        columns: The names of the columns where a row is no picture.
    """

    name: str
    image: tuple[int, ...] | None
    low: float
    high: float
    columns: tuple[str, ...]

    @classmethod
    def of(cls, data: Data, name: str) -> "View":
        """Look at rows with two axes as pictures, and at others as columns."""
        rows = data[name]
        shape = rows.shape[1:]
        low, high = (0.0, 1.0) if data.transform.is_binarized(name) else (float(rows.min()), float(rows.max()))
        words = data.columns(name) or tuple(f"{name}[{i}]" for i in range(int(np.prod(shape))))
        return cls(name, shape if is_picture(shape) and min(shape[:2]) > 1 else None, low, max(high, low + 1e-9), words)


@dataclass(frozen=True)
class Subject:
    """What is drawn: a model with the rows that it was trained and is tested on, as it is scored."""

    vae: VAE
    train: Data
    test: Data
    labels: np.ndarray | None
    classes: tuple[str, ...]
    key: PRNGKeyArray

    @property
    def views(self) -> list[View]:
        """The arrays that p has a density of."""
        return [View.of(self.train, name) for name in self.test.names if name in self.vae.graph.p]

    def law(self, name: str, side: str = "p") -> str:
        """Write a factor: `p(x | z)`."""
        return density(self.vae.graph, name, side)

    def inputs(self, num: int) -> dict[str, np.ndarray]:
        """Give inputs for samples: those of test rows in turn; masks say that all is observed."""
        prepared = self.test[: min(num, len(self.test))].prepared(self.key)
        inputs = {}
        for name, declared in self.vae.graph.inputs.items():
            if name in self.masks:
                inputs[name] = np.ones((num, *declared.shape), bool)
            elif name in prepared:
                inputs[name] = np.resize(np.asarray(prepared[name]), (num, *declared.shape))
        return inputs

    @property
    def masks(self) -> set[str]:
        """The arrays that mark missing entries."""
        return {mask.mask for mask in self.test.transform.masks}

    @property
    def conditions(self) -> list[str]:
        """The inputs that are no masks."""
        return [name for name in self.vae.graph.inputs if name not in self.masks]


def make_figures(vae: VAE, train: Data, test: Data, *, classes: Sequence[str], key: PRNGKeyArray) -> Figures:
    """Draw reconstructions, samples, maps of the latents and, for a latent of two entries, the decoded plane.

    What cannot be drawn for this model is left out, and said.
    """
    labels = labels_of(test)
    subject = Subject(
        vae, unlabeled(vae, train), unlabeled(vae, test), labels, tuple(classes) if labels is not None else (), key
    )
    figures: list[Figure] = []
    notes: list[str] = []
    drawers: tuple[tuple[str, Callable[[Subject], Iterator[Figure]]], ...] = (
        ("reconstructions", _reconstructions),
        ("samples", _samples),
        ("map of the latents", _maps),
        ("decoded plane", _manifold),
    )
    for what, drawer in drawers:
        try:
            figures += drawer(subject)
        except ValueError as error:
            notes.append(
                f"There are no {what} on this page: {error}" if what[-1] == "s" else f"There is no {what}: {error}"
            )
    return Figures(tuple(figures), tuple(notes))


def _reconstructions(subject: Subject) -> Iterator[Figure]:
    if not subject.vae.graph.q:
        return
    for view in subject.views:
        rows, total = subject.test, len(subject.test)
        shown = rows[chosen(total, PAIRS if view.image else ROWS, named_key(subject.key, "pairs"))]
        means = reconstruct(subject.vae, shown, key=subject.key)
        seen = {name: np.asarray(value) for name, value in shown.prepared(subject.key).items()}
        if view.name not in means or means[view.name].shape != seen[view.name].shape:  # probabilities of classes
            continue
        before, after = (shown.restore({view.name: values[view.name]})[view.name] for values in (seen, means))
        latents = ", ".join(name for name in subject.vae.graph.q if name not in rows)
        about = (
            f"{_counted(len(shown), total)}. The mean is of {subject.law(view.name)} at one draw of {latents} from q."
        )
        if view.image is not None:
            content = pairs_png(_images(before, view), _images(after, view), 10, low=view.low, high=view.high)
            yield Figure("Reconstructions", f"Above the instance, below its reconstruction: {about}", content)
            continue
        observed = shown.observed(view.name)
        mask = None if observed is None else observed.reshape(len(shown), -1)
        flat, flat_means = before.reshape(len(shown), -1), after.reshape(len(shown), -1)
        content = column_comparison(flat, flat_means, view.columns, observed=mask)
        yield Figure("Reconstructions", about, content, wide=True)


def _samples(subject: Subject) -> Iterator[Figure]:
    vae, rows, key = subject.vae, subject.test, subject.key
    for view in subject.views:
        num = SAMPLE_ROWS * _across(view) if view.image else ROWS
        inputs = subject.inputs(num)
        drawn = sample(vae, num, key=named_key(key, "samples"), inputs=inputs)
        made = rows.restore({view.name: drawn[view.name]})[view.name]
        above = ", ".join(name for name in vae.graph.p if name not in rows)
        given = "".join(f", given the {name} of test rows" for name in subject.conditions)
        if view.image is None:
            # In the same units on both sides: bits for bits, raw units for what has any.
            data = rows.restore({view.name: np.asarray(rows.prepared(key)[view.name])})[view.name]
            data = data.reshape(len(rows), -1).astype(float)
            observed = rows.observed(view.name)
            if observed is not None:
                data = np.where(observed.reshape(len(rows), -1), data, np.nan)
            content = column_histograms(data, made.reshape(num, -1), view.columns)
            caption = f"{num} samples of the model{given}, beside {_counted(len(rows), len(rows))}, column by column."
            yield Figure("Samples", caption, content, wide=True)
            continue
        yield Figure(
            "Samples",
            f"{num} draws of {view.name}{given}: {above} from p first, then {view.name} from {subject.law(view.name)}.",
            image_png(_images(made, view), _across(view), low=view.low, high=view.high),
        )
        means = _means(subject, {**drawn, **inputs}, view.name)
        if means is not None:
            expected = rows.restore({view.name: means})[view.name]
            content = image_png(_images(expected, view), _across(view), low=view.low, high=view.high)
            caption = f"The mean of {subject.law(view.name)} at the same draws: without the noise of the likelihood."
            yield Figure("Samples, as means", caption, content)


def _maps(subject: Subject) -> Iterator[Figure]:
    vae, total = subject.vae, len(subject.test)
    inferred = [name for name in vae.graph.q if name not in subject.test]
    if not inferred:
        return
    index = chosen(total, POINTS, named_key(subject.key, "map"))
    means = encode(vae, subject.test[index], key=subject.key)
    labels = None if subject.labels is None else subject.labels[index]
    drawn = 0
    for name, values in means.items():
        flat = values.reshape(len(values), -1)
        if flat.shape[1] < 2 or len(flat) < 3 or "Categorical" in family(vae.graph.abstract_q[name]) or drawn == MAPS:
            continue
        drawn += 1
        axes = f"{name}1", f"{name}2"
        how = f"The mean of {subject.law(name, 'q')} of {_counted(len(flat), total)}"
        if flat.shape[1] > 2:
            flat, share = _principal(flat)
            axes = f"first direction of {name}", "second direction"
            how += f", on the two directions in which these means vary most ({share:.0%} of their variance)"
        color = ", coloured by label." if labels is not None else "."
        title = f"Map of {name}"
        content = latent_map(flat, labels=labels, classes=subject.classes, axes=axes, title=title)
        yield Figure(title, how + color, content)


def _manifold(subject: Subject) -> Iterator[Figure]:
    """Decode a grid over the plane of a latent of two entries, at equal steps of its prior's probability."""
    vae, key = subject.vae, subject.key
    plane = [name for name in vae.graph.q if vae.graph.shape(name) == (2,) and name not in subject.test]
    if len(plane) != 1 or subject.conditions:
        return
    inputs, prior_inputs = subject.inputs(SIDE * SIDE), subject.inputs(PRIOR_DRAWS)
    draws = sample(vae, PRIOR_DRAWS, key=named_key(key, "prior"), inputs=prior_inputs)[plane[0]]
    steps = (np.arange(SIDE) + 0.5) / SIDE
    across, up = (np.quantile(draws[:, axis], steps) for axis in (0, 1))
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype(np.float32)
    for view in subject.views:
        means = _means(subject, {plane[0]: grid, **inputs}, view.name) if view.image else None
        if means is not None:
            expected = subject.test.restore({view.name: means})[view.name]
            content = image_png(_images(expected, view), SIDE, low=view.low, high=view.high, gap=0)
            caption = f"The mean of {subject.law(view.name)} over the plane of {plane[0]}, at equal steps of its prior."
            yield Figure("Decoded plane", caption, content)


def _means(subject: Subject, values: Mapping[str, Any], name: str) -> np.ndarray | None:
    """Return the means given these values, where there are all that are needed and they are means of numbers."""
    graph = subject.vae.graph
    factor = graph.p[name]
    if {*graph.random_parents(factor), *graph.input_parents(factor)} - set(values):
        return None
    means = decode(subject.vae, values, name, key=subject.key)
    return means if means.shape[1:] == graph.shape(name) else None


def _counted(shown: int, total: int) -> str:
    return f"all {total:,} test rows" if shown == total else f"{shown:,} of the {total:,} test rows, chosen at random"


def _principal(values: Float[np.ndarray, "rows entries"]) -> tuple[Float[np.ndarray, "rows 2"], float]:
    """Project on the two principal directions; say their share of the variance."""
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum())
    return left[:, :2] * sizes[:2], float((sizes[:2] ** 2).sum() / total) if total else 1.0


def _across(view: View) -> int:
    """Choose how many pictures stand in a row: so many that, enlarged by a whole factor, they fill the text's width."""
    assert view.image is not None, "asked for pictures only"
    pitch = view.image[1] + 1  # with the gap
    return max(range(8, 13), key=lambda across: ((TEXT_WIDTH // (across * pitch)) * across * pitch, across))


def _images(values: Shaped[np.ndarray, "rows ..."], view: View) -> Shaped[np.ndarray, "rows ..."]:
    assert view.image is not None, "asked for pictures only"
    return values.reshape(len(values), *view.image)
