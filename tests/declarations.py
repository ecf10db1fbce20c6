"""A gallery: models of the field, each as it is declared, with data that it should explain and the plan it should get.

Each function returns p and q, written as in the papers. `DECLARATIONS` holds them with what is known of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jax.nn import one_hot, softmax

import lowerbound as lb
from lowerbound.dist import (
    ZINB2,
    Bernoulli,
    Categorical,
    LogNormal,
    Normal,
    Poisson,
    mixture,
    positive,
    unit_interval,
)
from lowerbound.nn import MLP, ConvGaussian, Deconv, Gaussian, product_of_gaussians
from lowerbound.objective import ELBO, AbstractObjective, Penalty

Pair = tuple[lb.Joint, lb.Joint]


# The declarations.


def plain() -> Pair:
    """The VAE of Kingma and Welling (2014), https://arxiv.org/abs/1312.6114."""
    p = lb.Joint(
        z=Normal(jnp.zeros(3), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(3, 16, hidden=(32,)),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 3, hidden=(32,)))
    return p, q


def ladder() -> Pair:
    """Two levels; p and q share the top-down network (Sønderby et al. 2016, https://arxiv.org/abs/1602.02282)."""
    p = lb.Joint(
        z2=Normal(jnp.zeros(2), 1.0),
        z1=lambda z2, top_down: Normal(*top_down(z2)),
        x=lambda z1, decoder: Bernoulli(logits=decoder(z1)),
        top_down=Gaussian(2, 4, hidden=(16,)),
        decoder=MLP(4, 16, hidden=(32,)),
    )
    q = lb.Joint(
        h=lambda x, bottom_up: bottom_up(x),
        z2=lambda h, top: Normal(*top(h)),
        z1=lambda z2, h, top_down, low: Normal(*product_of_gaussians(top_down(z2), low(h))),
        bottom_up=MLP(16, 24, hidden=(32,)),
        top=Gaussian(24, 2, hidden=()),
        low=Gaussian(24, 4, hidden=()),
    )
    return p, q


def semi_supervised() -> Pair:
    """M2 of Kingma et al. (2014), https://arxiv.org/abs/1406.5298: y is observed in some rows, enumerated in others."""
    p = lb.Joint(
        y=Categorical(logits=jnp.zeros(4)),
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda y, z, decoder: Bernoulli(logits=decoder(one_hot(y, 4), z)),
        decoder=MLP(6, 16, hidden=(32,)),
    )
    q = lb.Joint(
        y=lambda x, classifier: Categorical(logits=classifier(x)),
        z=lambda x, y, encoder: Normal(*encoder(x, one_hot(y, 4))),
        classifier=MLP(16, 4, hidden=(32,)),
        encoder=Gaussian(20, 2, hidden=(32,)),
    )
    return p, q


def mixture_prior() -> Pair:
    """A mixture of Gaussians as the prior; q leaves the component out, so it is summed out."""
    p = lb.Joint(
        c=Categorical(logits=jnp.zeros(5)),
        z=lambda c, mu: Normal(mu[c], 1.0),
        x=lambda z, decoder: Bernoulli(logits=decoder(z)),
        mu=2 * np.random.default_rng(0).normal(size=(5, 3)),
        decoder=MLP(3, 16, hidden=(32,)),
    )
    q = lb.Joint(z=lambda x, encoder: Normal(*encoder(x)), encoder=Gaussian(16, 3, hidden=(32,)))
    return p, q


def mixture_prior_inferred() -> Pair:
    """The same p; q infers the component from z, by enumeration."""
    p, _ = mixture_prior()
    q = lb.Joint(
        z=lambda x, encoder: Normal(*encoder(x)),
        c=lambda z, classifier: Categorical(logits=classifier(z)),
        encoder=Gaussian(16, 3, hidden=(32,)),
        classifier=MLP(3, 5, hidden=()),
    )
    return p, q


def bayesian_decoder() -> Pair:
    """Full variational Bayes, appendix F of Kingma and Welling (2014): `plain` with one word changed."""
    p = lb.Joint(
        z=Normal(jnp.zeros(3), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=lb.Param(MLP(3, 16, hidden=(16,)), prior=Normal(0.0, 1.0)),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 3, hidden=(32,)))
    return p, q


