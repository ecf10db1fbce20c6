"""What every test runs under: no silent rank promotion, and a compiler that spends no time on speed."""

import os

# Tests compile hundreds of small programs that run for milliseconds. Set before JAX starts.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
