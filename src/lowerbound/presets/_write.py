"""The text of `model.py`: one function a preset, which writes its declaration."""

import re
from collections.abc import Iterator

from lowerbound.presets._parts import Parts


def write(name: str, parts: Parts, latent: tuple[int, ...], hidden: tuple[int, ...], states: int) -> str:
    """Return the file: what the model is, p and q, and how its networks are made.

    Args:
        name: The preset.
        parts: The lines about x.
        latent: The sizes of the latents.
        hidden: The sizes of hidden layers, or the channels of the stages.
        states: The number of components or classes, or 0.
    """
    if name == "mlp":
        written = _mlp(parts, latent[0], hidden)
    elif name == "conv":
        written = _conv(parts, latent[0], hidden)
    elif name == "ladder":
        written = _ladder(parts, latent, hidden)
    elif name == "mixture":
        written = _mixture(parts, latent[0], hidden, states)
    else:
        written = _semisupervised(parts, latent[0], hidden, states)
    head, p, q, *objective = written
    code = "".join([_joint("p", p), _joint("q", q), parts.helper, _MAKE, *objective])
    return f'"""{head}{_about(parts)}"""\n\n{_imports(code)}\n\n{code}'


_MAKE = '''

def vae(key):
    """Return p and q, their networks' first weights drawn with `key`."""
    return lb.VAE(p, q, key=key)
'''


def _joint(name: str, lines: list[str]) -> str:
    return "\n".join([f"{name} = lb.Joint(", *(f"    {line}" for line in lines if line), ")\n"])


def _about(parts: Parts) -> str:
    shape = " x ".join(str(size) for size in parts.shape) or "1"
    mask = "\nm is True where an entry is observed; the others hold 0, and p(x | z) leaves them out."
    return f"""
One row of the data is x, {shape} {parts.values}.{mask if parts.masked else ""}
Each factor is for one row, with no batch axis. A function's parameters are its parents in the graph, a distribution is
a root, and a network or an array is trained. Yours to edit: `lowerbound fit DATA --model model.py:vae`.
"""


# The presets: the head of the docstring, the lines of p, those of q, and what follows if anything.

Written = tuple[str, list[str], list[str]] | tuple[str, list[str], list[str], str]

_BOUND = """
    p(x, z) = p(z) p(x | z; theta),    q(z | x; phi)
    log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))
"""


def _mlp(parts: Parts, latent: int, hidden: tuple[int, ...]) -> Written:
    head = f"""A variational autoencoder (Kingma and Welling 2014, https://arxiv.org/abs/1312.6114).
{_BOUND}"""
    p = [
        parts.mask,
        f"# What the entries of a row have in common, in {latent} numbers.",
        f"z=Normal(jnp.zeros({latent}), 1.0),",
        parts.reason,
        parts.factor("z", "theta(z)"),
        f"theta=MLP({latent}, {parts.decoded}, hidden={hidden}),",
        parts.parameter,
    ]
    q = [
        "# A Gaussian for each row; the network gives its location and scale.",
        f"z=lambda {parts.observed}, phi: Normal(*phi({parts.seen})),",
        f"phi=Gaussian({parts.encoded()}, {latent}, hidden={hidden}),",
    ]
    return head, p, q


def _conv(parts: Parts, latent: int, channels: tuple[int, ...]) -> Written:
    head = f"""A variational autoencoder of pictures (Kingma and Welling 2014, https://arxiv.org/abs/1312.6114).
{_BOUND}"""
    p = [
        parts.mask,
        f"# What the pixels of a picture have in common, in {latent} numbers.",
        f"z=Normal(jnp.zeros({latent}), 1.0),",
        parts.reason,
        parts.factor("z", "theta(z)"),
        "# Each stage doubles the picture; channels come last.",
        f"theta=Deconv({latent}, {parts.decoded}, channels={channels[::-1]}),",
        parts.parameter,
    ]
    q = [
        "# A Gaussian for each picture; each stage of its network halves the picture.",
        f"z=lambda {parts.observed}, phi: Normal(*phi({parts.seen})),",
        f"phi=ConvGaussian({parts.encoded()}, {latent}, channels={channels}),",
    ]
    return head, p, q


