"""The convolutional networks, against XLA's own convolutions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lowerbound.nn import Conv, ConvGaussian, Deconv
from lowerbound.nn._strided import Downsample, Upsample

KEY = jax.random.key(0)
SHAPES = [(8, 8), (9, 9), (7, 10), (2, 3)]
LAYOUT = ("NHWC", "HWIO", "NHWC")
# Products of some 128 terms of order 1, rounded in float64.
ROUNDING = 256 * np.finfo(np.float64).eps


def convolve(x, kernel):
    return jax.lax.conv_general_dilated(x[None], kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=LAYOUT)[0]


def transpose(x, kernel, shape):
    padding = tuple((2, 2 + size % 2) for size in shape)
    flipped = kernel[::-1, ::-1]  # XLA correlates
    return jax.lax.conv_transpose(x[None], flipped, (2, 2), padding, dimension_numbers=LAYOUT)[0]


def equal_with_gradients(ours, reference, *arguments):
    """Compare outputs and the gradients of a random projection of them in every argument."""
    weight = jax.random.normal(jax.random.key(9), jax.eval_shape(reference, *arguments).shape)
    argnums = tuple(range(len(arguments)))

    def value_and_gradients(f):
        return jax.jit(lambda *a: (f(*a), jax.grad(lambda *b: jnp.sum(f(*b) * weight), argnums)(*a)))(*arguments)

    left, right = (jax.tree.leaves(value_and_gradients(f)) for f in (ours, reference))
    for one, other in zip(left, right, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING * float(jnp.max(jnp.abs(other))))


@pytest.mark.parametrize("shape", SHAPES)
def test_downsampling_is_a_convolution(shape):
    with jax.enable_x64(True):
        layer = Downsample(3, 5, variance=2.0, key=KEY)
        x = jax.random.normal(KEY, (*shape, 3))
        ours = lambda x, kernel: eqx.tree_at(lambda layer: layer.kernel, layer, kernel)(x)
        equal_with_gradients(ours, convolve, x, layer.kernel)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("in_size", "out_size"), [(3, 5), (9, 2)], ids=["gather", "spread"])
def test_upsampling_is_a_transposed_convolution(shape, in_size, out_size):
    with jax.enable_x64(True):
        layer = Upsample(in_size, out_size, shape, variance=2.0, key=KEY)
        x = jax.random.normal(KEY, (shape[0] // 2, shape[1] // 2, in_size))
        ours = lambda x, kernel: eqx.tree_at(lambda layer: layer.kernel, layer, kernel)(x)
        equal_with_gradients(ours, lambda x, kernel: transpose(x, kernel, shape), x, layer.kernel)


@pytest.mark.parametrize("shape", SHAPES)
def test_upsampling_is_the_adjoint_of_downsampling(shape):
    """<y, A x> = <A' y, x> for every x and y, where both share one kernel and have no bias."""
    with jax.enable_x64(True):
        down = Downsample(2, 3, variance=2.0, key=KEY)
        up = Upsample(3, 2, shape, variance=2.0, key=KEY)
        up = eqx.tree_at(lambda up: up.kernel, up, jnp.swapaxes(down.kernel, 2, 3))
        x = jax.random.normal(jax.random.key(1), (*shape, 2))
        y = jax.random.normal(jax.random.key(2), (shape[0] // 2, shape[1] // 2, 3))
        lowered, raised = jax.jit(lambda x, y: (down(x), up(y)))(x, y)
        left, right = jnp.sum(y * lowered), jnp.sum(raised * x)
        scale = jnp.sum(jnp.abs(raised * x))
        assert abs(left - right) <= ROUNDING * scale


@pytest.mark.parametrize("shape", [(28, 20, 1), (9, 9, 3)])
def test_conv_is_its_stages_and_an_affine_map(shape):
    net = Conv(shape, (2, 3), channels=(4, 5)).make(key=KEY)
    x = jax.random.normal(KEY, shape)
    h = x
    for stage in net.stages:
        h = jax.nn.relu(convolve(h, stage.kernel) + stage.bias.reshape(1, 1, -1))
    (last,) = net.head.layers
    expected = (h.ravel() @ last.weight + last.bias).reshape(2, 3)
    np.testing.assert_allclose(jax.jit(lambda x: net(x))(x), expected, rtol=0, atol=256 * jnp.finfo(jnp.float32).eps)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 20, 1), (9, 9, 3), (8, 7, 2)])
def test_deconv_gives_every_shape(shape):
    net = Deconv(6, shape, channels=(5, 4), hidden=(7,)).make(key=KEY)
    z = jax.random.normal(KEY, (6,))
    assert jax.eval_shape(net, z).shape == shape
    assert jax.eval_shape(net, z[:2], z[2:]).shape == shape


def test_deconv_is_an_affine_map_and_its_stages():
    net = Deconv(6, (14, 9, 2), channels=(5, 4)).make(key=KEY)
    z = jax.random.normal(KEY, (6,))
    h = net.head(z)
    for stage in net.stages:
        h = transpose(jax.nn.relu(h), stage.kernel, stage.shape) + stage.bias.reshape(1, 1, -1)
    np.testing.assert_allclose(net(z), h, rtol=0, atol=256 * jnp.finfo(jnp.float32).eps)


def test_flat_pictures_and_pictures_without_a_channel_axis_are_taken():
    net = Conv((8, 6, 1), 3, channels=(4,)).make(key=KEY)
    x = jax.random.normal(KEY, (8, 6, 1))
    assert jnp.array_equal(net(x.ravel()), net(x))
    assert jnp.array_equal(net(x[..., 0]), net(x))


