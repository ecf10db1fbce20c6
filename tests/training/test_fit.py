"""Training: exact repetition, the best state, several data sets, numbers gone bad."""

import csv
import functools
import io
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, MultivariateNormal, Normal, lower_cholesky, positive
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO, IWAE, Penalty

KEY = jax.random.key(3)


def bits(num: int = 200, size: int = 6) -> np.ndarray:
    """Binary rows with two clusters."""
    rng = np.random.default_rng(0)
    means = np.where(rng.random((num, 1)) < 0.5, 0.9, 0.15)
    return (rng.random((num, size)) < means).astype(np.uint8)


@functools.cache
def plain_vae():
    """One object for most tests: runs of one graph share their compiled step."""
    return small_vae()


def small_vae(**changes):
    p = {"z": Normal(np.zeros(2, np.float32), 1.0), "x": lambda z, theta: Bernoulli(logits=theta(z))}
    p |= {"theta": MLP(2, 6, hidden=(8,))}
    q = {"z": lambda x, phi: Normal(*phi(x)), "phi": Gaussian(6, 2, hidden=(8,))}
    return lb.VAE(lb.Joint(p | changes), lb.Joint(q), key=KEY)


def leaves(vae) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((vae.free, vae.fixed)) if eqx.is_array(leaf)]


