"""The VAE 784-400-20 by hand in JAX, for a batch, as one writes it without a library."""

import jax
import jax.numpy as jnp
import optax

BATCH, LATENT, HIDDEN = 128, 20, 400
OPTIMIZER = optax.adam(1e-3)


def initial_parameters(key, size):
    shapes = [(size, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, size)]
    keys = jax.random.split(key, len(shapes))
    return [
        (jax.random.uniform(key, shape, minval=-1, maxval=1) / shape[0] ** 0.5, jnp.zeros(shape[1]))
        for key, shape in zip(keys, shapes, strict=True)
    ]


def loss(parameters, images, key):
    """Return minus the evidence lower bound, in nats, averaged over the batch."""
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = parameters
    x = images.astype(jnp.float32)
    loc, log_variance = jnp.split(jax.nn.relu(x @ w1 + b1) @ w2 + b2, 2, axis=-1)
    z = loc + jnp.exp(0.5 * log_variance) * jax.random.normal(key, loc.shape)
    logits = jax.nn.relu(z @ w3 + b3) @ w4 + b4
    cross_entropy = jnp.sum(jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits))))
    kl = -0.5 * jnp.sum(1 + log_variance - loc**2 - jnp.exp(log_variance))
    return (cross_entropy + kl) / len(x)


def step(state, images, rows, key):
    parameters, optimizer_state = state
    value, gradient = jax.value_and_grad(loss)(parameters, images[rows], key)
    updates, optimizer_state = OPTIMIZER.update(gradient, optimizer_state)
    return (optax.apply_updates(parameters, updates), optimizer_state), value


def initial_state(key, images):
    parameters = initial_parameters(key, images.shape[1])
    return parameters, OPTIMIZER.init(parameters)
