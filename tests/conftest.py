"""What every test runs under: no silent rank promotion, and the key printed with a failure."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