def assert_same_bits(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.tobytes() == b.tobytes()


def fit(vae=None, data=None, how=None, **settings):
    # Chunks of one step compile one program only.
    settings = {"key": KEY, "batch_size": 16, "progress": False, "chunk_steps": 1} | settings
    data = {"x": bits()} if data is None else data
    return lb.fit(vae or plain_vae(), data, how or ELBO(), **settings)


# Repetition.


@pytest.mark.parametrize("how", [ELBO(2), IWAE(10)], ids=lambda how: how.name)
def test_the_same_call_gives_the_same_bits(how):
    assert_same_bits(fit(how=how, steps=30).vae, fit(how=how, steps=30).vae)


def test_chunks_do_not_change_a_bit():
    """128 steps in chunks of 64, of 32 and of 2, stochastic binarization and dropout included."""
    grey = lb.Data(x=np.random.default_rng(1).random((200, 6)).astype(np.float32)).binarize("stochastic")
    vae = small_vae(x=lambda z, theta, key: Bernoulli(logits=theta(z, key=key)), theta=MLP(2, 6, (8,), dropout=0.2))
    runs = [fit(vae, grey, steps=128, chunk_steps=length) for length in (64, 32, 2)]
    assert_same_bits(runs[0].vae, runs[1].vae)
    assert_same_bits(runs[0].vae, runs[2].vae)
    for label, values in runs[0].history.terms.items():
        np.testing.assert_array_equal(values, runs[2].history.terms[label])


def test_the_length_of_a_chunk_is_found_by_timing():
    run = fit(epochs=6, chunk_steps=None)
    assert_same_bits(run.vae, fit(epochs=6).vae)


def test_another_key_gives_another_run():
    with pytest.raises(AssertionError):
        assert_same_bits(fit(steps=5).vae, fit(steps=5, key=jax.random.key(4)).vae)


def test_a_longer_run_begins_as_the_shorter_one():
    short, long = fit(steps=20), fit(steps=40)
    np.testing.assert_array_equal(short.history.objective, long.history.objective[:20])


def test_the_step_is_traced_once_for_a_length():
    traced = []

    def likelihood(z, theta):
        traced.append(1)
        return Bernoulli(logits=theta(z))

    vae = small_vae(x=likelihood)
    fit(vae, steps=16, chunk_steps=8)
    few = len(traced)
    fit(vae, steps=80, chunk_steps=8)
    assert len(traced) == few


def test_the_model_that_goes_in_is_left_as_it_is():
    vae = small_vae()
    before = leaves(vae)
    fit(vae, steps=5)
    for a, b in zip(before, leaves(vae), strict=True):
        np.testing.assert_array_equal(a, b)


# The objective in training is the objective.


def test_the_first_step_reports_the_bound_of_the_first_batch():
    """History's number is the mean of `elbo` over the rows of the batch: summed over entries, averaged over rows."""
    vae = small_vae()
    run = fit(vae, steps=1, batch_size=200)
    scores = lb.evaluate(vae, {"x": bits()}, ELBO(400), key=KEY, progress=False)
    difference = run.history.objective[0] - scores.mean
    assert abs(difference) < 6 * math.sqrt(scores.standard_errors.mean() ** 2 * 400 / 200)


def test_terms_add_up_and_the_csv_holds_them():
    run = fit(steps=25, valid={"x": bits(40)})
    history = run.history
    assert list(history.terms) == ["log p(x | z)", "-KL(q(z | x) || p(z))"]
    rows = list(csv.DictReader(io.StringIO(history.to_csv())))
    assert len(rows) == len(history) == 25
    for row in rows:
        parts = [float(row[label]) for label in history.terms]
        assert float(row["objective"]) == pytest.approx(sum(parts), rel=1e-12)
    assert [int(row["step"]) for row in rows if row["valid"]] == list(history.valid_steps) == [12, 24, 25]


def test_densities_are_in_original_units():
    """Standardizing by hand and by `Data` give one objective up to log|det J|, which is -sum log sd."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(100, 3)) * [0.1, 10.0, 1000.0] + 5).astype(np.float32)
    p = lb.Joint(
        z=Normal(np.zeros(2, np.float32), 1.0),
        x=lambda z, w, s: Normal(z @ w, s),
        w=jnp.ones((2, 3)) / 9,
        s=lb.Param(1.0, support=positive),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(3, 2, hidden=()))
    vae = lb.VAE(p, q, key=KEY)
    by_data = fit(vae, lb.Data(x=x).standardize(), steps=4)
    by_hand = fit(
        vae, {"x": ((x - x.mean(0, dtype=np.float64)) / x.std(0, dtype=np.float64)).astype(np.float32)}, steps=4
    )
    log_det = -np.log(x.std(0, dtype=np.float64)).sum()
    np.testing.assert_allclose(by_data.history.objective, by_hand.history.objective + log_det, rtol=1e-4)
    assert by_data.history.terms["log|det J|"] == pytest.approx(log_det, rel=1e-5)


def test_a_linear_model_reaches_its_maximum_likelihood():
    """Probabilistic PCA: the maximum is known from the eigenvalues of the covariance (Tipping and Bishop 1999)."""
    rng = np.random.default_rng(5)
    x = (rng.normal(size=(500, 2)) @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(500, 4))).astype(np.float32)
    x -= x.mean(0)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    noise = eigenvalues[2:].mean()
    best = -0.5 * (4 * math.log(2 * math.pi) + np.log(eigenvalues[:2]).sum() + 2 * math.log(noise) + 4)
    p = lb.Joint(
        z=Normal(np.zeros(2, np.float32), 1.0),
        x=lambda z, w, s: Normal(z @ w, s),
        w=jnp.asarray(rng.normal(size=(2, 4)), jnp.float32),
        s=lb.Param(1.0, support=positive),
    )
    q = lb.Joint(
        z=lambda x, a, t: MultivariateNormal(x @ a, scale_tril=t),
        a=jnp.zeros((4, 2)),
        t=lb.Param(jnp.eye(2), support=lower_cholesky),
    )
    run = fit(
        lb.VAE(p, q, key=KEY),
        {"x": x},
        steps=1000,
        chunk_steps=500,
        batch_size=250,
        optimizer=optax.adam(optax.cosine_decay_schedule(5e-2, 1000)),
    )
    reached = lb.evaluate(run.vae, {"x": x}, ELBO(64), key=KEY, progress=False)
    # The bound is tight, since q holds the exact posterior; what is left is the optimizer's and Monte Carlo error.
    assert best - 0.02 < reached.mean < best + 4 * reached.monte_carlo_error


# Which state is returned.


def test_the_best_state_on_the_validation_bound_is_returned():
    run = fit(epochs=6, valid={"x": bits(60)}, optimizer=optax.adam(0.3))
    history = run.history
    assert history.best_step == history.valid_steps[np.argmax(history.valid)]
    assert int(run.vae.num_steps) == history.best_step
    again = fit(steps=history.best_step, optimizer=optax.adam(0.3))
    assert_same_bits(run.vae, again.vae)


def test_without_validation_the_last_state_is_returned():
    run = fit(epochs=2)
    assert run.history.best_step == len(run.history) == int(run.vae.num_steps)
    assert int(run.vae.num_data) == 200


def test_patience_stops():
    run = fit(epochs=500, valid={"x": bits(60)}, patience=2, optimizer=optax.adam(0.5))
    history = run.history
    assert history.stopped == "patience"
    assert np.argmax(history.valid) == len(history.valid) - 3


# Several data sets, penalties, schedules, randomness.


def m2():
    p = lb.Joint(
        y=Categorical(logits=np.zeros(2, np.float32)),
        z=Normal(np.zeros(2, np.float32), 1.0),
        x=lambda y, z, theta: Bernoulli(logits=theta(jax.nn.one_hot(y, 2), z)),
        theta=MLP(4, 6, hidden=(8,)),
    )
    q = lb.Joint(
        y=lambda x, clf: Categorical(logits=clf(x)),
        z=lambda x, y, phi: Normal(*phi(x, jax.nn.one_hot(y, 2))),
        clf=MLP(6, 2, hidden=(8,)),
        phi=Gaussian(8, 2, hidden=(8,)),
    )
    return lb.VAE(p, q, key=KEY)


def labelled_and_unlabelled():
    x = bits()
    return [{"x": x[:50], "y": (x[:50].sum(1) > 3).astype(np.int32)}, {"x": x[50:]}]


CLASSIFY = Penalty(lambda x, y, clf: -Categorical(logits=clf(x)).log_prob(y), weight=10.0)


def test_data_sets_count_by_their_sizes():
    """One step over all rows: the objective is the mean over all rows of both sets."""
    vae, data = m2(), labelled_and_unlabelled()
    run = fit(vae, data, steps=1, batch_size=200)
    parts = [lb.evaluate(vae, part, ELBO(400), key=KEY, progress=False) for part in data]
    expected = (50 * parts[0].mean + 150 * parts[1].mean) / 200
    spread = np.concatenate([part.standard_errors for part in parts]).mean() * math.sqrt(400 / 200)
    assert abs(run.history.objective[0] - expected) < 6 * spread


def test_a_penalty_trains_the_classifier_on_labelled_rows_only():
    vae, data = m2(), labelled_and_unlabelled()
    how = ELBO() + CLASSIFY
    run = fit(vae, data, how, steps=1, batch_size=200)
    logits = jax.vmap(vae.parameters["clf"])(jnp.asarray(data[0]["x"], jnp.float32))
    cross_entropy = float(optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(data[0]["y"])).mean())
    assert run.history.terms["-penalty 1"][0] == pytest.approx(-10 * cross_entropy * 50 / 200, rel=1e-5)


def test_labels_alone_leave_the_classifier_untrained():
    """With y observed, q(y | x) is no part of the bound: its gradient is zero without the penalty."""
    vae, data = m2(), labelled_and_unlabelled()
    plain = fit(vae, data[0], steps=3).vae
    penalized = fit(vae, data[0], ELBO() + CLASSIFY, steps=3).vae
    start = jax.tree.leaves(vae.free["clf"])[0]
    np.testing.assert_array_equal(jax.tree.leaves(plain.free["clf"])[0], start)
    assert np.abs(jax.tree.leaves(penalized.free["clf"])[0] - start).max() > 0


def test_a_penalty_that_never_counts_is_refused():
    with pytest.raises(ValueError) as caught:
        fit(m2(), labelled_and_unlabelled()[1], ELBO() + CLASSIFY, steps=1)
    assert str(caught.value) == (
        "Penalty 1 takes `x`, `y`, `clf`, of which in every data set one is averaged over, summed out or missing, so "
        "it would never count. Pass rows in which they are observed."
    )


def test_a_penalty_of_an_unknown_name_is_refused():
    with pytest.raises(ValueError) as caught:
        fit(m2(), labelled_and_unlabelled(), ELBO() + Penalty(lambda cfl: cfl), steps=1)
    assert str(caught.value) == "A penalty names `cfl`, which neither p nor q declares. Did you mean `clf`?"


def test_a_penalty_is_a_scalar_and_captures_nothing():
    with pytest.raises(ValueError) as caught:
        fit(how=ELBO() + Penalty(lambda z: 3.0 * z), steps=1)
    assert str(caught.value) == "A penalty has shape (2,); a scalar for one datum was needed. Sum it."
    net = MLP(6, 1).make(key=KEY)
    with pytest.raises(lb.CapturedParameterError) as caught:
        fit(how=ELBO() + Penalty(lambda x: net(x)[0]), steps=1)
    assert "uses the network `net` without naming it" in str(caught.value)
    with pytest.raises(TypeError) as caught:
        Penalty(lambda x: x, weight="much")
    assert str(caught.value) == ("The weight of a penalty is 'much'; a number was needed, or a function of the step.")


@pytest.mark.parametrize("how", [ELBO(), IWAE(3)], ids=lambda how: how.name)
def test_penalties_go_with_every_bound(how):
    """Also with a finite latent in q, which a weight sums inside the log, and a penalty on a deterministic value."""
    run = fit(m2(), {"x": bits()}, how + Penalty(lambda x, clf: jnp.sum(clf(x) ** 2)), steps=2)
    assert (run.history.terms["-penalty 1"] < 0).all()


@pytest.mark.parametrize("how", [ELBO(4), IWAE(5)], ids=lambda how: how.name)
def test_nothing_drawn_is_no_trouble(how):
    """With the only latent summed out every draw is the evidence."""
    p = lb.Joint(
        y=Categorical(logits=np.zeros(2, np.float32)),
        x=lambda y, theta: Bernoulli(logits=theta(jax.nn.one_hot(y, 2))),
        theta=MLP(2, 6, hidden=(3,)),
    )
    vae = lb.VAE(p, key=KEY)
    run = fit(vae, how=how, steps=1, batch_size=200)
    evidence = lb.evaluate(vae, {"x": bits()}, IWAE(1), key=KEY, progress=False)
    assert run.history.objective[0] == pytest.approx(evidence.mean, rel=1e-6)


def test_missing_entries_must_be_masked_in_the_likelihood():
    """A zero that stands for a missing entry would be scored as if it had been observed."""
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    x[::7, 1] = np.nan
    q = lb.Joint(z=lambda x, m, phi: Normal(*phi(x, m)), phi=Gaussian(6, 2, hidden=(4,)))

    def declare(likelihood):
        p = lb.Joint(m=lb.Input(3, bool), z=Normal(np.zeros(2, np.float32), 1.0), x=likelihood, theta=MLP(2, 3, (4,)))
        return lb.VAE(p, q, key=KEY)

    data = lb.Data(x=x).missing()
    fit(declare(lambda z, m, theta: Normal(theta(z), 1.0).mask(m)), data, steps=1)
    with pytest.raises(ValueError) as caught:
        fit(declare(lambda z, theta: Normal(theta(z), 1.0)), data, steps=1)
    assert str(caught.value) == (
        "`x` has missing entries, marked by `m`, but its likelihood scores all entries. Let its factor take `m`, "
        "declared as an `Input`, and return `distribution.mask(m)`."
    )


@pytest.mark.parametrize("how", [ELBO(2), IWAE(2)], ids=lambda how: how.name)
def test_labels_alone_are_scored_by_their_prior(how):
    """With x latent too, and nothing observed below z, both drop out and log p(y) is left, exactly."""
    estimate = lb.evaluate(m2(), {"y": np.array([0, 1, 1])}, how, key=KEY, progress=False)
    np.testing.assert_allclose(estimate.values, np.log(0.5), rtol=1e-6)


def test_labels_are_whole_numbers():
    x = bits()
    with pytest.raises(ValueError) as caught:
        fit(m2(), {"x": x, "y": np.zeros(len(x), np.float32)}, steps=1)
    assert str(caught.value) == (
        "`y` is float32, but its likelihood is a Categorical over whole numbers. Cast it with `.astype(int)`."
    )


def test_weights_follow_the_step():
    how = ELBO() + Penalty(lambda x: jnp.ones(()), weight=lambda t: 0.5 * t)
    run = fit(how=how, steps=4)
    np.testing.assert_array_equal(run.history.terms["-penalty 1"], [0.0, -0.5, -1.0, -1.5])


def test_a_schedule_drives_a_fixed_value():
    vae = small_vae(
        x=lambda z, theta, tau: Bernoulli(logits=theta(z) / tau), tau=lb.Fixed(2.0, schedule=lambda t: 2.0 - 0.1 * t)
    )
    run = fit(vae, steps=5)
    assert float(run.vae.parameters["tau"]) == pytest.approx(1.6)


def test_fixed_values_stay():
    vae = small_vae(
        x=lambda z, theta, m: Bernoulli(logits=theta(z) + m), m=lb.Fixed(MLP(2, 6).make(key=KEY).layers[0].bias[:6])
    )
    run = fit(vae, steps=5)
    np.testing.assert_array_equal(run.vae.parameters["m"], vae.parameters["m"])


def test_dropout_acts_in_training_only():
    vae = small_vae(x=lambda z, theta, key: Bernoulli(logits=theta(z, key=key)), theta=MLP(2, 6, (64,), dropout=0.5))
    without = small_vae(x=lambda z, theta: Bernoulli(logits=theta(z)), theta=MLP(2, 6, (64,)))
    assert fit(vae, steps=1).history.objective[0] != fit(without, steps=1).history.objective[0]
    scores = [lb.evaluate(model, {"x": bits()}, ELBO(), key=KEY, progress=False).values for model in (vae, without)]
    np.testing.assert_array_equal(*scores)


# Numbers gone bad.


def overflowing():
    """Finite data whose row 137 overflows float32 when it is squared."""
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    x[137, 1] = 1e25
    p = lb.Joint(
        z=Normal(np.zeros(2, np.float32), 1.0), x=lambda z, theta: Normal(theta(z), 1.0), theta=MLP(2, 3, (4,))
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(jnp.tanh(x))), phi=Gaussian(3, 2, hidden=(4,)))
    return lb.VAE(p, q, key=KEY), lb.Data(x=x).allow_outliers("x")


@pytest.mark.parametrize("chunk_steps", [None, 1, 6])
def test_a_bad_step_changes_nothing_and_is_named(chunk_steps):
    vae, data = overflowing()
    with pytest.raises(lb.NonFiniteError) as caught:
        fit(vae, data, epochs=3, chunk_steps=chunk_steps)
    error = caught.value
    assert str(error) == (
        f"The run stopped before step {error.step}: the objective of row 137 is not finite; its most unusual feature "
        f"is x[1] = 1e+25."
    )
    assert len(error.run.history) == error.run.history.best_step == int(error.run.vae.num_steps) == error.step
    assert error.run.history.stopped == "a bad step"
    if error.step:
        assert_same_bits(error.run.vae, fit(vae, data, steps=error.step).vae)


def test_the_bad_step_does_not_depend_on_chunks():
    vae, data = overflowing()
    steps = []
    for chunk_steps in (1, 6):
        with pytest.raises(lb.NonFiniteError) as caught:
            fit(vae, data, epochs=3, chunk_steps=chunk_steps)
        steps.append(caught.value.step)
    assert steps[0] == steps[1]


def test_an_exploding_optimizer_is_told_from_a_bad_row():
    with pytest.raises(lb.NonFiniteError) as caught:
        fit(steps=50, optimizer=optax.sgd(1e38))
    assert "lower the learning rate" in str(caught.value) or "is not finite" in str(caught.value)
    assert all(np.isfinite(leaf).all() for leaf in leaves(caught.value.run.vae))


# Settings and files.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "`fit` takes one of `epochs` and `steps`, got neither. Write `epochs=50`, for example."),
        (
            {"epochs": 1, "steps": 1},
            "`fit` takes one of `epochs` and `steps`, got both. Write `epochs=50`, for example.",
        ),
        ({"epochs": 0}, "`epochs` is 0; a whole number from 1 up was needed."),
        ({"steps": 3, "batch_size": -1}, "`batch_size` is -1; a whole number from 1 up was needed."),
        (
            {"epochs": 1, "patience": 3},
            "`patience` waits for a better validation bound, so it needs `valid`. Pass held-out rows.",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError) as caught:
        fit(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"x": np.zeros((10, 2, 3), np.uint8)},
            "`x` has shape (10, 2, 3), so one datum is (2, 3), but p declares `x` of shape (6,). Flatten it, or "
            "declare an image likelihood.",
        ),
        (
            {"x": np.zeros((10, 7), np.uint8)},
            "`x` has shape (10, 7), so one datum is (7,), but p declares `x` of shape (6,). Reshape it, or "
            "declare that shape.",
        ),
        (
            {"x": np.full((10, 6), 0.25, np.float32)},
            "`x[0]` is 0.25 in row 0, which is outside of the support of its likelihood, Bernoulli: Boolean(). "
            'Binarize the data, `data.binarize("stochastic")`, or declare a likelihood for grey levels.',
        ),
        (
            {"pixels": np.zeros((10, 6))},
            "The data name `pixels`, which nobody declares; declared are `z`, `x`. Declare it, or leave it out: "
            "`data.only(...)`.",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(data, message):
    with pytest.raises(ValueError) as caught:
        fit(data=data, steps=1)
    assert str(caught.value) == message


def test_an_input_of_another_kind_is_refused():
    vae = small_vae(s=lb.Input((), int), x=lambda z, s, theta: Bernoulli(logits=s * theta(z)))
    with pytest.raises(ValueError) as caught:
        fit(vae, {"x": bits(), "s": np.ones(200, np.float32)}, steps=1)
    assert str(caught.value) == (
        "The input `s` is float32, but it is declared as `Input(..., int)`. Cast it with `.astype(int)`, or declare "
        "the input as it is."
    )


def test_no_file_is_written_without_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(steps=2)
    assert list(tmp_path.iterdir()) == []


def test_out_holds_weights_by_name_and_the_history(tmp_path):
    from safetensors.numpy import load_file

    run = fit(steps=2, out=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["history.csv", "weights.safetensors"]
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    assert {name.split(".")[0] for name in weights} == {"theta", "phi"}
    np.testing.assert_array_equal(weights["theta.layers.0.weight"], run.vae.free["theta"].layers[0].weight)


def test_a_folder_in_use_is_refused_before_training(tmp_path):
    (tmp_path / "note").write_text("mine")
    with pytest.raises(ValueError) as caught:
        fit(steps=2, out=tmp_path)
    assert str(caught.value) == (
        f"`out` is {tmp_path}, which exists and is not an empty folder. Choose another, or remove it."
    )
