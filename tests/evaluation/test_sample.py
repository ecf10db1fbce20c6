"""Samples follow the model, at the inputs that are given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from assertions import assert_mean
from lowerbound.dist import Normal
from lowerbound.evaluation import sample

KEY = jax.random.key(0)


def linear() -> lb.VAE:
    """x = 2 z + 1 + 0.5 e."""
    p = lb.Joint(z=Normal(0.0, 1.0), x=lambda z, b: Normal(2 * z + b, 0.5), b=jnp.ones(()))
    return lb.VAE(p, lb.Joint(z=lambda x: Normal(x, 1.0)), key=KEY)


def conditional() -> lb.VAE:
    """x is near s + t[0], the scale is that of the input's own dtype; u may be left out."""
    p = lb.Joint(
        s=lb.Input((), int),
        t=lb.Input(2),
        u=lb.Input(),
        m=lb.Input(3, bool),
        h=lambda t: t[0],
        z=Normal(0.0, 1e-3),
        x=lambda z, s, h, m, u=None: Normal(z + s + h + jnp.zeros(3), 1e-3 if u is None else u).mask(m),
    )
    return lb.VAE(p, lb.Joint(z=lambda x: Normal(x.sum(), 1.0)), key=KEY)


INPUTS = {"s": 4, "t": np.array([10.0, 0.0]), "m": np.zeros(3, bool)}


def test_samples_have_the_models_moments():
    draws = sample(linear(), 40_000, key=KEY)
    assert set(draws) == {"z", "x"}
    assert_mean(draws["x"], 1.0, resolves=0.2)
    assert_mean((draws["x"] - 1) ** 2, 4.25, resolves=0.6)
    assert_mean((draws["x"] - 1) * draws["z"], 2.0, resolves=0.3)


@pytest.mark.parametrize("num_samples", [1, 127, 128, 129])
def test_a_sample_does_not_feel_how_many_there_are(num_samples):
    whole, part = sample(linear(), 300, key=KEY), sample(linear(), num_samples, key=KEY)
    for name in whole:
        assert part[name].shape == (num_samples,)
        np.testing.assert_array_equal(part[name], whole[name][:num_samples])
    assert len(np.unique(whole["z"])) == 300


def test_inputs_are_for_all_or_for_each():
    """Whole numbers are good floats; what the mask hides is drawn all the same. 0.02 is 12 standard deviations."""
    draws = sample(conditional(), 200, key=KEY, inputs=INPUTS)
    assert set(draws) == {"z", "x"}
    assert np.abs(draws["x"] - 14).max() < 0.02
    assert draws["x"].std() > 0
    each = {**INPUTS, "s": np.arange(200), "t": np.arange(400).reshape(200, 2)}
    draws = sample(conditional(), 200, key=KEY, inputs=each)
    assert np.abs(draws["x"] - 3 * np.arange(200)[:, None]).max() < 0.02


def test_an_optional_input_may_be_given():
    draws = sample(conditional(), 2_000, key=KEY, inputs={**INPUTS, "u": 2.0})
    assert_mean((draws["x"] - 14) ** 2, 4.0, resolves=1.0)


@pytest.mark.parametrize(
    ("num_samples", "inputs", "message"),
    [
        (
            3,
            None,
            "p conditions on the input `s`, of which the model has no distribution, so `sample` needs its value. Pass "
            '`inputs={"s": ...}`: one value for all data, or one for each of the 3.',
        ),
        (
            3,
            {"s": 1},
            "p conditions on the input `t`, of which the model has no distribution, so `sample` needs its value. Pass "
            '`inputs={"t": ...}`: one value for all data, or one for each of the 3.',
        ),
        (
            3,
            {**INPUTS, "ss": 2},
            "`inputs` names `ss`, but the declared inputs are `s`, `t`, `u`, `m`. Did you mean `s`?",
        ),
        (3, {**INPUTS, "x": 2.0}, "`inputs` names `x`, but the declared inputs are `s`, `t`, `u`, `m`."),
        (
            3,
            {**INPUTS, "t": np.zeros((4, 2))},
            "The input `t` has shape (4, 2), but one datum's is (2,). Pass that for all data, or shape (3, 2), one for "
            "each.",
        ),
        (
            3,
            {**INPUTS, "s": 1.0},
            "The input `s` is float64, but it is declared as int32. Cast it with `.astype(int32)`.",
        ),
        (0, INPUTS, "`num_samples` is 0; a whole number from 1 up was needed."),
    ],
)
def test_wrong_inputs_are_refused(num_samples, inputs, message):
    with pytest.raises(ValueError) as caught:
        sample(conditional(), num_samples, key=KEY, inputs=inputs)
    assert str(caught.value) == message