def conditional() -> Pair:
    """A conditional VAE (Sohn et al. 2015): the label is given with each datum and never inferred."""
    p = lb.Joint(
        y=lb.Input((), int),
        z=Normal(jnp.zeros(2), 1.0),
        x=lambda y, z, decoder: Bernoulli(logits=decoder(one_hot(y, 4), z)),
        decoder=MLP(6, 16, hidden=(32,)),
    )
    q = lb.Joint(
        z=lambda x, y, encoder: Normal(*encoder(x, one_hot(y, 4))),
        encoder=Gaussian(20, 2, hidden=(32,)),
    )
    return p, q


def convolutional() -> Pair:
    """Pictures, channels last."""
    p = lb.Joint(
        z=Normal(jnp.zeros(4), 1.0),
        x=lambda z, decoder: Bernoulli(logits=decoder(z)),
        decoder=Deconv(4, (8, 8, 1), channels=(16, 8)),
    )
    q = lb.Joint(
        z=lambda x, encoder: Normal(*encoder(x)),
        encoder=ConvGaussian((8, 8, 1), 4, channels=(8, 16)),
    )
    return p, q


def sigma_vae() -> Pair:
    """One trained scale for all of x (Rybkin et al. 2021, https://arxiv.org/abs/2006.13202)."""
    p = lb.Joint(
        z=Normal(jnp.zeros(3), 1.0),
        x=lambda z, decoder, sigma: Normal(decoder(z), sigma),
        decoder=MLP(3, 12, hidden=(32,)),
        sigma=lb.Param(1.0, support=positive),
    )
    q = lb.Joint(z=lambda x, encoder: Normal(*encoder(x)), encoder=Gaussian(12, 3, hidden=(32,)))
    return p, q


def single_cell() -> Pair:
    """Counts of genes by batch s, with a latent library size: scVI (Lopez et al. 2018)."""
    p = lb.Joint(
        s=lb.Input((), int),
        lib_mean=lb.Fixed(np.log([60.0, 120.0])),
        lib_std=lb.Fixed(np.array([0.4, 0.4])),
        z=Normal(jnp.zeros(3), 1.0),
        size=lambda s, lib_mean, lib_std: LogNormal(lib_mean[s], lib_std[s]),
        x=lambda z, s, size, rate, drop, r: ZINB2(
            mean=size * softmax(rate(z, one_hot(s, 2))), concentration=r, gate_logits=drop(z, one_hot(s, 2))
        ),
        rate=MLP(5, 16, hidden=(32,), layer_norm=True),
        drop=MLP(5, 16, hidden=(16,)),
        r=lb.Param(jnp.ones(16), support=positive),
    )
    q = lb.Joint(
        z=lambda x, s, encoder: Normal(*encoder(jnp.log1p(x), one_hot(s, 2))),
        size=lambda x, library: LogNormal(*library(jnp.log1p(x))),
        encoder=Gaussian(18, 3, hidden=(32,), layer_norm=True),
        library=Gaussian(16, (), hidden=(16,)),
    )
    return p, q


def mixed_table() -> Pair:
    """Columns of three kinds with missing entries; m tells the observed ones (Nazábal et al. 2020, HI-VAE)."""
    p = lb.Joint(
        m=lb.Input(6, bool),
        z=Normal(jnp.zeros(2), 1.0),
        num=lambda z, m, d1: Normal(*d1(z)).mask(m[:3]),
        cat=lambda z, m, d2: Categorical(logits=d2(z)).mask(m[3:5]),
        cnt=lambda z, m, d3: Poisson(jnp.exp(d3(z))).mask(m[5:]),
        d1=Gaussian(2, 3, hidden=(16,)),
        d2=MLP(2, (2, 4), hidden=(16,)),
        d3=MLP(2, 1, hidden=(16,)),
    )
    q = lb.Joint(
        z=lambda num, cat, cnt, m, encoder: Normal(*encoder(num, one_hot(cat, 4), jnp.log1p(cnt), m)),
        encoder=Gaussian(3 + 8 + 1 + 6, 2, hidden=(32,)),
    )
    return p, q


