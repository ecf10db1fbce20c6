"""Small models of every kind that a diagram must show, by name."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal, positive
from lowerbound.nn import MLP, Gaussian

KEY = jax.random.key(0)
prior = Normal(jnp.zeros(2), 1.0)
decoder, encoder = MLP(2, 4), Gaussian(4, 2)


def emit(z: Array, theta: MLP):
    return Bernoulli(logits=theta(z))


def infer(x: Array, phi: Gaussian):
    return Normal(*phi(x))


def level(h: Array, net: Gaussian):
    return Normal(*net(h))


def plain() -> lb.VAE:
    return lb.VAE(lb.Joint(z=prior, x=emit, theta=decoder), lb.Joint(z=infer, phi=encoder), key=KEY)


def hierarchical(depth: int = 2) -> lb.VAE:
    p = {f"z{depth}": prior, "x": lb.given(emit, z="z1", theta="theta0"), "theta0": decoder}
    q = {"z1": lb.given(infer, phi="phi1"), "phi1": encoder}
    for i in range(1, depth):
        p |= {f"z{i}": lb.given(level, h=f"z{i + 1}", net=f"theta{i}"), f"theta{i}": Gaussian(2, 2)}
        q |= {f"z{i + 1}": lb.given(level, h=f"z{i}", net=f"phi{i + 1}"), f"phi{i + 1}": Gaussian(2, 2)}
    return lb.VAE(lb.Joint(p), lb.Joint(q), key=KEY)


def conditional() -> lb.VAE:
    p = lb.Joint(
        y=lb.Input(3),
        z=lambda y, alpha: Normal(*alpha(y)),
        x=lambda z, y, theta: Bernoulli(logits=theta(jnp.concatenate([z, y]))),
        alpha=Gaussian(3, 2),
        theta=MLP(5, 4),
    )
    q = lb.Joint(z=lambda x, y, phi: Normal(*phi(jnp.concatenate([x, y]))), phi=Gaussian(7, 2))
    return lb.VAE(p, q, key=KEY)


def semi_supervised() -> lb.VAE:
    """Kingma et al. (2014), model M2."""
    p = lb.Joint(
        z=prior,
        y=lambda pi: Categorical(logits=pi),
        x=lambda z, y, theta: Bernoulli(logits=theta(jnp.append(z, y))),
        pi=jnp.zeros(3),
        theta=MLP(3, 4),
    )
    q = lb.Joint(
        z=lambda x, y, phi: Normal(*phi(jnp.append(x, y))),
        y=lambda x, psi: Categorical(logits=psi(x)),
        phi=Gaussian(5, 2),
        psi=MLP(4, 3),
    )
    return lb.VAE(p, q, key=KEY)


def mixture_prior() -> lb.VAE:
    """A Gaussian mixture whose component q leaves out, to be summed out."""
    p = lb.Joint(
        c=lambda pi: Categorical(logits=pi),
        z=lambda c, mu: Normal(mu[c], 1.0),
        x=emit,
        pi=jnp.zeros(3),
        mu=jnp.ones((3, 2)),
        theta=decoder,
    )
    return lb.VAE(p, lb.Joint(z=infer, phi=encoder), key=KEY)


def ladder(depth: int = 5) -> lb.VAE:
    """Sonderby et al. (2016): a deterministic way up in q, which shares the way down with p."""
    p = {f"z{depth}": prior, "x": lb.given(emit, z="z1"), "theta": decoder}
    q = {}
    for i in range(1, depth + 1):
        below = f"d{i - 1}" if i > 1 else "x"
        q |= {f"d{i}": lb.given(lambda h, net: net(h), h=below, net=f"up{i}"), f"up{i}": MLP(2 if i > 1 else 4, 2)}
    for i in range(1, depth):
        p |= {f"z{i}": lb.given(level, h=f"z{i + 1}", net=f"td{i}"), f"td{i}": Gaussian(2, 2)}
        q |= {f"z{i}": lambda h, d, net: Normal(net(h)[0] + d, 1.0)}
        q[f"z{i}"] = lb.given(q[f"z{i}"], h=f"z{i + 1}", d=f"d{i}", net=f"td{i}")
    q[f"z{depth}"] = lb.given(lambda d: Normal(d, 1.0), d=f"d{depth}")
    return lb.VAE(lb.Joint(p), lb.Joint(q), key=KEY)


def skips() -> lb.VAE:
    """Five levels in which p and q also look two levels away."""
    p = {"z5": prior, "theta": MLP(2, 2)}
    for i in range(4, -1, -1):
        above = [f"z{j}" for j in (i + 1, i + 2) if j <= 5]
        f = lambda a, theta: Normal(theta(a), 1.0)
        g = lambda a, b, theta: Normal(theta(a) + b, 1.0)
        p[f"z{i}" if i else "x"] = lb.given(g if len(above) == 2 else f, *above)
    q: dict = {"phi": MLP(2, 2)}
    q["z1"] = lambda x, phi: Normal(phi(x), 1.0)
    for i in range(2, 6):
        q[f"z{i}"] = lb.given(lambda a, phi: Normal(phi(a), 1.0), f"z{i - 1}")
    q["z3"] = lambda z2, x, phi: Normal(phi(z2) + x, 1.0)
    return lb.VAE(lb.Joint(p), lb.Joint(q), key=KEY)


def two_views() -> lb.VAE:
    p = lb.Joint(
        z=prior,
        x1=lambda z, theta1: Bernoulli(logits=theta1(z)),
        x2=lambda z, theta2: Bernoulli(logits=theta2(z)),
        theta1=MLP(2, 4),
        theta2=MLP(2, 4),
    )
    q = lb.Joint(
        z=lambda phi1, phi2, x1=None, x2=None: Normal(phi1(x1)[0] + phi2(x2)[0], 1.0), phi1=encoder, phi2=encoder
    )
    return lb.VAE(p, q, key=KEY)


def random_parameters() -> lb.VAE:
    """Full variational Bayes, a fixed matrix, a constrained scale, words for names, values on either side."""
    p = lb.Joint(
        tau=lb.Param(1.0, support=positive),
        theta=lb.Param(jnp.zeros((2, 4)), prior=lambda tau: Normal(0.0, tau)),
        loading=lb.Fixed(jnp.ones((4, 4))),
        batch=lb.Input((), float),
        z=prior,
        rate=lambda z, theta, loading: (z @ theta) @ loading,
        counts=lambda rate, batch, sigma: Normal(rate + batch, sigma),
        sigma=lb.Param(1.0, support=positive),
    )
    q = lb.Joint(
        hidden=lambda counts, trunk: trunk(counts),
        z=lambda hidden, head: Normal(*head(hidden)),
        theta=lambda m, s: Normal(m, s),
        m=jnp.zeros((2, 4)),
        s=lb.Param(jnp.ones((2, 4)), support=positive),
        trunk=MLP(4, 4),
        head=encoder,
    )
    return lb.VAE(p, q, key=KEY)


def closed() -> lb.VAE:
    """A mixture with no q at all."""
    p = lb.Joint(
        c=lambda pi: Categorical(logits=pi), x=lambda c, mu: Normal(mu[c], 1.0), pi=jnp.zeros(3), mu=jnp.ones((3, 2))
    )
    return lb.VAE(p, key=KEY)


DECLARATIONS = {
    f.__name__: f
    for f in [
        plain,
        hierarchical,
        conditional,
        semi_supervised,
        mixture_prior,
        ladder,
        skips,
        two_views,
        random_parameters,
        closed,
    ]
}
