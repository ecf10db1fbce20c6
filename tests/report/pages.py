"""A page with everything on it, and one with as little as can be."""

import numpy as np

from lowerbound.drawing import Explanation, Row, bars, column_histograms, image_png, latent_map, learning_curves
from lowerbound.evaluation import Estimate
from lowerbound.objective import Side
from lowerbound.report import Figure, Latent, Page, Score
from lowerbound.training import History

#: In every place that takes a text, to be escaped.
TAG = "<script src='http://example.com'>&\"</script>"

#: Wider than a phone.
NETWORK = '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="60" viewBox="0 0 900 60"><title>n</title></svg>'


def estimate(values=(-80.0, -82.0, -84.5), error=0.0314, side=Side.LOWER, samples=64, kl=None) -> Estimate:
    array = np.array(values, np.float64)
    return Estimate(array, np.full(len(array), error), error, side, samples, "ELBO", kl or {}, {})


def history() -> History:
    values = np.linspace(-200.0, -80.0, 30)
    at = np.arange(10, 31, 10)
    terms = {"log p(x | z)": values + 10, "-KL(q(z | x) || p(z))": np.full(30, -10.0)}
    return History(terms, np.arange(30.0), at, values[at - 1], np.full(3, 0.5), 30, 10, "epochs")


def full(text: str = TAG) -> Page:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 2))
    return Page(
        title=f"Run {text}",
        lead=f"Lead {text}",
        scores=(
            Score(f"log p(x) {text}", estimate(kl={f"theta{text}": 12.34}), f"note {text}"),
            Score("one draw", estimate(error=float("nan"), samples=1)),
            Score("baseline", estimate(error=0.0, side=Side.EXACT, samples=0)),
        ),
        depends=((f"data {text}", f"digits {text}"), ("fingerprint", "0123456789abcdef" * 4)),
        notes=(f"A note {text}", "Another - KL(q || p) is -3 nats."),
        network=NETWORK,
        explanation=Explanation(
            (f"p(x, z) = p(x | z) {text}",),
            f"ELBO = E_q[ log p(x | z) - KL(q(z | x) || p(z)) ] {text}",
            (f"z: KL in closed form {text}",),
            (Row(f"x^(i) {text}", f"a {text}", f"b {text}", f"c {text}", f"d {text}"),),
        ),
        curves=learning_curves(history()),
        figures=(
            Figure(
                f"Map {text}",
                f"Caption {text}",
                latent_map(points, labels=np.arange(100) % 3, classes=(text, "b", "c")),
            ),
            Figure("Images", "20 samples.", image_png(rng.random((20, 8, 8)), 10), wide=True),
            Figure("Columns", "Each.", column_histograms(points, points, (text, "b"))),
        ),
        latents=(Latent(f"z {text}", f"sampled {text}", f"3.1 nats {text}", f"7 of 8 {text}", bars(np.ones(8))),),
        command=f"lowerbound fit {text}",
        again=f"lowerbound fit {text}\nlowerbound evaluate",
        settings=((f"Model {text}", ((f"latent {text}", f"8 {text}"),)),),
        version="1.2.3",
    )


def bare() -> Page:
    return Page("t", "l", (), (), (), "<svg/>", Explanation((), "", (), ()), "", (), (), "", "", (), "0")
