"""Networks, as blueprints until the library makes them.

A blueprint, such as `MLP(784, 20)`, is a description without weights. `VAE(p, q, key=key)` makes each of its
networks, from a key folded with the network's name; alone, `MLP(784, 20).make(key=key)` does. What is made is an
Equinox module for one datum, without a batch axis: map over a batch with `jax.vmap`.
Weights are of JAX's default float type, float32 unless 64 bits are enabled. Integers and bits are taken as numbers of
the weights' type, and floats are computed with in the wider of their type and the weights', so float64 is never cut.

- `MLP` and `Gaussian`: perceptrons, with one head, or with two for `Normal(*net(x))`.
- `Conv`, `ConvGaussian` and `Deconv`: from pictures, and to pictures, channels last.
- `product_of_gaussians`: one Gaussian from several, for ladders and for several views.
- `AbstractBlueprint`: the base of your own.
"""

from lowerbound.nn._blueprint import AbstractBlueprint
from lowerbound.nn._conv import Conv
from lowerbound.nn._deconv import Deconv
from lowerbound.nn._experts import product_of_gaussians
from lowerbound.nn._gaussian import ConvGaussian, Gaussian
from lowerbound.nn._mlp import MLP

__all__ = ["MLP", "AbstractBlueprint", "Conv", "ConvGaussian", "Deconv", "Gaussian", "product_of_gaussians"]
