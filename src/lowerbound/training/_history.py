"""What happened in a run, step by step."""

import csv
import io
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class History:
    """The objective of each step and the validation bounds, in nats a datum of the data's original units.

    Attributes:
        terms: For each step, the terms of the objective by label, averaged over the step's batch. They are taken
            before the step's update.
        seconds: For each step, the time since the run began at which its chunk was done; compiling included.
        valid_steps: The number of steps that had been taken at each validation.
        valid: The validation bound, averaged over the validation data, at each of them.
        valid_standard_errors: Its standard error over the validation data.
        best_step: The number of steps of the state that was returned.
        steps_per_epoch: Steps that visit as many rows as there are data.
        stopped: Why the run ended: "epochs", "steps", or "patience".
    """

    terms: dict[str, Float64[np.ndarray, " steps"]]
    seconds: Float64[np.ndarray, " steps"]
    valid_steps: Int64[np.ndarray, " validations"]
    valid: Float64[np.ndarray, " validations"]
    valid_standard_errors: Float64[np.ndarray, " validations"]
    best_step: int
    steps_per_epoch: int
    stopped: str

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def objective(self) -> Float64[np.ndarray, " steps"]:
        """The objective of each step: the sum of its terms."""
        return sum(self.terms.values(), start=np.zeros(len(self)))

    def to_csv(self) -> str:
        """Write one line a step: its number, epoch, seconds, objective and terms, and the validation bound if any."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step", "epoch", "seconds", "objective", *self.terms, "valid", "valid_standard_error"])
        validations = {
            int(step): (repr(float(value)), repr(float(error)))
            for step, value, error in zip(self.valid_steps, self.valid, self.valid_standard_errors, strict=True)
        }
        objective = self.objective
        for t in range(len(self)):
            numbers = [repr(float(values[t])) for values in self.terms.values()]
            writer.writerow(
                [
                    t + 1,
                    f"{(t + 1) / self.steps_per_epoch:.4f}",
                    f"{self.seconds[t]:.3f}",
                    repr(float(objective[t])),
                    *numbers,
                    *validations.get(t + 1, ("", "")),
                ]
            )
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, *, best_step: int, steps_per_epoch: int, stopped: str) -> "History":
        """Read what `to_csv` wrote; the rest of a history stands beside it.

        Raises:
            ValueError: It is something else.
        """
        head, *lines = csv.reader(io.StringIO(text))
        first, *labels, last, _ = head[3:]
        if head[:4] != ["step", "epoch", "seconds", "objective"] or first != "objective" or last != "valid":
            raise ValueError(f"This is no history: its columns are {', '.join(head)}.")
        taken = [line for line in lines if line[-2]]
        return cls(
            terms={
                label: np.array([float(line[4 + i]) for line in lines], np.float64) for i, label in enumerate(labels)
            },
            seconds=np.array([float(line[2]) for line in lines], np.float64),
            valid_steps=np.array([int(line[0]) for line in taken], np.int64),
            valid=np.array([float(line[-2]) for line in taken], np.float64),
            valid_standard_errors=np.array([float(line[-1]) for line in taken], np.float64),
            best_step=best_step,
            steps_per_epoch=steps_per_epoch,
            stopped=stopped,
        )

    def __repr__(self) -> str:
        epochs = len(self) / self.steps_per_epoch
        words = [f"{len(self)} steps ({epochs:.4g} epochs)"]
        if len(self):
            last = self.objective[-self.steps_per_epoch :].mean()
            words.append(f"objective {self.objective[0]:.2f} nats at first, {last:.2f} over the last epoch")
        if len(self.valid):
            words.append(f"best validation bound {self.valid.max():.2f} at step {self.best_step}")
        if len(self):
            words.append(f"{self.seconds[-1]:.1f} s")
        return f"History({'; '.join(words)}; stopped by {self.stopped})"

    def _repr_html_(self) -> str:
        from lowerbound.drawing import learning_curves

        return f"{learning_curves(self)}<p>{escape(repr(self))}</p>"
