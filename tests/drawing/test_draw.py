"""What is drawn is what is declared, in the notation of the papers, and nothing lies on anything else."""

import itertools
import re
import xml.etree.ElementTree as ET
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn_models import DECLARATIONS, prior
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import lowerbound as lb
from lowerbound.dist import Normal
from lowerbound.drawing import Diagram, Edge, Kind, Label, Role, draw
from lowerbound.drawing._box import INDEX
from lowerbound.drawing._label import read_label
from lowerbound.drawing._layout import Layout, lay_out
from lowerbound.drawing._route import Curve
from lowerbound.drawing._svg import write_svg

SVG = "{http://www.w3.org/2000/svg}"
MODELS = {name: declare() for name, declare in DECLARATIONS.items()}


CASES = list(itertools.product(MODELS, [True, False]))


@cache
def diagram_of(name: str, group: bool) -> Diagram:
    return draw(MODELS[name], group_parameters=group)


@cache
def layout_of(name: str, group: bool) -> Layout:
    diagram = diagram_of(name, group)
    return lay_out(diagram.nodes, diagram.edges, diagram.plate)


@pytest.fixture(params=CASES, ids=[f"{name}-{'grouped' if group else 'each'}" for name, group in CASES])
def case(request) -> tuple[str, bool]:
    return request.param


def declared_edges(vae: lb.VAE) -> set[tuple[str, str, str]]:
    """Every parent of every factor, by name and side."""
    graph = vae.graph
    priors = {name: p.prior for name, p in graph.parameters.items() if p.prior is not None}
    p = {**graph.p, **{n: f for n, f in graph.values.items() if n in graph.declared_by_p}, **priors}
    q = {**graph.q, **{n: f for n, f in graph.values.items() if n not in graph.declared_by_p}, **graph.posteriors}
    return {
        (parent.name, name, side)
        for side, factors in (("p", p), ("q", q))
        for name, factor in factors.items()
        for parent in factor.parents
    }


def roles(diagram: Diagram) -> dict[str, str]:
    return {node.name: str(node.role) for node in diagram.nodes}


def edges(diagram: Diagram) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, str(edge.kind)) for edge in diagram.edges}


def test_each_factor_edge_is_drawn_and_no_other(case):
    vae, diagram = MODELS[case[0]], diagram_of(*case)
    node_of = {name: node.name for node in diagram.nodes for name in node.names}
    assert set(node_of) == vae.graph.names
    assert edges(diagram) == {(node_of[a], node_of[b], side) for a, b, side in declared_edges(vae)}
    assert len(diagram.edges) == len(edges(diagram))


def test_the_document_holds_the_diagram(case):
    diagram = diagram_of(*case)
    root = ET.fromstring(write_svg(diagram.title, diagram.description, layout_of(*case)))
    groups = root.findall(f"{SVG}g")
    found = {g.get("data-name"): g.get("data-role") for g in groups if g.get("data-name")}
    assert found == roles(diagram)
    assert {
        (g.get("data-from"), g.get("data-to"), g.get("data-kind")) for g in groups if g.get("data-role") == "edge"
    } == edges(diagram)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(g.get("id") and g.get("class") and g.get("data-role") for g in groups)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    for group in groups:
        if group.get("data-kind"):
            path = group.find(f"{SVG}path")
            assert path is not None
            assert (path.get("stroke-dasharray") is not None) == (group.get("data-kind") == "q")


def test_nothing_lies_on_anything_else(case):
    diagram, layout = diagram_of(*case), layout_of(*case)
    for a, b in itertools.combinations(layout.boxes.values(), 2):
        assert abs(a.x - b.x) > a.half_width + b.half_width or abs(a.y - b.y) > a.half_height + b.half_height
    for edge, curve in layout.curves.items():
        points = curve.at(np.linspace(0, 1, 400))
        for name, box in layout.boxes.items():
            if name not in (edge.source, edge.target):
                assert box.distance(points).min() > 2, f"{edge} runs through {name}"
        assert layout.plate_label.distance(points).min() > 0
    for member in diagram.nodes:
        box, plate = layout.boxes[member.name], layout.plate_outline
        inside_x = plate.left < box.x - box.half_width and box.x + box.half_width < plate.right
        inside_y = plate.top < box.y - box.half_height and box.y + box.half_height < plate.bottom
        assert (inside_x and inside_y) == (member.name in diagram.plate.members)


