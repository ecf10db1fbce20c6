"""The page: one file, nothing fetched, everything escaped, every number with its unit, side and errors."""

import re
from html.parser import HTMLParser

import jax
import numpy as np
import pytest
from pages import TAG, bare, estimate, full

import lowerbound as lb
from lowerbound.dist import Bernoulli, Categorical, Normal
from lowerbound.nn import MLP
from lowerbound.objective import Side
from lowerbound.report import Figure, Page, Score, render
from lowerbound.report._html import _formula, _score
from lowerbound.report._style import DIAGRAM_COLORS

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects tags and text, and fails on tags that do not match."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title", "desc"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="module")
def page() -> str:
    return render(full())


def test_the_page_is_well_formed_and_every_link_leads_somewhere(page):
    reader = Reader(page)
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"] for tag, attrs in reader.tags if tag == "a"]
    assert len(links) == 8
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert all(attrs["aria-labelledby"] in ids for tag, attrs in reader.tags if tag == "section")


def test_nothing_is_fetched_and_no_text_becomes_a_tag(page):
    reader = Reader(page)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "iframe", "object", "base"}
    for tag, attrs in reader.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            if name in attrs:
                assert attrs[name].startswith(("#", "data:image/png;base64,")), (tag, attrs[name])
        assert not [name for name in attrs if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert TAG not in page
    assert "default-src 'none'" in page
    # Where a page shows what it was given: title, lead, caption and all.
    word = "P" * len(TAG)
    plain = Reader(render(full(word)))
    assert reader.text.count(TAG) == plain.text.count(word) > 25
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in plain.tags]


def test_the_page_is_small(page):
    assert len(page.encode()) < 200_000


def test_sections_stand_in_order(page):
    headings = re.findall(r"<h2[^>]*><span[^>]*>(\d)</span>([^<]*)</h2>", page)
    assert headings == [
        ("1", "Scores"),
        ("2", "Notes"),
        ("3", "The model"),
        ("4", "What the model makes"),
        ("5", "Learning curves"),
        ("6", "Use of the latents"),
        ("7", "What is random, what is a value"),
        ("8", "The run"),
    ]
    assert [int(n) for n in re.findall(r"<b>Figure (\d+)\.", page)] == list(range(1, 7))
    assert [int(n) for n in re.findall(r"<b>Table (\d+)\.", page)] == list(range(1, 4))


def test_what_has_nothing_to_say_is_left_out():
    reader = Reader(render(bare()))
    assert [attrs["href"] for tag, attrs in reader.tags if tag == "a"] == ["#network", "#explanation"]


def cells(score: Score) -> list[str]:
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", _score(score))]


def test_a_score_has_both_errors_and_its_side():
    # The standard error of -80, -82 and -84.5 is 2.2546 / sqrt(3).
    assert cells(Score("a", estimate())) == ["−82.17", "1.30", "0.031", "lower bound in expectation", "64", "3"]
    assert cells(Score("a", estimate(error=float("nan"))))[2] == "–"
    assert cells(Score("a", estimate(error=0.0, side=Side.EXACT, samples=0)))[2:5] == ["0", "exact", "–"]
    assert cells(Score("a", estimate(values=(-3.0,))))[:2] == ["−3.00", "–"]


def test_small_errors_get_more_digits():
    values = -1 + 1e-4 * np.array([-1.0, 0.0, 1.0])
    assert cells(Score("a", estimate(values=values, error=1e-6)))[:3] == ["−1.000000", "0.000058", "0.0000010"]


def test_the_sides_are_explained_and_the_parameters_kl_is_named(page):
    text = Reader(page).text
    assert "a lower bound in expectation is, on average over draws, at most log p(x)" in text
    assert "an exact number is a log-density itself" in text
    assert "upper bound" not in text
    assert "12.3 nats for all training data together" in text
    assert "higher is better" in text


def test_formulas():
    assert _formula("x^(i) - KL(q(z | x) || p(z))") == "x<sup>(i)</sup> \N{MINUS SIGN} KL(q(z | x) ‖ p(z))"
    assert _formula("-KL(a) of -3, 10^-3, x-hat, log_p, z_1, 1-2") == (
        "\N{MINUS SIGN}KL(a) of \N{MINUS SIGN}3, 10<sup>\N{MINUS SIGN}3</sup>, x-hat, log_p, z_1, 1-2"
    )
    assert _formula("E_q[ Σ_k w_k ], Σ_{y} <b>") == (
        "E<sub>q</sub>[ Σ<sub>k</sub> w<sub>k</sub> ], Σ<sub>y</sub> &lt;b&gt;"
    )


def test_an_image_is_enlarged_by_a_whole_factor(page):
    # Ten images of 8 pixels and nine gaps are 89 wide; a wide figure has 944.
    assert re.search(r'<img class="pixels" alt="Images" width="890" height="170"', page)


def test_bytes_that_are_no_png_are_refused():
    message = "The content of the figure `a` is no PNG file by its first bytes."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        render(Page(**{**vars(bare()), "figures": (Figure("a", "b", b"GIF89a"),)}))


def test_every_color_of_a_diagram_follows_the_page():
    """Else a diagram would be dark on dark: the style sheet replaces its colours by name."""
    p = lb.Joint(
        c=Categorical(logits=np.zeros(2, np.float32)),
        z=Normal(np.zeros(2, np.float32), 1.0),
        s=lb.Fixed(np.float32(1.0)),
        x=lambda z, c, s, theta: Bernoulli(logits=theta(z) * s + c),
        theta=MLP(2, 4),
    )
    q = lb.Joint(z=lambda x, phi: Normal(phi(x), 1.0), phi=MLP(4, 2))
    drawn = lb.draw(lb.VAE(p, q, key=jax.random.key(0))).svg()
    assert set(re.findall(r'(?:fill|stroke)="(#\w+)"', drawn)) == set(DIAGRAM_COLORS)