def two_views() -> Pair:
    """A product of experts over the views that are there (Wu and Goodman 2018, https://arxiv.org/abs/1802.05335)."""
    p = lb.Joint(
        z=Normal(jnp.zeros(3), 1.0),
        a=lambda z, decoder_a: Bernoulli(logits=decoder_a(z)),
        b=lambda z, decoder_b: Normal(decoder_b(z), 0.5),
        decoder_a=MLP(3, 12, hidden=(32,)),
        decoder_b=MLP(3, 8, hidden=(32,)),
    )
    q = lb.Joint(
        z=lambda encoder_a, encoder_b, a=None, b=None: Normal(
            *product_of_gaussians(
                (jnp.zeros(3), jnp.ones(3)),
                None if a is None else encoder_a(a),
                None if b is None else encoder_b(b),
            )
        ),
        encoder_a=Gaussian(12, 3, hidden=(32,)),
        encoder_b=Gaussian(8, 3, hidden=(32,)),
    )
    return p, q


def vamp_prior() -> Pair:
    """Two levels under a mixture of posteriors at pseudo-inputs (Tomczak and Welling 2018); p uses q's network."""

    def posterior(x, e2):
        return Normal(*e2(x))

    p = lb.Joint(
        u=lb.Param(np.random.default_rng(0).uniform(0.1, 0.9, (8, 16)), support=unit_interval),
        z2=lambda u, e2: mixture(posterior, u, e2),
        z1=lambda z2, g: Normal(*g(z2)),
        x=lambda z1, z2, decoder: Bernoulli(logits=decoder(z1, z2)),
        g=Gaussian(2, 2, hidden=(16,)),
        decoder=MLP(4, 16, hidden=(32,)),
    )
    q = lb.Joint(
        z2=posterior,
        z1=lambda x, z2, e1: Normal(*e1(x, z2)),
        e2=Gaussian(16, 2, hidden=(32,)),
        e1=Gaussian(18, 2, hidden=(32,)),
    )
    return p, q


def identifiable() -> Pair:
    """The prior's moments follow an auxiliary variable u: iVAE (Khemakhem et al. 2020)."""
    p = lb.Joint(
        u=lb.Input(2),
        z=lambda u, prior: Normal(*prior(u)),
        x=lambda z, decoder: Normal(decoder(z), 0.1),
        prior=Gaussian(2, 2, hidden=(16,)),
        decoder=MLP(2, 8, hidden=(32,)),
    )
    q = lb.Joint(z=lambda x, u, encoder: Normal(*encoder(x, u)), encoder=Gaussian(10, 2, hidden=(32,)))
    return p, q


# The data: each has factors that independent features miss.


@dataclass(frozen=True)
class Sets:
    """What to train on, and held-out rows of the same kind, one data set for each pattern of names."""

    train: list[lb.Data]
    held_out: list[lb.Data]


HELD_OUT = 200


def parted(arrays: dict[str, np.ndarray], declare: Callable[[lb.Data], lb.Data] = lambda data: data) -> Sets:
    """Keep the last rows back."""
    data = declare(lb.Data(arrays))
    return Sets([data[:-HELD_OUT]], [data[-HELD_OUT:]])


