"""Weights and history come back from their files as they were, or not at all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.dist import Normal, positive
from lowerbound.nn import MLP, Gaussian
from lowerbound.training import History, read_weights, weight_names, write_run

KEY = jax.random.key(0)


def declare(key, size=3, name="theta"):
    p = lb.Joint(
        {name: MLP(2, size, hidden=(4,))},
        z=Normal(jnp.zeros(2), 1.0),
        x=lb.given(lambda z, net, scale, shift: Normal(net(z) + shift, scale), net=name),
        scale=lb.Param(1.0, support=positive),
        shift=lb.Fixed(jnp.arange(size).astype(float)),
        w=lb.Param(jnp.zeros(2), prior=Normal(0.0, 1.0)),
    )
    q = lb.Joint(z=lambda x, w, phi: Normal(phi(x)[0] + w, phi(x)[1]), phi=Gaussian(size, 2, hidden=(4,)))
    return lb.VAE(p, q, key=key)


@pytest.fixture(scope="module")
def run():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    return lb.fit(
        declare(KEY),
        {"x": rows[:30]},
        lb.ELBO(),
        epochs=3,
        batch_size=10,
        key=KEY,
        valid={"x": rows[30:]},
        progress=False,
    )


def test_weights_come_back_bit_for_bit(run, tmp_path):
    write_run(tmp_path, run.vae, run.history)
    read = read_weights(tmp_path / "weights.safetensors", declare(jax.random.key(1)))
    assert jax.tree.structure(read.free) == jax.tree.structure(run.vae.free)
    for before, after in zip(jax.tree.leaves(run.vae), jax.tree.leaves(read), strict=True):
        np.testing.assert_array_equal(before, after)
    assert (int(read.num_data), int(read.num_steps)) == (30, int(run.vae.num_steps))


def test_names_are_paths_and_arrays_in_c_order(run, tmp_path):
    from safetensors import safe_open

    write_run(tmp_path, run.vae, run.history)
    with safe_open(tmp_path / "weights.safetensors", "np") as file:
        names = set(file.keys())
    assert names == set(weight_names(run.vae))
    assert {"theta.layers.0.weight", "phi.net.layers.1.bias", "scale", "shift"} <= names


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (
            lambda: declare(KEY, size=4),
            "`theta.layers.1.weight` is float32 of shape (4, 3) in `{path}`, but float32 of shape (4, 4) in the "
            "declaration. These are weights of another declaration.",
        ),
        (
            lambda: declare(KEY, name="decoder"),
            "`{path}` has no `decoder.layers.0.weight`, which the declaration has. Did you mean "
            "`theta.layers.0.weight`? These are weights of another declaration.",
        ),
    ],
)
def test_weights_of_another_declaration_are_refused(run, tmp_path, like, message):
    write_run(tmp_path, run.vae, run.history)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ValueError) as refusal:
        read_weights(path, like())
    assert str(refusal.value) == message.format(path=path)


def test_what_is_no_file_of_weights_is_refused(tmp_path):
    with pytest.raises(ValueError) as refusal:
        read_weights(tmp_path / "w", declare(KEY))
    assert str(refusal.value) == f"There is no file `{tmp_path / 'w'}`. Was this run trained to its end?"
    (tmp_path / "w").write_bytes(b"\x00" * 40)
    with pytest.raises(ValueError, match="cannot be read as weights"):
        read_weights(tmp_path / "w", declare(KEY))


def test_a_history_comes_back(run):
    history = run.history
    read = History.from_csv(
        history.to_csv(),
        best_step=history.best_step,
        steps_per_epoch=history.steps_per_epoch,
        stopped=history.stopped,
    )
    assert read.to_csv() == history.to_csv()
    for name in ("valid", "valid_steps", "valid_standard_errors"):
        np.testing.assert_array_equal(getattr(read, name), getattr(history, name))
    assert list(read.terms) == list(history.terms)
    for label, values in history.terms.items():
        np.testing.assert_array_equal(read.terms[label], values)


def test_another_table_is_no_history():
    with pytest.raises(ValueError) as refusal:
        History.from_csv("a,b,c,d,e,f,g\n", best_step=1, steps_per_epoch=1, stopped="epochs")
    assert str(refusal.value) == "This is no history: its columns are a, b, c, d, e, f, g."
