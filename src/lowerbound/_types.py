"""The types that every part shares."""

from jaxtyping import Array, Float

#: A scalar that carries nats: summed over a datum's entries, higher is better.
Nats = Float[Array, ""]