def test_bytes_are_taken_as_numbers():
    net = Conv((8, 6, 1), 3, channels=(4,)).make(key=KEY)
    x = np.arange(48, dtype=np.uint8).reshape(8, 6, 1)
    assert net(x).dtype == jnp.float32
    np.testing.assert_allclose(net(x), net(x.astype(np.float32)), rtol=1e-5)


NETWORKS = [
    (Conv((9, 8, 2), 3, channels=(4, 5)), (9, 8, 2)),
    (ConvGaussian((9, 8, 2), 3, channels=(4, 5)), (9, 8, 2)),
    (Deconv(6, (9, 8, 2), channels=(5, 4)), (6,)),
]


@pytest.mark.parametrize(("blueprint", "shape"), NETWORKS)
def test_vmap_equals_a_loop(blueprint, shape):
    net = blueprint.make(key=KEY)
    xs = jax.random.normal(KEY, (3, *shape))
    one = jax.jit(lambda x: net(x))
    mapped = jax.tree.leaves(jax.jit(jax.vmap(lambda x: net(x)))(xs))
    looped = jax.tree.leaves(jax.tree.map(lambda *rows: jnp.stack(rows), *[one(x) for x in xs]))
    for left, right in zip(mapped, looped, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=256 * jnp.finfo(jnp.float32).eps)


@pytest.mark.parametrize(("blueprint", "shape"), NETWORKS)
def test_mapped_and_differentiated_it_is_plain_matrix_products(blueprint, shape):
    """No convolution is left in the program, and no product is batched: a batch is only more rows."""
    net = blueprint.make(key=KEY)
    loss = lambda net, xs: sum(jnp.sum(y) for y in jax.tree.leaves(jax.vmap(net)(xs)))
    program = str(jax.make_jaxpr(jax.grad(loss))(net, jnp.ones((3, *shape))))
    assert "conv_general_dilated" not in program
    assert "dot_general" in program
    for line in program.split("dimension_numbers=")[1:]:
        batch = line.split("\n")[0].replace(" ", "")
        assert batch.startswith("((["), batch
        assert batch.split(",(")[1].startswith("[],[])"), batch


@pytest.mark.parametrize(("blueprint", "shape"), NETWORKS)
def test_gradient_reaches_every_leaf_and_huge_inputs_stay_finite(blueprint, shape):
    net = blueprint.make(key=KEY)
    x = jax.random.normal(KEY, shape)
    gradient = jax.jit(jax.grad(lambda net, x: sum(jnp.sum(y**2) for y in jax.tree.leaves(net(x)))))
    for path, leaf in jax.tree.leaves_with_path(gradient(net, x)):
        assert isinstance(leaf, jax.Array), path
        assert jnp.any(leaf != 0), path
    for leaf in jax.tree.leaves(gradient(net, 1e6 * x)):
        assert jnp.all(jnp.isfinite(leaf))


@pytest.mark.parametrize(("blueprint", "shape"), NETWORKS)
def test_key_determines_the_weights(blueprint, shape):
    assert eqx.tree_equal(blueprint.make(key=KEY), blueprint.make(key=KEY))
    assert not eqx.tree_equal(blueprint.make(key=KEY), blueprint.make(key=jax.random.key(1)))


def test_leaves_have_stable_names():
    names = lambda blueprint: [
        jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(blueprint.make(key=KEY))
    ]
    assert names(Conv((8, 8, 1), 3, channels=(4,))) == [
        ".stages[0].kernel",
        ".stages[0].bias",
        ".head.layers[0].weight",
        ".head.layers[0].bias",
    ]
    assert names(Deconv(3, (8, 8, 1), channels=(4,))) == [
        ".head.layers[0].weight",
        ".head.layers[0].bias",
        ".stages[0].kernel",
        ".stages[0].bias",
    ]
    assert names(ConvGaussian((8, 8, 1), 3, channels=(4,)))[0] == ".net.stages[0].kernel"


def test_refuses_pictures_of_another_shape():
    net = Conv((8, 6, 3), 3, channels=(4,)).make(key=KEY)
    with pytest.raises(ValueError, match="The network takes") as error:
        net(jnp.zeros((3, 8, 6)))
    assert str(error.value) == (
        "The network takes one picture of shape (8, 6, 3), channels last, got (3, 8, 6). Set `in_shape`, or, if this "
        "was a batch, map over it with `jax.vmap`."
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Conv((28, 28), 3),
            "`in_shape` needs height, width and channels, got (28, 28). Write (28, 28, 1) for gray pictures.",
        ),
        (
            lambda: Deconv(3, (28, 20)),
            "`out_shape` needs height, width and channels, got (28, 20). Write (28, 28, 1) for gray pictures.",
        ),
        (
            lambda: Conv((28, 7, 1), 3, channels=(8, 8, 8)),
            "`channels` has 3 stages, each of which halves the picture, but 28 x 7 can be halved 2 times. "
            "Give fewer channels.",
        ),
        (lambda: Conv((28, 28, 1), 3, channels=(8, 0)), "`channels` needs sizes of at least 1, got (8, 0)."),
        (
            lambda: ConvGaussian((28, 28, 1), 3, min_scale=0.0),
            "`min_scale` lies above 0 and below 1, where the scale begins, got 0.0.",
        ),
    ],
)
def test_refuses_what_cannot_be_made(build, message):
    with pytest.raises(ValueError, match="`") as error:
        build()
    assert str(error.value) == message
