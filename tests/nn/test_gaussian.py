"""The network with two heads: a scale that is positive, floored and never overflows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lowerbound.nn import ConvGaussian, Gaussian

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (6,))


@pytest.mark.parametrize("hidden", [(), (5,), (5, 7)])
@pytest.mark.parametrize(("out_size", "shape"), [(4, (4,)), ((), ()), ((2, 3), (2, 3))])
def test_gives_loc_and_scale_of_the_shape_asked_for(hidden, out_size, shape):
    loc, scale = Gaussian(6, out_size, hidden).make(key=KEY)(X)
    assert loc.shape == scale.shape == shape


def test_scale_begins_at_one():
    """Where the last layer gives 0, the scale is 1, whatever its floor; and near 1 before training."""
    for min_scale in (1e-4, 0.3):
        net = Gaussian(6, 4, min_scale=min_scale).make(key=KEY)
        _, scale = net(jnp.zeros(6))
        np.testing.assert_allclose(scale, 1, rtol=4 * jnp.finfo(jnp.float32).eps)
    _, scales = jax.vmap(Gaussian(784, 20).make(key=KEY))(jax.random.bernoulli(KEY, 0.5, (50, 784)))
    assert jnp.all((scales > 0.2) & (scales < 3))


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_scale_is_floored_and_finite_with_its_gradient_at_huge_inputs(size):
    net = Gaussian(6, 40, hidden=(30,), min_scale=1e-3).make(key=KEY)
    loc, scale = net(size * X)
    assert jnp.all(jnp.isfinite(loc))
    assert jnp.all(jnp.isfinite(scale))
    assert jnp.all(scale >= jnp.float32(1e-3))
    assert jnp.min(scale) < 1.1e-3  # so the floor was met
    loss = lambda net: sum(jnp.sum(part) for part in (net(size * X)[0] ** 2, jnp.log(net(size * X)[1])))
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(jax.grad(loss)(net)))


def test_scale_is_the_stated_function_of_its_head():
    net = Gaussian(6, 4, hidden=(), min_scale=0.01).make(key=KEY)
    (layer,) = net.net.layers
    free = np.asarray(X, np.float64) @ np.asarray(layer.weight, np.float64)
    loc, scale = net(X)
    rounding = 64 * jnp.finfo(jnp.float32).eps
    np.testing.assert_allclose(loc, free[:4], rtol=0, atol=rounding)
    np.testing.assert_allclose(scale, 0.01 + np.log1p(np.expm1(0.99) * np.exp(free[4:])), rtol=rounding)


def test_several_inputs_and_dropout_reach_the_trunk():
    net = Gaussian(6, 4, hidden=(50,), dropout=0.5, layer_norm=True).make(key=KEY)
    assert eqx.tree_equal(net(X[:2], X[2:]), net(X))
    assert not eqx.tree_equal(net(X, key=KEY), net(X))
    assert len(net.net.norms) == 1


def test_gradient_reaches_every_leaf_and_leaves_have_stable_names():
    net = Gaussian(6, 4, hidden=(5,)).make(key=KEY)
    gradient = jax.grad(lambda net: sum(jnp.sum(part**2) for part in net(X)))(net)
    names = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(gradient)}
    assert list(names) == [
        ".net.layers[0].weight",
        ".net.layers[0].bias",
        ".net.layers[1].weight",
        ".net.layers[1].bias",
    ]
    assert all(jnp.any(leaf != 0) for leaf in names.values())


def test_float64_is_not_cut():
    net = Gaussian(6, 4).make(key=KEY)
    with jax.enable_x64(True):
        assert {part.dtype for part in net(np.asarray(X, np.float64))} == {jnp.dtype("float64")}


def test_convolutional_heads_are_those_of_its_network():
    net = ConvGaussian((8, 6, 1), (2, 3), channels=(4,), hidden=(5,), min_scale=0.01).make(key=KEY)
    x = jax.random.normal(KEY, (8, 6, 1))
    loc, scale = net(x)
    assert loc.shape == scale.shape == (2, 3)
    assert jnp.array_equal(loc, net.net(x)[0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Gaussian(6, 4, min_scale=1.0),
            "`min_scale` lies above 0 and below 1, where the scale begins, got 1.0.",
        ),
        (lambda: Gaussian(6, 0), "`out_size` needs sizes of at least 1, got 0."),
        (lambda: Gaussian(6, 4, dropout=-0.1), "`dropout` is a probability below 1, got -0.1."),
    ],
)
def test_refuses_what_cannot_be_made(build, message):
    with pytest.raises(ValueError, match="got") as error:
        build()
    assert str(error.value) == message
