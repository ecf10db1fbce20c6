"""The pictures of a run: what goes in and comes out, what the model makes, and where the data lie in its latents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, PRNGKeyArray, Shaped

from lowerbound._key import named_key
from lowerbound.data import Data
from lowerbound.drawing import column_comparison, column_histograms, image_png, latent_map, pairs_png
from lowerbound.evaluation import decode, encode, reconstruct, sample
from lowerbound.model import VAE
from lowerbound.report._page import Figure
from lowerbound.report._scores import chosen, unlabeled

#: Pictures in a grid, rows of a table that are compared, points on a map, and the side of the manifold's grid.
PAIRS, SAMPLES, ROWS, POINTS, SIDE = 20, 60, 400, 3000, 15
#: Draws that the range of a latent is taken from.
PRIOR_DRAWS = 4096
#: Maps of the latent space at most.
MAPS = 3


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
        is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
        bits = data.transform.steps.get(name) and not data.transform.changes_units(name)
        low, high = (0.0, 1.0) if bits else (float(rows.min()), float(rows.max()))
        words = data.columns(name) or tuple(f"{name}[{i}]" for i in range(int(np.prod(shape))))
        return cls(name, shape if is_image and min(shape[:2]) > 1 else None, low, max(high, low + 1e-9), words)


def make_figures(vae: VAE, train: Data, test: Data, *, classes: Sequence[str], key: PRNGKeyArray) -> tuple[Figure, ...]:
    """Draw reconstructions, samples, maps of the latents and, for a latent of two entries, the decoded plane."""
    rows = unlabeled(vae, test)
    figures: list[Figure] = []
    for name in rows.names:
        if name in vae.graph.p:
            view = View.of(unlabeled(vae, train), name)
            figures += [*_reconstructions(vae, rows, view, key), *_samples(vae, rows, view, key)]
    return (*figures, *_maps(vae, test, classes, key), *_manifold(vae, rows, train, key))


def conditions(vae: VAE, rows: Data, num: int, key: PRNGKeyArray) -> dict[str, np.ndarray]:
    """Give inputs for samples: those of test rows in turn; masks say that all is observed."""
    masks = {mask.mask for mask in rows.transform.masks}
    prepared = rows[: min(num, len(rows))].prepared(key)
    inputs = {}
    for name, declared in vae.graph.inputs.items():
        if name in masks:
            inputs[name] = np.ones((num, *declared.shape), bool)
        elif name in prepared:
            inputs[name] = np.resize(np.asarray(prepared[name]), (num, *declared.shape))
    return inputs


def _reconstructions(vae: VAE, rows: Data, view: View, key: PRNGKeyArray) -> list[Figure]:
    shown = rows[chosen(len(rows), PAIRS if view.image else ROWS, named_key(key, "pairs"))]
    means = reconstruct(vae, shown, key=key)
    seen = {name: np.asarray(value) for name, value in shown.prepared(key).items()}
    if means[view.name].shape != seen[view.name].shape:  # the probabilities of classes
        return []
    before, after = (shown.restore({view.name: values[view.name]})[view.name] for values in (seen, means))
    about = f"{len(shown)} test rows, chosen at random. The mean is of p({view.name} | z) at one draw of z from q."
    if view.image is not None:
        content = pairs_png(_images(before, view), _images(after, view), 10, low=view.low, high=view.high)
        return [Figure("Reconstructions", f"Above the instance, below its reconstruction; {about}", content)]
    observed = _observed(shown, view.name)
    mask = None if observed is None else observed.reshape(len(shown), -1)
    flat, flat_means = before.reshape(len(shown), -1), after.reshape(len(shown), -1)
    content = column_comparison(flat, flat_means, view.columns, observed=mask)
    return [Figure("Reconstructions", about, content, wide=True)]


def _samples(vae: VAE, rows: Data, view: View, key: PRNGKeyArray) -> list[Figure]:
    num = SAMPLES if view.image else ROWS
    inputs = conditions(vae, rows, num, key)
    if set(vae.graph.inputs) - set(inputs):
        return []
    drawn = sample(vae, num, key=named_key(key, "samples"), inputs=inputs)
    made = rows.restore({view.name: drawn[view.name]})[view.name]
    if view.image is None:
        observed = _observed(rows, view.name)
        data = rows[view.name].reshape(len(rows), -1).astype(float)
        if observed is not None:
            data = np.where(observed.reshape(len(rows), -1), data, np.nan)
        content = column_histograms(data, made.reshape(num, -1), view.columns)
        caption = f"{num} samples of the model beside the {len(rows)} test rows, column by column."
        return [Figure("Samples", caption, content, wide=True)]
    figures = [
        Figure(
            "Samples",
            f"{num} draws of {view.name}: z from its prior, then {view.name} from p({view.name} | z).",
            image_png(_images(made, view), 12, low=view.low, high=view.high),
        )
    ]
    means = _means(vae, {**drawn, **inputs}, view.name, key)
    if means is not None:
        expected = rows.restore({view.name: means})[view.name]
        content = image_png(_images(expected, view), 12, low=view.low, high=view.high)
        caption = f"The mean of p({view.name} | z) at the same draws of z: without the noise of the likelihood."
        figures.append(Figure("Samples, as means", caption, content))
    return figures


def _maps(vae: VAE, test: Data, classes: Sequence[str], key: PRNGKeyArray) -> list[Figure]:
    few = test[chosen(len(test), POINTS, named_key(key, "map"))]
    if not vae.graph.q:
        return []
    labels = few["y"] if "y" in few else None  # noqa: SIM401  `Data` is no dictionary
    means = encode(vae, unlabeled(vae, few), key=key)
    figures = []
    for name, values in means.items():
        flat = values.reshape(len(values), -1)
        if flat.shape[1] < 2 or "Categorical" in type(vae.graph.abstract_q[name]).__name__ or len(figures) == MAPS:
            continue
        axes = f"{name}1", f"{name}2"
        how = f"The mean of q({name} | x) of {len(few)} test rows"
        if flat.shape[1] > 2:
            flat, share = _principal(flat)
            axes = f"first direction of {name}", "second"
            how += f", on the two directions in which these means vary most ({share:.0%} of their variance)"
        color = ", coloured by label." if labels is not None else "."
        title = f"Map of {name}"
        shown = tuple(classes) if labels is not None else ()
        figures.append(
            Figure(title, how + color, latent_map(flat, labels=labels, classes=shown, axes=axes, title=title))
        )
    return figures


def _manifold(vae: VAE, rows: Data, train: Data, key: PRNGKeyArray) -> list[Figure]:
    """Decode a grid over the plane of a latent of two entries, at equal steps of its prior's probability."""
    plane = [name for name in vae.graph.q if vae.graph.shape(name) == (2,)]
    inputs = conditions(vae, rows, SIDE * SIDE, key)
    if len(plane) != 1 or set(vae.graph.inputs) - set(inputs):
        return []
    prior_inputs = {name: np.resize(value, (PRIOR_DRAWS, *value.shape[1:])) for name, value in inputs.items()}
    draws = sample(vae, PRIOR_DRAWS, key=named_key(key, "prior"), inputs=prior_inputs)[plane[0]]
    steps = (np.arange(SIDE) + 0.5) / SIDE
    across, up = (np.quantile(draws[:, axis], steps) for axis in (0, 1))
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype(np.float32)
    figures = []
    for name in rows.names:
        view = View.of(unlabeled(vae, train), name)
        means = _means(vae, {plane[0]: grid, **inputs}, name, key) if name in vae.graph.p and view.image else None
        if means is not None:
            expected = rows.restore({name: means})[name]
            content = image_png(_images(expected, view), SIDE, low=view.low, high=view.high, gap=0)
            caption = f"The mean of p({name} | {plane[0]}) over the plane of {plane[0]}, at equal steps of the prior."
            figures.append(Figure("Decoded plane", caption, content))
    return figures