def test_edges_that_join_one_pair_are_seen_apart(case):
    """z -> x solid and x -> z dashed are two arrows, not one with two heads."""
    layout = layout_of(*case)
    pairs = [
        (layout.curves[a], layout.curves[b])
        for a, b in itertools.combinations(layout.curves, 2)
        if {a.source, a.target} == {b.source, b.target}
    ]
    for first, second in pairs:
        a, b = (curve.at(np.linspace(0.3, 0.7, 100)) for curve in (first, second))
        assert np.hypot(*np.moveaxis(a[:, None] - b, -1, 0)).min() > 6


def test_labels_stay_inside(case):
    """By the glyphs of DejaVu Serif, wider than the fonts that stand before it."""
    layout = layout_of(*case)
    for node in layout.nodes:
        box, label = layout.boxes[node.name], node.label
        weight = "normal" if label.is_word else "bold"
        font = FontProperties(family="DejaVu Serif", weight=weight)
        size = box.font_size
        width = TextPath((0, 0), label.symbol, size=size, prop=font).get_extents().width
        if label.indices:
            width += TextPath((0, 0), label.subscript, size=INDEX * size, prop=font).get_extents().width
        right = box.x + box.label_offset[0] + width / 2
        assert right < layout.canvas.right
        if node.role is not Role.FIXED:
            corners = np.array([[box.x + width / 2, box.y + y] for y in (-0.3 * size, 0.3 * size)])
            assert box.distance(corners).max() < 0, f"{label} sticks out"


def test_the_picture_of_kingma_and_welling():
    diagram, layout = diagram_of("plain", True), layout_of("plain", True)
    assert roles(diagram) == {"z": "latent", "x": "observed", "theta": "parameter", "phi": "parameter"}
    assert edges(diagram) == {("z", "x", "p"), ("theta", "x", "p"), ("x", "z", "q"), ("phi", "z", "q")}
    assert diagram.plate.members == ("z", "x")
    assert diagram.title == "Bayesian network of p(z) p(x | z) and q(z | x)"
    assert diagram.description == (
        "Latent: z. Observed: x. Parameter: theta, phi. Solid arrows, of the factors of p: z to x, theta to x. "
        "Dashed arrows, of the factors of q: x to z, phi to z. The plate holds what is repeated for each datum, "
        "n = 1..N."
    )
    boxes = layout.boxes
    assert boxes["phi"].x < layout.plate_outline.left < boxes["z"].x == boxes["x"].x < layout.plate_outline.right
    assert boxes["theta"].x > layout.plate_outline.right
    assert boxes["z"].y < boxes["x"].y
    middle = {
        edge.kind: curve.at(np.array([0.5]))[0, 0] for edge, curve in layout.curves.items() if edge.source in "xz"
    }
    assert middle[Kind.Q] < boxes["z"].x < middle[Kind.P]  # q bends to the left, p to the right


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conditional", {"y": "input", "z": "latent", "x": "observed"}),
        ("semi_supervised", {"y": "latent", "z": "latent", "x": "observed"}),
        ("mixture_prior", {"c": "summed-out", "z": "latent", "x": "observed"}),
        ("ladder", {"z5": "latent", "d5": "value", "x": "observed"}),
        ("two_views", {"z": "latent", "x1": "observed", "x2": "observed"}),
        (
            "random_parameters",
            {"theta": "random-parameter", "loading": "fixed", "batch": "input", "rate": "value", "hidden": "value"},
        ),
        ("closed", {"c": "summed-out", "x": "observed"}),
    ],
)
def test_roles(name, expected):
    found = roles(diagram_of(name, True))
    assert {n: found[n] for n in expected} == expected


def test_observed_names_decide_what_is_shaded():
    vae = MODELS["semi_supervised"]
    assert roles(draw(vae, observed=["x", "y"]))["y"] == "observed"
    assert edges(draw(vae, observed=["x", "y"])) == edges(draw(vae))
    assert roles(draw(MODELS["mixture_prior"], observed=["x", "c"]))["c"] == "observed"
    assert roles(draw(MODELS["plain"], observed="x")) == roles(draw(MODELS["plain"]))


def test_parents_stand_above_children():
    boxes = layout_of("ladder", True).boxes
    column = [boxes[name] for name in ("z5", "z4", "z3", "z2", "z1", "x")]
    assert len({box.x for box in column}) == 1
    assert [box.y for box in column] == sorted(box.y for box in column)
    assert all(boxes[f"d{i}"].y == boxes[f"z{i}"].y for i in range(1, 6))


