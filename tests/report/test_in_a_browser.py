"""The page of a real run in a browser, as wide as a desk and as a phone: nothing sticks out, nothing is fetched."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pages import full

import lowerbound as lb
from lowerbound.dist import Bernoulli, Normal
from lowerbound.drawing import draw, explain, image_png, learning_curves
from lowerbound.nn import MLP, Gaussian
from lowerbound.objective import ELBO
from lowerbound.report import Figure, Page, Score, render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=10000",
    "--dump-dom",
]
#: A page in a frame of a width, and what it measures there, told as JSON.
HARNESS = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0" width="{width}" height="900" srcdoc="{page}"></iframe>
<script>
document.getElementById("frame").onload = ({{target}}) => {{
  const page = target.contentDocument, root = page.documentElement;
  for (const details of page.querySelectorAll("details")) details.open = true;
  const sticksOut = [...page.querySelectorAll("body *")].filter(
    (e) => !e.closest(".scroll *, svg *") && e.getBoundingClientRect().right > {width} + 0.5);
  const told = {{
    width: root.clientWidth, scroll: root.scrollWidth, height: root.scrollHeight,
    sticksOut: sticksOut.map((e) => e.tagName + "." + e.className),
    fetched: target.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name),
    images: [...page.images].map((image) => image.complete && image.naturalWidth > 0),
    font: target.contentWindow.getComputedStyle(page.body).fontSize,
    links: [...page.querySelectorAll("a")].every((a) => page.getElementById(a.hash.slice(1))),
  }};
  document.body.textContent = "TOLD" + JSON.stringify(told) + "TOLD";
}};
</script>"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> str:
    if BROWSER is None and os.environ.get("CI") != "true":
        pytest.skip("no Chromium on this machine")
    assert BROWSER is not None, "CI needs Chromium for this test"
    return BROWSER


@pytest.fixture(scope="module")
def page() -> Page:
    """A run of a few steps, on everything that `full` has beside."""
    rng = np.random.default_rng(0)
    p = lb.Joint(
        z=Normal(jnp.zeros(2), 1.0), x=lambda z, theta: Bernoulli(logits=theta(z)), theta=MLP(2, 16, hidden=(8,))
    )
    q = lb.Joint(z=lambda x, phi: Normal(*phi(x)), phi=Gaussian(16, 2, hidden=(8,)))
    key = jax.random.key(0)
    data = lb.Data(x=(rng.random((300, 16)) < 0.3).astype(np.uint8)).split(key=key)
    run = lb.fit(
        lb.VAE(p, q, key=key), data.train, ELBO(), valid=data.valid, epochs=20, batch_size=32, key=key, progress=False
    )
    estimate = lb.evaluate(run.vae, data.test, ELBO(16), key=key, progress=False)
    bits = Figure("Data", "The first test rows.", image_png(data.test["x"].reshape(-1, 4, 4), 10), wide=True)
    parts = vars(full())
    real = {
        "scores": (Score("ELBO", estimate, "a note of some length about the score"), *parts["scores"]),
        "network": draw(run.vae).svg(),
        "explanation": explain(run.vae, data.train, ELBO()),
        "curves": learning_curves(run.history),
        "figures": (bits, *parts["figures"]),
    }
    return Page(**(parts | real))


@pytest.mark.parametrize("wide_network", [False, True])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_sticks_out_and_nothing_is_fetched(
    browser: str, page: Page, width: int, wide_network: bool, tmp_path: Path
):
    text = render(Page(**(vars(page) | ({"network": full().network} if wide_network else {}))))
    assert len(text.encode()) < 3_000_000
    file = tmp_path / "harness.html"
    file.write_text(HARNESS.format(width=width, page=html.escape(text)), encoding="utf-8")
    command = [browser, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    told = json.loads(html.unescape(re.search("TOLD(.*)TOLD", dom, re.DOTALL)[1]))
    assert told["width"] == width
    assert told["scroll"] == width
    assert told["sticksOut"] == []
    assert told["fetched"] == []
    assert told["images"]
    assert all(told["images"])
    assert told["links"]
    assert told["height"] > 2000
    assert told["font"] == ("17px" if width == 1200 else "16px")