def _means(vae: VAE, values: Mapping[str, Any], name: str, key: PRNGKeyArray) -> np.ndarray | None:
    """Return the means given these values, where there are all that are needed and they are means of numbers."""
    factor = vae.graph.p[name]
    if {*vae.graph.random_parents(factor), *vae.graph.input_parents(factor)} - set(values):
        return None
    means = decode(vae, values, name, key=key)
    return means if means.shape[1:] == vae.graph.shape(name) else None


def _principal(values: Float[np.ndarray, "rows entries"]) -> tuple[Float[np.ndarray, "rows 2"], float]:
    """Project on the two principal directions; say their share of the variance."""
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    total = float((sizes**2).sum())
    return left[:, :2] * sizes[:2], float((sizes[:2] ** 2).sum() / total) if total else 1.0


def _images(values: Shaped[np.ndarray, "rows ..."], view: View) -> Shaped[np.ndarray, "rows ..."]:
    assert view.image is not None, "asked for pictures only"
    return values.reshape(len(values), *view.image)


def _observed(data: Data, name: str) -> np.ndarray | None:
    for masked, mask, start in data.transform.masks:
        if masked == name:
            rows = data[name]
            return data[mask].reshape(len(rows), -1)[:, start : start + rows[0].size].reshape(rows.shape)
    return None
