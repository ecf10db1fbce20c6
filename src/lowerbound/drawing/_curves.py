"""Learning curves: the objective and the validation bound as the training went on."""

import math

import numpy as np
from jaxtyping import Float

from lowerbound.drawing._chart import WIDTH, Panel, chart, dots, legend, line, notes, numbers, shortened, words
from lowerbound.drawing._palette import color
from lowerbound.drawing._scale import Scale, around, number
from lowerbound.training import History

#: Points of the means, of the raw steps and of the validations, at most.
_MEANS, _RAW, _VALIDATIONS = 160, 400, 120
#: The part of a run whose steep rise the range of the axis ignores, so that the rest can be read, if it would make
#: the range more than so many times as long.
_RISE, _ROOM = 0.2, 2.5
#: Panels for terms, at most.
_TERMS = 6
_TRAINED, _VALID = color(0), color(1)


def learning_curves(history: History) -> str:
    """Draw the objective of each step and its running mean, the validation bound, and below each term by itself.

    Where a run begins with a steep rise, the vertical axis fits what follows its first fifth, and a note says where it
    began. Long runs
    are thinned: each stretch of steps keeps its least and its greatest value.

    Args:
        history: What `fit` returns as `run.history`.

    Returns:
        Inline SVG, whose text and axes have the colour of the text around it.
    """
    if not len(history):
        return chart("Learning curves", "No step was taken.", 40, [words("No step was taken.", WIDTH / 2, 24)])
    means = _Means(history)
    main = _Curve(history.objective, means, history)
    parts, top = [], 0.0
    key, used = legend(_legend(means, history), 44, top, WIDTH)
    top += used + 26
    panel = Panel(44, top, WIDTH - 54, 230, Scale(0, means.epochs), main.scale)
    parts += [key, panel.axes("epochs", "nats a datum, higher is better"), main.draw(panel)]
    parts.append(_kept(panel, history))
    top = panel.bottom + 44
    terms = list(history.terms.items())[:_TERMS] if len(history.terms) > 1 else []
    for index, (label, values) in enumerate(terms):
        left, row = 44 + index % 2 * WIDTH / 2, top + 26 + index // 2 * 160
        curve = _Curve(np.asarray(values), means)
        small = Panel(left, row, WIDTH / 2 - 54, 96, Scale(0, means.epochs), curve.scale)
        title = shortened(label.replace("-", "\N{MINUS SIGN}").replace("||", "‖"), WIDTH / 2 - 14, 11.5)
        parts += [small.axes("", "", title=title, ticks=(4, 3), size=10), curve.draw(small)]
    top += 160 * -(-len(terms) // 2) - (4 if terms else 0)
    said = []
    if main.first < main.scale.low:
        said.append(f"The axis leaves out the first fifth, which began at {number(main.first, 0)} nats.")
    if len(history.terms) > _TERMS:
        said.append(f"The first {_TERMS} of {len(history.terms)} terms are drawn.")
    below, used = notes(said, top)
    return chart("Learning curves", _description(history, means), top + used, [*parts, below])


class _Means:
    """How the steps are averaged: over epochs, or over a fraction or several of them."""

    def __init__(self, history: History):
        self.total = len(history)
        self.per_epoch = history.steps_per_epoch
        self.epochs = self.total / self.per_epoch
        if self.epochs >= 8:
            num_epochs = math.ceil(self.epochs / _MEANS)
            self.window = num_epochs * self.per_epoch
            over = "each epoch" if num_epochs == 1 else f"{num_epochs} epochs"
        else:
            self.window = max(1, self.total // 40)
            over = "each step" if self.window == 1 else f"{self.window} steps"
        self.words = "training objective" if self.window == 1 else f"training objective, mean of {over}"

    def __call__(self, values: Float[np.ndarray, " steps"]) -> tuple[np.ndarray, np.ndarray]:
        """Return the middle of each window, in epochs, and the mean in it."""
        starts = np.arange(0, self.total, self.window)
        sizes = np.diff(np.append(starts, self.total))
        return (starts + sizes / 2) / self.per_epoch, np.add.reduceat(values, starts) / sizes


class _Curve:
    """One quantity of each step: its means, its thinned steps and the range in which both are seen."""

    def __init__(self, values: Float[np.ndarray, " steps"], means: _Means, history: History | None = None):
        self.epoch, self.mean = means(values)
        self.raw_epoch, self.raw = _envelope(values, means.per_epoch)
        self.first = float(min(values[0], self.mean[0]))
        late = self.epoch >= min(_RISE * means.epochs, self.epoch[-1])
        # Nineteen in twenty of the later steps, so that one bad batch does not set the range either.
        spread = np.quantile(values[len(values) // 2 :], [0.05, 0.95])
        seen = [self.mean[late], spread]
        whole = [self.mean]
        self.valid = None
        if history is not None and len(history.valid):
            at = np.unique(
                np.append(
                    np.linspace(0, len(history.valid) - 1, min(_VALIDATIONS, len(history.valid))).astype(int),
                    int(np.argmax(history.valid)),
                )
            )
            epoch, bound = history.valid_steps[at] / means.per_epoch, history.valid[at]
            error = np.nan_to_num(history.valid_standard_errors[at])
            self.valid = epoch, bound, error
            after = epoch >= min(_RISE * means.epochs, epoch[-1])
            seen += [bound[after] - error[after], bound[after] + error[after]]
            whole.append(bound)
        end, everything = around(*seen, margin=0.07), around(*seen, *whole, margin=0.07)
        # A rise that leaves the end readable is shown from its start.
        self.scale = everything if everything.length <= _ROOM * end.length else end

    def draw(self, panel: Panel) -> str:
        parts = []
        if len(self.raw) > len(self.mean):
            raw = panel.points(self.raw_epoch, self.raw)
            parts.append(line(raw, f'stroke="{_TRAINED}" stroke-opacity="0.35" stroke-width="0.7"'))
        mean = panel.points(self.epoch, self.mean)
        parts.append(line(mean, f'stroke="{_TRAINED}" stroke-width="2"'))
        if len(mean) < 3:
            parts.append(dots(mean, _TRAINED, 6))
        if self.valid is not None:
            epoch, bound, error = self.valid
            upper, lower = panel.points(epoch, bound + error), panel.points(epoch, bound - error)
            band = line(np.concatenate([upper, lower[::-1]]), f'fill="{_VALID}" fill-opacity="0.2" stroke="none"')
            bars = [line(np.stack(pair), f'stroke="{_VALID}"') for pair in zip(upper, lower, strict=True)]
            points = panel.points(epoch, bound)
            parts += [band] if len(epoch) > 2 else bars
            parts.append(line(points, f'stroke="{_VALID}" stroke-width="1.6" stroke-dasharray="5 3"'))
            parts.append(dots(points, _VALID, 4.5 if len(points) <= 40 else 2.5))
        return panel.clipped(*parts)


def _envelope(values: Float[np.ndarray, " steps"], per_epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Thin steps: of each stretch keep the least and the greatest value, in their order."""
    at = np.arange(len(values))
    if len(values) > _RAW:
        stretches = np.array_split(at, _RAW // 2)
        at = np.concatenate([np.unique([s[np.argmin(values[s])], s[np.argmax(values[s])]]) for s in stretches])
    return (at + 0.5) / per_epoch, values[at]


def _kept(panel: Panel, history: History) -> str:
    """Mark the state that was returned."""
    if not len(history.valid):
        return ""
    x = float(panel.across(history.best_step / history.steps_per_epoch))
    on_the_left = x > (panel.left + panel.right) / 2
    text = f"kept: step {history.best_step:,}"
    return (
        f'<path d="M{numbers(x, panel.top)}V{numbers(panel.bottom)}" stroke="currentColor" stroke-opacity="0.6" '
        'stroke-dasharray="1.5 3"/>'
        + words(
            text, x + (-5 if on_the_left else 5), panel.bottom - 8, size=11, anchor="end" if on_the_left else "start"
        )
    )


def _legend(means: _Means, history: History) -> list[tuple[str, str]]:
    items = [(f'<path d="M-9 0H9" stroke="{_TRAINED}" stroke-width="2"/>', means.words)]
    if len(history.valid):
        drawing = (
            f'<path d="M-9-5H9V5H-9z" fill="{_VALID}" fill-opacity="0.2"/>'
            f'<path d="M-9 0H9" stroke="{_VALID}" stroke-width="1.6" stroke-dasharray="5 3"/>'
            f'<circle r="2.4" fill="{_VALID}"/>'
        )
        items.append((drawing, "validation bound ± 1 standard error"))
    return items


def _description(history: History, means: _Means) -> str:
    _, mean = means(history.objective)
    text = (
        f"The objective rose from {history.objective[0]:.2f} to {mean[-1]:.2f} nats a datum in {len(history):,} steps "
        f"({means.epochs:.4g} epochs)."
    )
    if len(history.valid):
        best = int(np.argmax(history.valid))
        error = history.valid_standard_errors[best]
        text += (
            f" The best validation bound is {history.valid[best]:.2f} ± {error:.2g}; step {history.best_step} is kept."
        )
    return text
