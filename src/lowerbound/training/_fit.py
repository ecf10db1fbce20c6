"""The training loop: chunks of steps, validation, the best state."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PRNGKeyArray

from lowerbound._key import as_key, named_key
from lowerbound.data import Data, as_data, batch_indices
from lowerbound.model import VAE, draw_noise, parameter_noise_shapes, realize
from lowerbound.objective import AbstractObjective, Penalized, Ready, make_ready, score_rows
from lowerbound.training._diagnosis import diagnose
from lowerbound.training._files import claim_folder, write_run
from lowerbound.training._history import History
from lowerbound.training._progress import Progress
from lowerbound.training._step import Constants, Keys, Program, Source, State, run_chunk, scheduled

#: Seconds that a chunk of steps is aimed at: often enough to look, rarely enough for Python not to count.
CHUNK_SECONDS = 0.5
#: Steps in a chunk, at most.
CHUNK_STEPS = 1024

Dataset = Data | Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A trained model and how it came about.

    Attributes:
        vae: The trained pair: the best state on the validation bound, or the last one where there is no `valid`.
        history: What happened, step by step.
        how: The objective that was raised.
    """

    vae: VAE
    history: History
    how: AbstractObjective


class NonFiniteError(RuntimeError):
    """A step's numbers were not finite; the run stopped before it.

    Attributes:
        step: The step, counted from 0.
        run: The run up to that step, whose state the bad step did not touch.
    """

    def __init__(self, message: str, step: int, run: Run):
        super().__init__(message)
        self.step = step
        self.run = run


