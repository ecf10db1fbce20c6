"""The perceptron: what it computes, what it takes, what it refuses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lowerbound.nn import MLP

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (6,))


def by_hand(net, x, norm=False):
    """The same network in NumPy, in float64."""
    x = np.asarray(x, np.float64)
    for index, layer in enumerate(net.layers):
        x = x @ np.asarray(layer.weight, np.float64) + np.asarray(layer.bias, np.float64)
        if index < len(net.layers) - 1:
            if norm:
                x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
            x = np.maximum(x, 0)
    return x


@pytest.mark.parametrize("hidden", [(), (5,), (5, 7)])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_equals_the_equations(hidden, layer_norm):
    net = MLP(6, 4, hidden, layer_norm=layer_norm).make(key=KEY)
    # A dozen products of some eight rounded terms each, of entries about 1.
    np.testing.assert_allclose(net(X), by_hand(net, X, layer_norm), rtol=0, atol=64 * jnp.finfo(jnp.float32).eps)


@pytest.mark.parametrize(("out_size", "shape"), [(4, (4,)), ((), ()), ((2, 3), (2, 3)), ([2, 3], (2, 3))])
def test_output_has_the_shape_that_was_asked_for(out_size, shape):
    assert MLP(6, out_size, hidden=(5,)).make(key=KEY)(X).shape == shape


def test_in_size_may_be_a_shape_and_hidden_an_int():
    assert MLP((2, 3), 4, hidden=5).make(key=KEY)(X.reshape(2, 3)).shape == (4,)


def test_several_inputs_are_flattened_and_joined_in_order():
    net = MLP(6, 4, hidden=(5,)).make(key=KEY)
    assert jnp.array_equal(net(X[0], X[1:5].reshape(2, 2), X[5:]), net(X))


def test_activation_is_used():
    net = MLP(6, 4, (5,), jnp.tanh).make(key=KEY)
    first, last = net.layers
    assert jnp.array_equal(net(X), jnp.tanh(X @ first.weight + first.bias) @ last.weight + last.bias)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.bool_])
def test_integers_and_bits_are_numbers_of_the_weights_type(dtype):
    net = MLP(6, 4, hidden=(5,)).make(key=KEY)
    x = np.array([0, 1, 1, 0, 1, 0], dtype)
    assert net(x).dtype == jnp.float32
    assert jnp.array_equal(net(x), net(x.astype(np.float32)))
    assert jnp.array_equal(net(x[:2], x[2:].astype(np.float32)), net(x.astype(np.float32)))


def test_float64_is_not_cut_and_weights_follow_jax_default():
    net = MLP(6, 4, hidden=(5,), layer_norm=True).make(key=KEY)
    assert {leaf.dtype for leaf in jax.tree.leaves(net)} == {jnp.dtype("float32")}
    with jax.enable_x64(True):
        x = np.asarray(X, np.float64) + 1e-12
        assert net(x).dtype == jnp.float64
        wide = MLP(6, 4, hidden=(5,)).make(key=KEY)
        np.testing.assert_allclose(wide(x), by_hand(wide, x), rtol=0, atol=64 * np.finfo(np.float64).eps)


def test_low_precision_weights_take_integers_in_their_own_type():
    net = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), MLP(6, 4, hidden=(5,)).make(key=KEY))
    assert net(np.ones(6, np.uint8)).dtype == jnp.bfloat16
    assert net(X).dtype == jnp.float32


def test_vmap_equals_a_loop():
    net = MLP(6, 4, hidden=(5,), layer_norm=True).make(key=KEY)
    xs = jax.random.normal(KEY, (3, 6))
    np.testing.assert_allclose(
        jax.vmap(net)(xs), jnp.stack([net(x) for x in xs]), rtol=0, atol=64 * jnp.finfo(jnp.float32).eps
    )


def test_gradient_reaches_every_leaf_and_is_finite():
    net = MLP(6, 4, hidden=(5, 7), layer_norm=True).make(key=KEY)
    gradient = jax.grad(lambda net: jnp.sum(net(X) ** 2))(net)
    for path, leaf in jax.tree.leaves_with_path(gradient):
        assert jnp.all(jnp.isfinite(leaf)), path
        assert jnp.any(leaf != 0), path


def test_key_determines_the_weights():
    blueprint = MLP(6, 4, hidden=(5,))
    assert eqx.tree_equal(blueprint.make(key=KEY), blueprint.make(key=KEY))
    assert not eqx.tree_equal(blueprint.make(key=KEY), blueprint.make(key=jax.random.key(1)))


def test_a_layer_added_at_the_end_leaves_the_first_as_it_was():
    short, long = MLP(6, 4, hidden=(5,)).make(key=KEY), MLP(6, 4, hidden=(5, 5)).make(key=KEY)
    assert jnp.array_equal(short.layers[0].weight, long.layers[0].weight)


def test_leaves_are_arrays_with_stable_names():
    net = MLP(6, 4, hidden=(5,), layer_norm=True, dropout=0.5).make(key=KEY)
    names = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(net)}
    assert list(names) == [
        ".layers[0].weight",
        ".layers[0].bias",
        ".layers[1].weight",
        ".layers[1].bias",
        ".norms[0].weight",
        ".norms[0].bias",
    ]
    assert all(isinstance(leaf, jax.Array) for leaf in names.values())


def test_weights_begin_with_the_stated_variance():
    net = MLP(400, 300, hidden=(500,)).make(key=KEY)
    for layer, times in zip(net.layers, (2, 1 / 3), strict=True):
        weight = np.asarray(layer.weight, np.float64)
        # The variance of n uniform draws has relative standard error sqrt(0.8 / n): six of them.
        expected, error = times / weight.shape[0], 6 * np.sqrt(0.8 / weight.size)
        assert abs(weight.var() / expected - 1) < error
        assert abs(weight.mean()) < 6 * np.sqrt(expected / weight.size)
        assert not np.any(layer.bias)


def test_dropout_acts_only_with_a_key():
    net, plain = (MLP(6, 4, hidden=(50,), dropout=rate).make(key=KEY) for rate in (0.5, 0.0))
    assert jnp.array_equal(net(X), plain(X))
    assert jnp.array_equal(plain(X, key=KEY), plain(X))
    assert not jnp.array_equal(net(X, key=KEY), net(X))
    assert jnp.array_equal(net(X, key=KEY), net(X, key=KEY))
    assert not jnp.array_equal(net(X, key=KEY), net(X, key=jax.random.key(1)))


def test_dropout_keeps_the_mean_of_an_affine_layer():
    net = MLP(6, (), hidden=(8,), dropout=0.25).make(key=KEY)
    draws = np.asarray(jax.vmap(lambda key: net(X, key=key))(jax.random.split(KEY, 4000)), np.float64)
    assert abs(draws.mean() - float(net(X))) < 5 * draws.std() / np.sqrt(draws.size)


def test_huge_inputs_stay_finite():
    net = MLP(6, 4, hidden=(5, 5), layer_norm=True).make(key=KEY)
    assert jnp.all(jnp.isfinite(net(1e6 * X)))


def test_blueprints_compare_and_print():
    assert MLP(6, 4, hidden=(5,)) == MLP(6, 4, hidden=(5,))
    assert MLP(6, 4, hidden=(5,)) != MLP(6, 4, hidden=(6,))
    assert repr(MLP(6, 4)).startswith("MLP(in_size=6, out_size=4, hidden=(400,)")
    assert not callable(MLP(6, 4))


def test_refuses_inputs_of_another_size_while_tracing():
    net = MLP(42, 4, hidden=(5,)).make(key=KEY)
    with pytest.raises(ValueError, match="The network takes") as error:
        jax.eval_shape(net, jnp.zeros(10), jnp.zeros((5, 6)))
    assert str(error.value) == (
        "The network takes 42 numbers, got 10 + 30 = 40, of shapes (10,) and (5, 6). Give it `in_size=40`; or, if this "
        "was a batch, map over it with `jax.vmap`, as a network is for one datum."
    )
    with pytest.raises(ValueError, match=r"takes 42 numbers, got 84, of shape \(2, 42\)\. Give it `in_size=84`"):
        net(jnp.zeros((2, 42)))
    with pytest.raises(ValueError, match=r"^The network takes 42 numbers, got no input\.$"):
        net()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MLP(0, 4), "`in_size` needs sizes of at least 1, got 0."),
        (lambda: MLP(6, (2, -1)), "`out_size` needs sizes of at least 1, got (2, -1)."),
        (lambda: MLP(6, 4, hidden=(0,)), "`hidden` needs sizes of at least 1, got (0,)."),
        (lambda: MLP(6, 4, dropout=1.0), "`dropout` is a probability below 1, got 1.0."),
    ],
)
def test_refuses_what_cannot_be_made(build, message):
    with pytest.raises(ValueError, match="got") as error:
        build()
    assert str(error.value) == message