def _ladder(parts: Parts, latent: tuple[int, ...], hidden: tuple[int, ...]) -> Written:
    top, width = len(latent), hidden[-1]
    size = dict(enumerate(latent, 1))
    downward = range(top - 1, 0, -1)
    head = f"""A ladder of {"two" if top == 2 else "three"} latents (Sonderby et al. 2016, https://arxiv.org/abs/1602.02282).

    p(x, z) = p(z{top}) {" ".join(f"p(z{i} | z{i + 1})" for i in downward)} p(x | z1)
    q(z | x) = q(z{top} | x) {" ".join(f"q(z{i} | z{i + 1}, x)" for i in downward)}
"""

    def priors() -> Iterator[str]:
        for i in downward:
            yield f"prior{i}=lambda z{i + 1}, down{i}: down{i}(z{i + 1}),"
            yield f"z{i}=lambda prior{i}: Normal(*prior{i}),"

    p = [
        parts.mask,
        "# From the top down. A prior is a value, location and scale, which q shares: it is computed once.",
        f"z{top}=Normal(jnp.zeros({size[top]}), 1.0),",
        *priors(),
        parts.reason,
        parts.factor("z1", "decoder(z1)"),
        *(f"down{i}=Gaussian({size[i + 1]}, {size[i]}, hidden={hidden})," for i in downward),
        f"decoder=MLP({size[1]}, {parts.decoded}, hidden={hidden}),",
        parts.parameter,
    ]
    upward = range(2, top + 1)
    q = [
        "# From the bottom up: what x says, level by level.",
        f"h1=lambda {parts.observed}, up1: relu(up1({parts.seen})),",
        *(f"h{i}=lambda h{i - 1}, up{i}: relu(up{i}(h{i - 1}))," for i in upward),
        "# From the top down: the prior times what x says, which weights the two by their precisions.",
        f"z{top}=lambda h{top}, head{top}: Normal(*head{top}(h{top})),",
        *(
            f"z{i}=lambda prior{i}, h{i}, head{i}: Normal(*product_of_gaussians(prior{i}, head{i}(h{i}))),"
            for i in downward
        ),
        f"up1=MLP({parts.encoded()}, {width}, hidden={hidden[:-1]}),",
        *(f"up{i}=MLP({width}, {width}, hidden={hidden[:-1]})," for i in upward),
        *(f"head{i}=Gaussian({width}, {size[i]}, hidden=())," for i in size),
    ]
    return head, p, q


def _mixture(parts: Parts, latent: int, hidden: tuple[int, ...], components: int) -> Written:
    head = f"""A variational autoencoder whose prior is a mixture of {components} Gaussians.

    p(x, z, c) = p(c) p(z | c) p(x | z; theta),    q(z | x; phi)
    log p(x) >= E_q[log p(x | z) + log sum_c p(c) p(z | c) - log q(z | x)]
"""
    p = [
        parts.mask,
        "# The component c has finitely many values and is left out of q: it is summed out exactly.",
        "c=lambda weights: Categorical(logits=weights),",
        "z=lambda c, means, scales: Normal(means[c], scales[c]),",
        parts.reason,
        parts.factor("z", "theta(z)"),
        f"weights=jnp.zeros({components}),",
        "# Drawn apart: components that begin alike would stay alike.",
        f"means=np.random.default_rng(0).normal(size=({components}, {latent})),",
        f"scales=lb.Param(jnp.ones(({components}, {latent})), support=positive),",
        f"theta=MLP({latent}, {parts.decoded}, hidden={hidden}),",
        parts.parameter,
    ]
    q = [
        "# A Gaussian for each row; the network gives its location and scale.",
        f"z=lambda {parts.observed}, phi: Normal(*phi({parts.seen})),",
        f"phi=Gaussian({parts.encoded()}, {latent}, hidden={hidden}),",
    ]
    return head, p, q


def _semisupervised(parts: Parts, latent: int, hidden: tuple[int, ...], classes: int) -> Written:
    head = """Model M2 for rows of which some are labelled (Kingma et al. 2014, https://arxiv.org/abs/1406.5298).

    p(x, y, z) = p(y) p(z) p(x | y, z),    q(y, z | x) = q(y | x) q(z | x, y)

Where y is in the data it is observed; elsewhere it is latent, and the bound is averaged over q(y | x), class by class.
"""
    p = [
        parts.mask,
        f"# The label, each class as likely, and what it leaves open, in {latent} numbers.",
        f"y=Categorical(logits=jnp.zeros({classes})),",
        f"z=Normal(jnp.zeros({latent}), 1.0),",
        parts.reason,
        parts.factor("y, z", f"decoder(one_hot(y, {classes}), z)"),
        f"decoder=MLP({classes} + {latent}, {parts.decoded}, hidden={hidden}),",
        parts.parameter,
    ]
    q = [
        f"y=lambda {parts.observed}, classifier: Categorical(logits=classifier({parts.seen})),",
        f"z=lambda {parts.observed}, y, encoder: Normal(*encoder({parts.seen}, one_hot(y, {classes}))),",
        f"classifier=MLP({parts.encoded()}, {classes}, hidden={hidden}),",
        f"encoder=Gaussian({parts.encoded(classes)}, {latent}, hidden={hidden}),",
    ]
    objective = f"""

# Where y is observed the bound does not use q(y | x), so there its classifier learns from its cross-entropy (Eq. 9).
# The weight makes few labelled rows count beside many others; it is in what is trained, never in a reported bound.
objective = lb.ELBO() + lb.Penalty(
    lambda {parts.observed}, y, classifier: -Categorical(logits=classifier({parts.seen})).log_prob(y),
    weight=10.0,
)
"""
    return head, p, q, objective


# The imports, of the names that are used.

_NAMES = {
    "jax.nn": ["one_hot", "relu"],
    "lowerbound.dist": [
        "Bernoulli",
        "BetaBinomial",
        "Categorical",
        "DiscretizedLogistic",
        "NegativeBinomial2",
        "Normal",
        "greater_than",
        "interval",
        "positive",
    ],
    "lowerbound.nn": ["MLP", "ConvGaussian", "Deconv", "Gaussian", "product_of_gaussians"],
}


def _imports(code: str) -> str:
    lines = ["import jax.numpy as jnp", "import lowerbound as lb"]
    if "np.random" in code:
        lines.append("import numpy as np")
    for module, names in _NAMES.items():
        if used := [name for name in names if re.search(rf"\b{name}\b[()]", code)]:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines)
