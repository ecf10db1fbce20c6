"""lowerbound: the declaration of its README, through `lb.fit`."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lowerbound as lb
from lowerbound.dist import Bernoulli, Normal
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO

BATCH, LATENT, HIDDEN = 128, 20, 400


def contestant(images, epochs):
    key, size, num_steps = jax.random.key(0), images.shape[1], len(images) // BATCH
    p = lb.Joint(
        z=Normal(jnp.zeros(LATENT), 1.0),
        x=lambda z, theta: Bernoulli(logits=theta(z)),
        theta=MLP(LATENT, size, hidden=(HIDDEN,)),
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(size, LATENT, hidden=(HIDDEN,)))
    vae = lb.VAE(p, q, key=key)
    optimizer = optax.adam(1e-3)

    def measure():
        # The history says when each step's chunk was done: the first epoch holds compilation, the others are timed.
        start = time.perf_counter()
        run = lb.fit(vae, {"x": images}, ELBO(), key=key, optimizer=optimizer, batch_size=BATCH, epochs=1 + epochs)
        jax.block_until_ready(jax.tree.leaves(run.vae))
        whole = time.perf_counter() - start
        done = run.history.seconds
        first = int(np.searchsorted(done, done[num_steps - 1], side="right"))  # the steps of that chunk included
        step = (done[-1] - done[num_steps - 1]) / (len(done) - first)
        measure.start = whole - step * len(done)
        return step

    return measure