def fit(
    vae: VAE,
    data: Dataset | Sequence[Dataset],
    how: AbstractObjective,
    *,
    key: PRNGKeyArray,
    optimizer: Any = None,
    batch_size: int = 128,
    epochs: int | None = None,
    steps: int | None = None,
    valid: Dataset | None = None,
    patience: int | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
    chunk_steps: int | None = None,
) -> Run:
    r"""Raise an objective over data by stochastic gradient ascent.

    Each step averages the objective over a batch, in nats a datum, and follows its gradient. A step is a pure
    function of (state, data, key, step number): epochs visit the rows in orders that follow from the key, and the
    noise of a row from (key, step, row). The same call gives the same parameters bit for bit on one machine.

    Args:
        vae: The pair to train; it is left as it is.
        data: `Data` or a mapping of arrays by name; or several with different names, such as labelled and unlabelled
            rows, which count by their sizes.
        how: The objective: a bound, possibly with penalties.
        key: Decides orders and noise.
        optimizer: An Optax optimizer; Adam at 1e-3 by default.
        batch_size: Rows of a step, over all data sets; cut to the number of rows.
        epochs: How often to visit the data; or
        steps: how many steps to take. One of the two.
        valid: Held-out rows. Their bound (without penalties, from the same base draws each time) is taken after every
            epoch, and the best state by it is returned.
        patience: Epochs without a better validation bound after which to stop.
        out: A new folder for `weights.safetensors` and `history.csv`; nothing is written without it.
        progress: Whether to show progress on stderr.
        chunk_steps: Steps between two looks from Python, found by timing unless given. It changes no result.

    Returns:
        The trained model with its history.

    Raises:
        ValueError: Data that do not fit the declaration (see `lowerbound.model.make_plan`), or settings that do not
            fit each other. Raised before training.
        NonFiniteError: A step's numbers were not finite. It names the step, the row and the feature, and carries the
            run up to that step.

    Example:
        >>> run = fit(vae, data.train, ELBO(), valid=data.valid, epochs=50, key=key)

    References:
        Kingma and Welling (2014), *Auto-Encoding Variational Bayes*, Algorithm 1, https://arxiv.org/abs/1312.6114.
    """
    key = as_key(key)
    _check_settings(batch_size, epochs, steps, valid, patience)
    optimizer = _default_optimizer() if optimizer is None else optimizer
    if not isinstance(optimizer, optax.GradientTransformation):
        raise TypeError(f"`optimizer` is {optimizer!r}; an Optax optimizer was needed, such as `optax.adam(1e-3)`.")
    readies = [make_ready(vae, dataset, how) for dataset in _datasets(data)]
    bound = how.bound if isinstance(how, Penalized) else how
    validation = None if valid is None else make_ready(vae, as_data(valid), bound)
    _check_penalties(vae, how, readies)
    folder = None if out is None else claim_folder(out)

    loop = _Loop(vae, readies, how, optimizer, batch_size, key, chunk_steps)
    total = steps if steps is not None else (epochs or 0) * loop.steps_per_epoch
    stopped = "steps" if steps is not None else "epochs"
    best, best_step, since_best = None, 0, 0
    if validation is None:
        loop.span = max(1, total - 2)  # two steps are timed first
    with Progress("fit", total, progress) as bar:
        while loop.t < total:
            due = (
                total if validation is None else min(total, (loop.t // loop.steps_per_epoch + 1) * loop.steps_per_epoch)
            )
            loop.advance(due, lambda amount: bar.advance(amount, loop.note()))
            if loop.failure is not None:
                if best is None:
                    best, best_step = loop.state, loop.t
                run = Run(loop.vae(best, best_step), loop.history(best_step, "a bad step"), how)
                if folder is not None:
                    write_run(folder, run.vae, run.history)
                raise NonFiniteError(loop.failure, loop.t, run)
            if validation is not None:
                value = loop.validate(validation, bound)
                if best is None or value > max(loop.valid[:-1]):
                    best, best_step, since_best = loop.state, loop.t, 0
                else:
                    since_best += 1
                if patience is not None and since_best >= patience:
                    stopped = "patience"
                    break
    if best is None:
        best, best_step = loop.state, loop.t
    run = Run(loop.vae(best, best_step), loop.history(best_step, stopped), how)
    if folder is not None:
        write_run(folder, run.vae, run.history)
    return run


@cache
def _default_optimizer() -> optax.GradientTransformation:
    """Make it once: an optimizer made anew is another function, for which the step would compile again."""
    return optax.adam(1e-3)


class _Loop:
    """The state of a run between two chunks."""

    def __init__(
        self,
        vae: VAE,
        readies: Sequence[Ready],
        how: AbstractObjective,
        optimizer: optax.GradientTransformation,
        batch_size: int,
        key: PRNGKeyArray,
        chunk_steps: int | None,
    ):
        sizes = [len(ready) for ready in readies]
        num_data = sum(sizes)
        batch_size = min(batch_size, num_data)
        self.sizes = sizes
        self.batch_sizes = [min(n, max(1, round(batch_size * n / num_data))) for n in sizes]
        self.steps_per_epoch = max(1, num_data // sum(self.batch_sizes))
        self.order_seeds = [
            int(jax.random.bits(jax.random.fold_in(named_key(key, "order"), i), dtype=jnp.uint32))
            for i in range(len(sizes))
        ]
        factors = [*vae.graph.p.values(), *vae.graph.q.values(), *vae.graph.values.values()]
        self.program = Program(
            graph=vae.graph,
            how=how,
            optimizer=optimizer,
            plans=tuple(ready.plan for ready in readies),
            shares=tuple(n / num_data for n in sizes),
            changes_units=tuple(ready.changes_units for ready in readies),
            num_data=num_data,
            wants_key=any(parent.name == "key" for factor in factors for parent in factor.parents),
        )
        trained, rest = eqx.partition(vae.free, eqx.is_inexact_array)
        self.constants = Constants(rest, vae.fixed)
        self.state = State(trained, optimizer.init(trained))
        self.sources = [
            Source(
                {name: jnp.asarray(array) for name, array in ready.data.arrays.items()},
                jnp.asarray(ready.data.row_ids, jnp.int32),
                ready.data.transform,
            )
            for ready in readies
        ]
        self.keys = Keys.of(named_key(key, "steps"), len(readies))
        self.valid_key = named_key(key, "valid")
        self.original = vae
        self.t = 0
        self.failure: str | None = None
        self.chunk_steps = chunk_steps
        self.span = self.steps_per_epoch
        self.traces: list[dict[str, np.ndarray]] = []
        self.seconds: list[float] = []
        self.valid: list[float] = []
        self.valid_errors: list[float] = []
        self.valid_steps: list[int] = []
        self._began = time.monotonic()
        self._warm = False

    def advance(self, due: int, report: Any) -> None:
        """Take steps until `due`, or until one of them goes bad.

        Two lengths of chunk are compiled: one step, and `chunk_steps`, chosen so that few steps are left over between
        two validations, or of the whole run.
        """
        while self.t < due and self.failure is None:
            length = self.chunk_steps if self.chunk_steps and due - self.t >= self.chunk_steps else 1
            before, started = self.state, time.monotonic()
            state, terms, is_finite = self._run(before, length)
            elapsed = time.monotonic() - started
            if not is_finite:
                self._replay(before, length)
                return
            self.state, self.t = state, self.t + length
            self._record(terms, length)
            report(length)
            if self.chunk_steps is None and self._warm:
                self.chunk_steps = _chunk_length(elapsed, self.span)
            self._warm = True

    def _indices(self, length: int) -> list[jax.Array]:
        return [
            jnp.asarray(batch_indices(seed, self.t, length, n, b))
            for seed, n, b in zip(self.order_seeds, self.sizes, self.batch_sizes, strict=True)
        ]

    def _run(self, state: State, length: int) -> tuple[State, dict[str, np.ndarray], bool]:
        """Take a chunk from here: the state after it, the terms of its steps, and whether all of it is finite."""
        state, trace = run_chunk(
            self.program, state, self.constants, self.sources, self._indices(length), jnp.asarray(self.t), self.keys
        )
        terms = {label: np.asarray(values, np.float64) for label, values in trace.terms.items()}
        return state, terms, bool(trace.is_finite) and all(np.isfinite(values).all() for values in terms.values())

    def _replay(self, state: State, length: int) -> None:
        """Go through a chunk again step by step, and stop before its first bad step."""
        self.state = state
        for _ in range(length):
            after, terms, is_finite = self._run(self.state, 1)
            if not is_finite:
                batches = [indices[0] for indices in self._indices(1)]
                reason = diagnose(self.program, self.state, self.constants, self.sources, batches, self.t, self.keys)
                self.failure = f"The run stopped before step {self.t}: {reason}."
                return
            self.state, self.t = after, self.t + 1
            self._record(terms, 1)

    def _record(self, terms: dict[str, np.ndarray], length: int) -> None:
        self.traces.append(terms)
        self.seconds += [time.monotonic() - self._began] * length

    def validate(self, ready: Ready, bound: AbstractObjective) -> float:
        """Take the validation bound of the current state, with the same base draws each time."""
        vae = self.vae(self.state, self.t)
        noise = draw_noise(parameter_noise_shapes(vae.graph, vae.free), named_key(self.valid_key, "parameters"))
        realized = realize(vae.graph, vae.free, vae.fixed, noise)
        scores = score_rows(ready, bound, realized, key=self.valid_key, step=jnp.asarray(self.t))
        mean = float(scores.values.mean())
        # Numbers gone bad must never be the best: nan compares as neither better nor worse.
        self.valid.append(mean if np.isfinite(mean) else -np.inf)
        self.valid_errors.append(float(scores.values.std(ddof=1) / np.sqrt(len(ready))) if len(ready) > 1 else np.nan)
        self.valid_steps.append(self.t)
        return self.valid[-1]

    def vae(self, state: State, t: int) -> VAE:
        """Put a state into the model."""
        free = eqx.combine(state.trained, self.constants.rest)
        # A schedule is read where the last step read it.
        fixed = scheduled(self.program.graph, self.constants.fixed, jnp.asarray(max(t - 1, 0)))
        counts = jnp.asarray(self.program.num_data), jnp.asarray(t)
        return eqx.tree_at(
            lambda vae: (vae.free, vae.fixed, vae.num_data, vae.num_steps), self.original, (free, fixed, *counts)
        )

    def note(self) -> str:
        """Say in a few words how it goes."""
        last = self.traces[-1]
        note = f"{sum(values[-1] for values in last.values()):.2f} nats"
        return f"{note}, valid {self.valid[-1]:.2f}" if self.valid else note

    def history(self, best_step: int, stopped: str) -> History:
        """Put together what happened."""
        # In the order of the formula; compiled functions return names sorted.
        formula = [term.label for plan in self.program.plans for term in plan.terms]
        labels = sorted(
            self.traces[0] if self.traces else {}, key=lambda x: formula.index(x) if x in formula else len(formula)
        )
        return History(
            terms={label: np.concatenate([trace[label] for trace in self.traces]) for label in labels},
            seconds=np.array(self.seconds, np.float64),
            valid_steps=np.array(self.valid_steps, np.int64),
            valid=np.array(self.valid, np.float64),
            valid_standard_errors=np.array(self.valid_errors, np.float64),
            best_step=best_step,
            steps_per_epoch=self.steps_per_epoch,
            stopped=stopped,
        )


def _chunk_length(seconds_per_step: float, span: int) -> int:
    """Choose the steps of a chunk: about half a second's, and such that a span of steps leaves few over."""
    most = int(np.clip(CHUNK_SECONDS / max(seconds_per_step, 1e-9), 1, min(CHUNK_STEPS, max(span, 1))))
    if most < span:  # so that timings that differ a little choose the same length, which is compiled already
        most = 2 ** int(np.log2(most))
    candidates = range(max(1, most // 2), most + 1)
    return min(candidates, key=lambda length: (span % length, -length))


def _check_settings(
    batch_size: int, epochs: int | None, steps: int | None, valid: Dataset | None, patience: int | None
) -> None:
    if (epochs is None) == (steps is None):
        got = "neither" if epochs is None else "both"
        raise ValueError(f"`fit` takes one of `epochs` and `steps`, got {got}. Write `epochs=50`, for example.")
    numbers = (("batch_size", batch_size), ("epochs", epochs), ("steps", steps), ("patience", patience))
    for name, number in numbers:
        if number is not None and (not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1):
            raise ValueError(f"`{name}` is {number!r}; a whole number from 1 up was needed.")
    if patience is not None and valid is None:
        raise ValueError("`patience` waits for a better validation bound, so it needs `valid`. Pass held-out rows.")


def _datasets(data: Dataset | Sequence[Dataset]) -> list[Data]:
    datasets = [data] if isinstance(data, Data | Mapping) else list(data) if isinstance(data, list | tuple) else []
    if not datasets or not all(isinstance(dataset, Data | Mapping) for dataset in datasets):
        raise TypeError(
            f"`data` is of type {type(data).__name__}; `Data`, a mapping of arrays by name, or a list of these was "
            f'needed. Write `{{"x": x}}`.'
        )
    return [as_data(dataset) for dataset in datasets]


def _check_penalties(vae: VAE, how: AbstractObjective, readies: Sequence[Ready]) -> None:
    for index, penalty in enumerate(how.penalties if isinstance(how, Penalized) else (), 1):
        penalty.check(vae.graph)
        if not any(penalty.applies(ready.plan) for ready in readies):
            names = ", ".join(f"`{parent.name}`" for parent in penalty.factor(index).parents)
            raise ValueError(
                f"Penalty {index} takes {names}, of which in every data set one is averaged over, summed out or "
                f"missing, so it would never count. Pass rows in which they are observed."
            )
