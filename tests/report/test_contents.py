"""The page of every kind of model says what is true of it, and is drawn as far as it can be."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lowerbound as lb
from lowerbound.data import Data, Parts
from lowerbound.dist import Bernoulli, Categorical, Normal, greater_than
from lowerbound.nn import MLP, Gaussian
from lowerbound.report import labels_of, make_page, needs_labels, render, score_parts, unlabeled

KEY = jax.random.key(0)
RANDOM = np.random.default_rng(0)
ROWS = 60
TABLE = RANDOM.normal(2.0, [1.0, 20.0, 300.0], (ROWS, 3))
PICTURES = RANDOM.integers(0, 2, (ROWS, 4, 4)).astype(np.uint8)
LABELS = RANDOM.integers(0, 3, ROWS)


def normal(*latents):
    """A linear p(x | latents) of a table of three columns, with a scale for each."""
    return {"x": lb.given(lambda *z, w, scale: None, *latents)} if False else {}


def table_model():
    p = lb.Joint(
        h=Normal(jnp.zeros(2), 1.0),
        x=lambda h, w, scale: Normal(h @ w, scale),
        w=jnp.ones((2, 3)),
        scale=lb.Param(jnp.array([1.0, 1.0, 1e-3 * 1.01]), support=greater_than(1e-3)),
    )
    return p, lb.Joint(h=lambda x, phi: Normal(*phi(x)), phi=Gaussian(3, 2, hidden=(4,)))


def masked_model():
    p = lb.Joint(
        m=lb.Input(3, bool),
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, m, w: Normal(z @ w, 1.0).mask(m),
        w=jnp.ones((2, 3)),
    )
    return p, lb.Joint(z=lambda x, m, phi: Normal(*phi(x, m)), phi=Gaussian(6, 2, hidden=(4,)))


def picture_model(**more):
    p = lb.Joint(
        more,
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(2, (4, 4), hidden=(4,)),
    )
    return p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 2, hidden=(4,)))


def conditional_model():
    p = lb.Joint(
        y=lb.Input((), int),
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, y, theta: Bernoulli(logits=theta(z, jax.nn.one_hot(y, 3))),
        theta=MLP(5, (4, 4), hidden=(4,)),
    )
    return p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 2, hidden=(4,)))


def semisupervised_model():
    p = lb.Joint(
        y=Categorical(logits=jnp.zeros(3)),
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, y, theta: Bernoulli(logits=theta(z, jax.nn.one_hot(y, 3))),
        theta=MLP(5, (4, 4), hidden=(4,)),
    )
    q = lb.Joint(
        y=lambda x, c: Categorical(logits=c(x)),
        z=lambda x, y, phi: Normal(*phi(x, jax.nn.one_hot(y, 3))),
        c=MLP(16, 3, hidden=(4,)),
        phi=Gaussian(19, 2, hidden=(4,)),
    )
    return p, q


def supervised_model():
    """q(z | x, y) needs the label, and q does not infer it."""
    p, q = semisupervised_model()
    return p, lb.Joint(z=q.declared["z"], phi=Gaussian(19, 2, hidden=(4,)))


def clusters_model():
    """A mixture without q: x depends on what is summed out."""
    p = lb.Joint(
        c=Categorical(logits=jnp.zeros(3)),
        x=lambda c, means: Normal(means[c], 1.0),
        means=jnp.asarray(RANDOM.normal(size=(3, 3)), jnp.float32),
    )
    return p, None


def ladder_model():
    p = lb.Joint(
        z2=Normal(jnp.zeros(2), 1.0),
        z1=lambda z2, g: Normal(*g(z2)),
        x=lambda z1, w: Normal(z1 @ w, 1.0),
        g=Gaussian(2, 3, hidden=(4,)),
        w=jnp.ones((3, 3)),
    )
    q = lb.Joint(
        z2=lambda x, e2: Normal(*e2(x)),
        z1=lambda x, z2, e1: Normal(*e1(x, z2)),
        e2=Gaussian(3, 2, hidden=(4,)),
        e1=Gaussian(5, 3, hidden=(4,)),
    )
    return p, q


def random_parameter_model():
    p = lb.Joint(
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda z, w: Normal(z @ w, 1.0),
        w=lb.Param(jnp.ones((2, 3)), prior=Normal(0.0, 1.0)),
    )
    return p, lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(3, 2, hidden=(4,)))


HOLES = np.where(RANDOM.random(TABLE.shape) < 0.2, np.nan, TABLE)
MODELS = {
    "a table": (table_model, Data(x=TABLE).standardize()),
    "gaps": (masked_model, Data(x=HOLES).missing().standardize("x")),
    "pictures": (picture_model, Data(x=PICTURES, y=LABELS)),
    "binarized": (picture_model, Data(x=PICTURES * 200).binarize("stochastic")),
    "conditional": (conditional_model, Data(x=PICTURES, y=LABELS)),
    "semi-supervised": (semisupervised_model, Data(x=PICTURES, y=np.where(LABELS == 2, -1, LABELS))),
    "supervised": (supervised_model, Data(x=PICTURES, y=LABELS)),
    "clusters": (clusters_model, Data(x=TABLE).standardize()),
    "a ladder": (ladder_model, Data(x=TABLE).standardize()),
    "random parameters": (random_parameter_model, Data(x=TABLE).standardize()),
}


@pytest.fixture(scope="module")
def pages():
    """Make the page of each model when it is first asked for."""
    made = {}

    def page(name):
        if name not in made:
            declare, data = MODELS[name]
            vae = lb.VAE(*declare(), key=KEY)
            parts = Parts(*data.split(key=KEY, valid=10, test=20))
            train = parts.train if needs_labels(vae, parts.train) else unlabeled(vae, parts.train)
            run = lb.fit(vae, train, lb.ELBO(), steps=2, key=KEY, progress=False)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("lowerbound.report._scores.ELBO_SAMPLES", 4)
                patch.setattr("lowerbound.report._scores.IWAE_SAMPLES", 8)
                patch.setattr("lowerbound.report._figures.PRIOR_DRAWS", 128)
                scored = score_parts(run.vae, parts.train, parts.test, key=KEY, progress=False)
                told = make_page(
                    run.vae,
                    lb.ELBO(),
                    run.history,
                    parts,
                    scored,
                    title="a run",
                    lead="A model of E_coli - v_2.npy.",
                    command="lowerbound fit E_coli",
                    again="lowerbound fit E_coli",
                    settings={"data": {"path": "E_coli"}},
                    classes=(),
                    seed=0,
                    key=KEY,
                )
            made[name] = SimpleNamespace(vae=run.vae, parts=parts, page=told, html=render(told))
        return made[name]

    return page


@pytest.mark.parametrize("name", MODELS)
def test_it_is_a_page_with_its_scores(pages, name):
    made = pages(name)
    assert made.html.startswith("<!doctype html>")
    assert len(made.html) < 3_000_000
    assert "A model of E_coli - v_2.npy." in made.html  # a file's name is no formula
    first, *_, last = made.page.scores
    assert first.name == "ELBO"
    assert last.name.startswith("independent ")
    assert last.estimate.mean == pytest.approx(last.estimate.values.mean())
    for score in made.page.scores:
        assert np.isfinite(score.estimate.mean)


EVIDENCE = {
    "a table": "log p(x), IWAE-8",
    "gaps": "log p(x), IWAE-8",
    "conditional": "log p(x | y), IWAE-8",
    "semi-supervised": "log p(x), IWAE-8",
    "supervised": "log p(x, y), IWAE-8",
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_score_says_what_it_is_of(pages, name):
    assert pages(name).page.scores[1].name == EVIDENCE[name]


FIGURES = {
    "a table": ["Reconstructions", "Samples", "Map of h"],
    "gaps": ["Reconstructions", "Samples", "Map of z"],
    "pictures": ["Reconstructions", "Samples", "Samples, as means", "Map of z", "Decoded plane"],
    "binarized": ["Reconstructions", "Samples", "Samples, as means", "Map of z", "Decoded plane"],
    "conditional": ["Reconstructions", "Samples", "Samples, as means", "Map of z"],  # one plane for each condition
    "clusters": ["Samples"],
    "a ladder": ["Reconstructions", "Samples", "Map of z1", "Map of z2"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_it_shows_what_can_be_drawn(pages, name):
    assert [figure.title for figure in pages(name).page.figures] == FIGURES[name]


def captions(made):
    return " ".join(figure.caption for figure in made.page.figures)


def test_captions_name_the_model_s_own_variables(pages):
    assert "p(x | h)" in captions(pages("a table"))
    assert "p(x | z)" not in captions(pages("a table"))
    assert "p(x | z1)" in captions(pages("a ladder"))
    assert "given the y of test rows" in captions(pages("conditional"))
    assert "p(x | y, z)" in captions(pages("conditional")) or "p(x | z, y)" in captions(pages("conditional"))
    assert "all 20 test rows" in captions(pages("a table"))


def test_semi_supervised_rows_are_scored_with_their_label_too(pages):
    made = pages("semi-supervised")
    with_label = made.page.scores[2]
    assert with_label.name == "ELBO with y"
    assert len(with_label.estimate) == (made.parts.test["y"] >= 0).sum()
    assert any("labelled test rows" in note for note in made.page.notes)


def test_a_scale_at_its_floor_is_said_with_its_column(pages):
    (note,) = [note for note in pages("a table").page.notes if "floor" in note]
    assert note.startswith("scale is at its floor, 0.001, for x[2]: ")


def test_a_model_that_is_no_better_than_its_baseline_is_said_to_be_so(pages):
    notes = " ".join(pages("pictures").page.notes)
    assert "the model is no better than independent pixels" in notes or "no better" not in notes
    made = pages("pictures")
    difference = made.page.scores[-1].estimate.values - made.page.scores[1].estimate.values
    weak = difference.mean() > 2 * difference.std(ddof=1) / np.sqrt(20)
    assert weak == ("no better" in notes)


def test_random_parameters_widen_the_error_over_data(pages):
    estimate = pages("random parameters").page.scores[0].estimate
    assert estimate.standard_error >= estimate.monte_carlo_error


def test_what_are_labels():
    assert labels_of(Data(x=TABLE)) is None
    assert labels_of(Data(x=TABLE, y=TABLE[:, 0])) is None  # reals
    assert labels_of(Data(x=TABLE, y=PICTURES)) is None
    np.testing.assert_array_equal(labels_of(Data(x=TABLE, y=LABELS)), LABELS)


@pytest.mark.parametrize(("name", "needs"), [("pictures", False), ("conditional", True), ("supervised", True)])
def test_a_model_needs_labels_if_nothing_can_be_done_without(name, needs):
    declare, data = MODELS[name]
    assert needs_labels(lb.VAE(*declare(), key=KEY), data) == needs


def test_and_not_if_q_infers_them():
    declare, data = MODELS["semi-supervised"]
    vae = lb.VAE(*declare(), key=KEY)
    assert not needs_labels(vae, data)
    assert unlabeled(vae, data).names == ("x",)
