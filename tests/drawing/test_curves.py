"""Learning curves: any run gives a small chart whose end can be read."""

import numpy as np
import pytest
from charts import read_chart, texts

from lowerbound.drawing import learning_curves
from lowerbound.training import History


def history(steps: int, per_epoch: int = 10, *, valid: bool = True, terms: int = 2, best: int | None = None) -> History:
    rng = np.random.default_rng(0)
    rise = -90 - 1e5 * np.exp(-np.arange(steps) / 3) + rng.normal(size=steps)
    at = np.arange(per_epoch, steps + 1, per_epoch) if valid else np.zeros(0, int)
    values = {f"log p(x{i} | <z>)": rise / terms for i in range(terms)}
    return History(
        terms={label: np.asarray(v, np.float64) for label, v in values.items()},
        seconds=np.linspace(0, 1, steps),
        valid_steps=at.astype(np.int64),
        valid=rise[at - 1] - 1,
        valid_standard_errors=np.full(len(at), 0.5),
        best_step=(int(at[-1]) if len(at) else steps) if best is None else best,
        steps_per_epoch=per_epoch,
        stopped="epochs",
    )


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("terms", [1, 2, 9])
@pytest.mark.parametrize(("steps", "per_epoch"), [(1, 1), (1, 10), (2, 1), (7, 10), (100, 10), (50_000, 13), (3, 1)])
def test_any_run_gives_a_small_chart(steps, per_epoch, terms, valid):
    root = read_chart(learning_curves(history(steps, per_epoch, valid=valid, terms=terms)), max_bytes=70_000)
    words = texts(root)
    assert any("kept" in word for word in words) == (valid and steps >= per_epoch)
    assert ("The first 6 of 9 terms are drawn." in " ".join(words)) == (terms == 9)


def test_the_first_steps_do_not_set_the_range():
    words = texts(read_chart(learning_curves(history(400))))
    assert "−90" in words
    assert "The axis leaves out the first fifth, which began at −100,090 nats." in " ".join(words)


def test_it_says_what_it_shows():
    root = read_chart(learning_curves(history(400, best=380)))
    words = texts(root)
    assert "training objective, mean of each epoch" in words
    assert "validation bound ± 1 standard error" in words
    assert "nats a datum, higher is better" in words
    assert "kept: step 380" in words
    assert "400 steps (40 epochs)" in root[1].text


def test_a_run_of_no_step_says_so():
    assert texts(read_chart(learning_curves(history(0, valid=False)))) == ["No step was taken."]


def test_a_gentle_rise_is_shown_from_its_start():
    none = np.zeros(0)
    gentle = History(
        {"a": np.linspace(-9.0, -8.0, 20)}, np.arange(20.0), none.astype(np.int64), none, none, 20, 5, "steps"
    )
    assert not any("frame" in word for word in texts(read_chart(learning_curves(gentle))))
