"""PRNG keys at the public boundary, and keys that follow from names."""

from typing import Any
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray


def as_key(key: Any) -> PRNGKeyArray:
    """Return a typed scalar PRNG key, or say how to make one."""
    if isinstance(key, jax.Array):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return key
        if key.dtype == jnp.uint32 and key.shape == (2,):
            return jax.random.wrap_key_data(key)
    raise TypeError(
        f"`key` is {key!r}, but one PRNG key was needed, since randomness comes in only through it. "
        f"Write `key=jax.random.key(0)`."
    )


def named_key(key: PRNGKeyArray, name: str) -> PRNGKeyArray:
    """Derive a key from a name, so that adding another name changes nothing (and Python's hash has no say)."""
    return jax.random.fold_in(key, crc32(name.encode()))


def host_generator(key: PRNGKeyArray) -> np.random.Generator:
    """Make NumPy's generator of a key: for choices on the host, where no size costs a compilation."""
    return np.random.Generator(np.random.Philox(key=np.asarray(jax.random.bits(key, (2,)), np.uint64)))