def drawn_bits(rng: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    return (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.uint8)


def low_rank_bits() -> Sets:
    """16 bits whose logits are linear in three factors."""
    rng = np.random.default_rng(1)
    return parted({"x": drawn_bits(rng, 3 * rng.normal(size=(1000, 3)) @ rng.normal(size=(3, 16)))})


def labelled_bits(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """16 bits: a pattern for each of four classes, and a stroke within it that is there or not."""
    patterns, strokes = 3 * rng.choice([-1, 1], (4, 16)), rng.choice([0, 6], (4, 16), p=(0.7, 0.3))
    y = rng.integers(4, size=rows)
    logits = patterns[y] * (1 - 2 * (rng.random((rows, 1)) < 0.5) * (strokes[y] > 0))
    return {"x": drawn_bits(rng, logits), "y": y}


def few_labels() -> Sets:
    """40 labelled rows, 760 unlabelled ones."""
    arrays = labelled_bits(np.random.default_rng(2), 1000)
    x, y = arrays["x"], arrays["y"]
    return Sets(
        [lb.Data(x=x[:40], y=y[:40]), lb.Data(x=x[40:-HELD_OUT])],
        [lb.Data(x=x[-HELD_OUT:], y=y[-HELD_OUT:]), lb.Data(x=x[-HELD_OUT:])],
    )


def all_labels() -> Sets:
    return parted(labelled_bits(np.random.default_rng(2), 1000))


def clustered_bits() -> Sets:
    """16 bits around five patterns."""
    rng = np.random.default_rng(3)
    return parted({"x": drawn_bits(rng, 3 * rng.choice([-1, 1], (5, 16))[rng.integers(5, size=1000)])})


def pictures() -> Sets:
    """A bright square of 3 x 3 somewhere on a dark 8 x 8 ground, in grey levels of one byte."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 20, (1000, 8, 8, 1))
    for picture, (i, j) in zip(x, rng.integers(0, 6, (1000, 2)), strict=True):
        picture[i : i + 3, j : j + 3] = rng.integers(220, 256, (3, 3, 1))
    return parted({"x": x.astype(np.uint8)}, lambda data: data.binarize("stochastic"))


def low_rank_reals() -> Sets:
    """12 numbers, linear in three factors, with noise of deviation 0.3."""
    rng = np.random.default_rng(5)
    return parted({"x": rng.normal(size=(1000, 3)) @ rng.normal(size=(3, 12)) + 0.3 * rng.normal(size=(1000, 12))})


def counts() -> Sets:
    """16 genes in three types of cell, with a library size and a bias of each batch, and dropout."""
    rng = np.random.default_rng(6)
    s, kind = rng.integers(2, size=1000), rng.integers(3, size=1000)
    profile = 1.5 * rng.normal(size=(3, 16))[kind] + 0.5 * rng.normal(size=(2, 16))[s]
    size = np.exp(np.log([60, 120])[s] + 0.4 * rng.normal(size=1000))
    mean = size[:, None] * np.exp(profile) / np.exp(profile).sum(1, keepdims=True)
    x = rng.poisson(rng.gamma(4.0, mean / 4.0)) * (rng.random(mean.shape) > 0.1)
    return parted({"x": x, "s": s})


def table() -> Sets:
    """Three numbers, two choices out of four and a count, all following one angle; every fifth entry is missing."""
    rng = np.random.default_rng(7)
    angle = rng.uniform(0, 2 * np.pi, 1000)
    num = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle)], 1) + 0.1 * rng.normal(size=(1000, 3))
    quarter = (angle // (np.pi / 2)).astype(int)
    choice = np.stack([quarter, 3 - quarter], 1)
    cat = np.where(rng.random((1000, 2)) < 0.9, choice, rng.integers(4, size=(1000, 2)))
    cnt = rng.poisson(np.exp(1 + 1.5 * np.sin(angle)))[:, None]
    arrays = {"num": num, "cat": cat, "cnt": cnt}
    arrays = {name: np.where(rng.random(rows.shape) < 0.8, rows, -99) for name, rows in arrays.items()}
    return parted(arrays, lambda data: data.missing(-99, mask="m", names=("num", "cat", "cnt")))


def views() -> Sets:
    """12 bits and eight numbers that share three factors: 300 rows have both, 300 the bits, 300 the numbers."""
    rng = np.random.default_rng(8)
    z = rng.normal(size=(1100, 3))
    a = drawn_bits(rng, 4 * z @ rng.normal(size=(3, 12)))
    b = z @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(1100, 8))
    held_a, held_b = a[900:], b[900:]
    return Sets(
        [lb.Data(a=a[:300], b=b[:300]), lb.Data(a=a[300:600]), lb.Data(b=b[600:900])],
        [lb.Data(a=held_a, b=held_b), lb.Data(a=held_a), lb.Data(b=held_b)],
    )


def sources() -> Sets:
    """Eight numbers, a bent map of two sources whose moments follow u, with noise of deviation 0.1."""
    rng = np.random.default_rng(9)
    u = rng.normal(size=(1000, 2))
    z = 1.5 * np.tanh(u) + (0.2 + 0.5 * np.abs(u[:, ::-1])) * rng.normal(size=(1000, 2))
    x = np.tanh(z @ rng.normal(size=(2, 8))) + 0.1 * rng.normal(size=(1000, 8))
    return parted({"x": x, "u": u})


# What is known of them.

Latent = tuple[str, str, str | None, int | None, str]  # name, treatment, gradient, states, why no closed form


@dataclass(frozen=True)
class Planned:
    """What is done with each latent, and the terms of the bound."""

    latents: tuple[Latent, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Declaration:
    """A model with its data, how p and q print, and its plan for each pattern of observed names.

    Attributes:
        margins: By how many nats a datum IWAE-64 is to beat independent features, for each held-out data set; beside
            it stands what was reached.
        beside: The terms of the objective that no plan lists: penalties, KL divergences of random parameters, and the
            log-determinant of prepared data.
    """

    declare: Callable[[], Pair]
    sets: Callable[[], Sets]
    p: str
    q: str
    plans: dict[tuple[str, ...], Planned]
    margins: tuple[float, ...]
    how: AbstractObjective = field(default_factory=ELBO)
    beside: tuple[str, ...] = ()
    steps: int = 400
    learning_rate: float = 1e-2


CLOSED_FORM = "sampled, KL in closed form"


def closed(name: str) -> Latent:
    return (name, CLOSED_FORM, "pathwise", None, "")


DECLARATIONS = [
    Declaration(
        plain,
        low_rank_bits,
        p="z; x | z, theta; theta: parameter",
        q="z | x, phi; phi: parameter",
        plans={("x",): Planned((closed("z"),), ("log p(x | z)", "-KL(q(z | x) || p(z))"))},
        margins=(1.7,),  # reached: 3.4
    ),
    Declaration(
        ladder,
        low_rank_bits,
        p="z2; z1 | z2, top_down; x | z1, decoder; top_down: parameter; decoder: parameter",
        q="h | x, bottom_up; z2 | h, top; z1 | z2, h, top_down, low; bottom_up: parameter; top: parameter; "
        "low: parameter",
        plans={
            ("x",): Planned(
                (closed("z2"), closed("z1")),
                ("log p(x | z1)", "-KL(q(z2 | x) || p(z2))", "-KL(q(z1 | z2, x) || p(z1 | z2))"),
            )
        },
        margins=(1.5,),  # reached: 3.1
    ),
    Declaration(
        semi_supervised,
        few_labels,
        p="y; z; x | y, z, decoder; decoder: parameter",
        q="y | x, classifier; z | x, y, encoder; classifier: parameter; encoder: parameter",
        plans={
            ("x", "y"): Planned((closed("z"),), ("log p(y)", "log p(x | y, z)", "-KL(q(z | x, y) || p(z))")),
            ("x",): Planned(
                (("y", "enumerated", None, 4, ""), closed("z")),
                ("log p(x | y, z)", "-KL(q(y | x) || p(y))", "-KL(q(z | x, y) || p(z))"),
            ),
        },
        how=ELBO() + Penalty(lambda x, y, classifier: -Categorical(logits=classifier(x)).log_prob(y), weight=5.0),
        beside=("-penalty 1",),
        margins=(2.7, 2.0),  # reached: 5.4 and 4.1
    ),
    Declaration(
        mixture_prior,
        clustered_bits,
        p="c; z | c, mu; x | z, decoder; mu: parameter; decoder: parameter",
        q="z | x, encoder; encoder: parameter",
        plans={
            ("x",): Planned(
                (
                    ("z", "sampled", "pathwise", None, "`c`, above it in p, is summed out"),
                    ("c", "summed out", None, 5, ""),
                ),
                ("log p(x | z)", "log Σ_{c} p(c) p(z | c)", "-log q(z | x)"),
            )
        },
        margins=(2.4,),  # reached: 4.9
    ),
    Declaration(
        mixture_prior_inferred,
        clustered_bits,
        p="c; z | c, mu; x | z, decoder; mu: parameter; decoder: parameter",
        q="z | x, encoder; c | z, classifier; encoder: parameter; classifier: parameter",
        plans={
            ("x",): Planned(
                (
                    ("z", "sampled", "pathwise", None, "`c`, above it in p, lies below it in q"),
                    ("c", "enumerated", None, 5, ""),
                ),
                ("log p(x | z)", "log p(z | c) - log q(z | x)", "-KL(q(c | z) || p(c))"),
            )
        },
        margins=(2.3,),  # reached: 4.7
    ),
    Declaration(
        bayesian_decoder,
        low_rank_bits,
        p="z; x | z, theta; theta: parameter",
        q="z | x, phi; phi: parameter",
        plans={("x",): Planned((closed("z"),), ("log p(x | z)", "-KL(q(z | x) || p(z))"))},
        beside=("-KL(q(theta) || p(theta)) / N",),
        margins=(1.2,),  # reached: 2.5
    ),
    Declaration(
        conditional,
        all_labels,
        p="y: input; z; x | y, z, decoder; decoder: parameter",
        q="z | x, y, encoder; encoder: parameter",
        plans={("x", "y"): Planned((closed("z"),), ("log p(x | z, y)", "-KL(q(z | x, y) || p(z))"))},
        margins=(2.7,),  # reached: 5.4
    ),
    Declaration(
        convolutional,
        pictures,
        p="z; x | z, decoder; decoder: parameter",
        q="z | x, encoder; encoder: parameter",
        plans={("x",): Planned((closed("z"),), ("log p(x | z)", "-KL(q(z | x) || p(z))"))},
        steps=200,
        margins=(4.0,),  # reached: 9.4
    ),
    Declaration(
        sigma_vae,
        low_rank_reals,
        p="z; x | z, decoder, sigma; decoder: parameter; sigma: parameter",
        q="z | x, encoder; encoder: parameter",
        plans={("x",): Planned((closed("z"),), ("log p(x | z)", "-KL(q(z | x) || p(z))"))},
        steps=200,
        margins=(5.0,),  # reached: 12.6
    ),
    Declaration(
        single_cell,
        counts,
        p="s: input; lib_mean: constant; lib_std: constant; z; size | s, lib_mean, lib_std; "
        "x | z, s, size, rate, drop, r; rate: parameter; drop: parameter; r: parameter",
        q="z | x, s, encoder; size | x, library; encoder: parameter; library: parameter",
        plans={
            ("x", "s"): Planned(
                (closed("z"), closed("size")),
                ("log p(x | z, size, s)", "-KL(q(z | x, s) || p(z))", "-KL(q(size | x) || p(size | s))"),
            )
        },
        margins=(1.7,),  # reached: 3.4
    ),
    Declaration(
        mixed_table,
        table,
        p="m: input; z; num | z, m, d1; cat | z, m, d2; cnt | z, m, d3; d1: parameter; d2: parameter; d3: parameter",
        q="z | num, cat, cnt, m, encoder; encoder: parameter",
        plans={
            ("num", "cat", "cnt", "m"): Planned(
                (closed("z"),),
                (
                    "log p(num | z, m)",
                    "log p(cat | z, m)",
                    "log p(cnt | z, m)",
                    "-KL(q(z | num, cat, cnt, m) || p(z))",
                ),
            )
        },
        margins=(1.9,),  # reached: 3.8
    ),
    Declaration(
        two_views,
        views,
        p="z; a | z, decoder_a; b | z, decoder_b; decoder_a: parameter; decoder_b: parameter",
        q="z | encoder_a, encoder_b, a, b; encoder_a: parameter; encoder_b: parameter",
        plans={
            ("a", "b"): Planned((closed("z"),), ("log p(a | z)", "log p(b | z)", "-KL(q(z | a, b) || p(z))")),
            ("a",): Planned((closed("z"), ("b", "dropped", None, None, "")), ("log p(a | z)", "-KL(q(z | a) || p(z))")),
            ("b",): Planned((closed("z"), ("a", "dropped", None, None, "")), ("log p(b | z)", "-KL(q(z | b) || p(z))")),
        },
        margins=(4.1, 1.4, 1.7),  # reached: 8.3, 2.8 and 3.4
    ),
    Declaration(
        vamp_prior,
        clustered_bits,
        p="u: parameter; z2 | u, e2; z1 | z2, g; x | z1, z2, decoder; g: parameter; decoder: parameter",
        q="z2 | x, e2; z1 | x, z2, e1; e2: parameter; e1: parameter",
        plans={
            ("x",): Planned(
                (("z2", "sampled", "pathwise", None, "no closed form for Normal and Mixture"), closed("z1")),
                ("log p(x | z1, z2)", "-KL(q(z2 | x) || p(z2))", "-KL(q(z1 | x, z2) || p(z1 | z2))"),
            )
        },
        margins=(2.3,),  # reached: 4.7
    ),
    Declaration(
        identifiable,
        sources,
        p="u: input; z | u, prior; x | z, decoder; prior: parameter; decoder: parameter",
        q="z | x, u, encoder; encoder: parameter",
        plans={("x", "u"): Planned((closed("z"),), ("log p(x | z)", "-KL(q(z | x, u) || p(z | u))"))},
        margins=(4.0,),  # reached: 8.8
    ),
]