def test_parameters_are_grouped_unless_the_symbol_is_taken():
    names = {node.name: node.names for node in draw(MODELS["mixture_prior"]).nodes}
    assert names["theta"] == ("pi", "mu", "theta")
    each = {node.name for node in draw(MODELS["mixture_prior"], group_parameters=False).nodes}
    assert {"pi", "mu", "theta"} < each
    # `theta` is random, so tau and sigma cannot hide behind that letter; q's four parameters can be one phi.
    taken = {node.name: node.names for node in draw(MODELS["random_parameters"]).nodes}
    assert taken["theta"] == ("theta",)
    assert {"tau", "sigma"} < set(taken)
    assert taken["phi"] == ("m", "s", "trunk", "head")


@pytest.mark.parametrize(
    ("name", "symbol", "indices"),
    [
        ("z", "z", ()),
        ("z1", "z", ("1",)),
        ("z_2", "z", ("2",)),
        ("z1_2", "z", ("1", "2")),
        ("theta", "θ", ()),
        ("Sigma", "Σ", ()),
        ("phi2", "ϕ", ("2",)),
        ("sigma_x", "σ", ("x",)),
        ("lambda_", "λ", ()),
        ("image", "image", ()),
        ("view1", "view", ("1",)),
        ("log_scale", "log_scale", ()),
        ("_", "_", ()),
        ("12", "12", ()),
    ],
)
def test_labels_read_names(name, symbol, indices):
    assert read_label(name, Role.LATENT) == Label(symbol, Role.LATENT, indices)


def test_any_name_can_be_drawn():
    """Names from a dict need be no identifiers; a long one widens its outline."""
    long = "gene expression <counts> & more"
    p = lb.Joint(
        {"a b": prior, "a&b": prior, long: lb.given(lambda loc, w: Normal(loc + w, 1.0), "a b")}, w=jnp.zeros(2)
    )
    diagram = draw(lb.VAE(p, key=jax.random.key(0)), observed=[long, "a b", "a&b"])
    root = ET.fromstring(diagram.svg())
    assert {g.get("data-name") for g in root.findall(f"{SVG}g")} - {None} == {"a b", "a&b", long, "w"}


def test_more_parameters_than_sides():
    """However many stand outside the plate, each finds a place of its own."""
    long = [f"parameter_{letter}" for letter in "abcdefghijkm"]
    f = lambda a, b, c, d, e, f, g, h, i, j, k, m: Normal(a + b + c + d + e + f + g + h + i + j + k + m, 1.0)
    p = lb.Joint({"x": lb.given(f, *long)}, **{name: jnp.zeros(()) for name in long})
    diagram = draw(lb.VAE(p, key=jax.random.key(0)), group_parameters=False)
    boxes = list(lay_out(diagram.nodes, diagram.edges, diagram.plate).boxes.values())
    for a, b in itertools.combinations(boxes, 2):
        assert abs(a.x - b.x) > a.half_width + b.half_width or abs(a.y - b.y) > a.half_height + b.half_height


def test_a_piece_of_a_curve_lies_on_it():
    curve = Curve(np.array([[0.0, 0.0], [1.0, 3.0], [4.0, -1.0], [5.0, 2.0]]), np.zeros((0, 2)))
    piece = Curve(curve.between(0.2, 0.7), np.zeros((0, 2)))
    t = np.linspace(0, 1, 9)
    # Entries below 5 and some ten operations.
    np.testing.assert_allclose(piece.at(t), curve.at(0.2 + 0.5 * t), atol=50 * np.finfo(float).eps)


def test_the_same_declaration_gives_the_same_bytes():
    assert draw(DECLARATIONS["two_views"]()).svg() == diagram_of("two_views", True).svg()


def test_save_writes_what_is_shown(tmp_path):
    diagram = draw(MODELS["plain"])
    diagram.save(tmp_path / "fig1.svg")
    assert (tmp_path / "fig1.svg").read_text(encoding="utf-8") == diagram.svg() == diagram._repr_svg_()
    assert Edge("z", "x", Kind.P) in diagram.edges


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vae: draw(vae, view="training"), "`view` is 'training', but the view that exists is 'bayesnet'."),
        (
            lambda vae: draw(vae, observed=["w"]),
            "`observed` names `w`, which is neither a random variable nor an input; those are `z`, `x`.",
        ),
        (
            lambda vae: draw(vae).save("fig1.pdf"),
            "`fig1.pdf` ends in .pdf, but a diagram is saved as .svg. Write `fig1.svg`.",
        ),
        (lambda vae: draw(vae).save("fig1"), "`fig1` has no ending, but a diagram is saved as .svg. Write `fig1.svg`."),
    ],
)
def test_mistakes_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call(MODELS["plain"])
