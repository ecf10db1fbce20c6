"""The page as one HTML file: no script, nothing fetched; every text escaped."""

import base64
import math
import re
from collections.abc import Iterable, Sequence
from html import escape

from lowerbound.drawing import HEADINGS, Explanation
from lowerbound.objective import Side
from lowerbound.report._page import Figure, Latent, Page, Score
from lowerbound.report._style import STYLE

#: Widths of the text and of a wide figure, in CSS pixels.
_TEXT, _WIDE = 688, 944
#: What a browser may load: nothing but what is in the file.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_SIDES = {
    Side.EXACT: "an exact number is a log-density itself, the baseline's under its own independent entries",
    Side.LOWER: "a lower bound in expectation is, on average over draws, at most log p(x)",
    Side.UPPER: "an upper bound in expectation is, on average over draws, at least log p(x)",
    Side.CONSISTENT: "a consistent number tends to log p(x) as the samples grow, from neither side for certain",
    Side.NONE: "what bounds nothing is not to be compared with log p(x)",
}


def render(page: Page) -> str:
    """Set a page as one HTML file that needs no network, no script and no other file.

    It is light or dark as the reader's system is, can be read on a phone, and can be printed.
    """
    count = _Count()
    sections = [
        ("scores", "Scores", _scores(page.scores, page.depends, count)),
        ("notes", "Notes", _notes(page.notes)),
        ("network", "The model", _network(page, count)),
        ("figures", "What the model makes", _figures(page.figures, count)),
        ("curves", "Learning curves", _curves(page.curves, count)),
        ("latents", "Use of the latents", _latents(page.latents, count)),
        ("explanation", "What is random, what is a value", _explanation(page.explanation, count)),
        ("run", "The run", _run(page)),
    ]
    numbered = [(i, *section) for i, section in enumerate((s for s in sections if s[2]), 1)]
    contents = "".join(
        f'<li><a href="#{anchor}"><span class="number">{i}</span>{escape(title)}</a></li>'
        for i, anchor, title, _ in numbered
    )
    body = "\n".join(
        f'<section id="{anchor}" class="column" aria-labelledby="{anchor}-title">'
        f'<h2 id="{anchor}-title"><span class="number">{i}</span>{escape(title)}</h2>\n{content}</section>'
        for i, anchor, title, content in numbered
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(page.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header class="column">
<p class="kind">Report of a run · lowerbound {escape(page.version)}</p>
<h1>{escape(page.title)}</h1>
<p class="lead">{escape(page.lead)}</p>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
</header>
<main>
{body}
</main>
<footer class="column"><p>Written by lowerbound {escape(page.version)}. One file; it needs no network.</p></footer>
</body>
</html>
"""


class _Count:
    """Numbers for figures and tables, in the order of the page."""

    def __init__(self) -> None:
        self._counts = {"Figure": 0, "Table": 0}

    def label(self, kind: str, title: str) -> str:
        """Return the beginning of a caption: its kind, the next number and the title."""
        self._counts[kind] += 1
        return f"<b>{kind} {self._counts[kind]}. {_formula(title)}.</b>"


# The sections, in the order of the page. One that has nothing to say is empty, and left out.


def _scores(scores: Sequence[Score], depends: Sequence[tuple[str, str]], count: _Count) -> str:
    if not scores:
        return ""
    head = (
        '<th scope="col">score</th><th scope="col" class="figures">nats a datum<small>higher is better</small></th>'
        '<th scope="col" class="figures">±&nbsp;data</th><th scope="col" class="figures">±&nbsp;draws</th>'
        '<th scope="col">side</th><th scope="col" class="figures">samples</th><th scope="col" class="figures">rows</th>'
    )
    sides = dict.fromkeys(score.estimate.side for score in scores)
    kl = {f"KL(q({k}) || p({k}))": v for score in scores for k, v in score.estimate.parameter_kl.items()}
    key = [
        "<b>± data</b>: the standard error over the rows, how far other rows of the same kind would move the number; "
        "it includes the error over draws. <b>± draws</b>: the Monte Carlo standard error, how far other draws would "
        "move it; – where one draw cannot tell.",
        f"<b>Side</b>: where a number stands against log p(x); {'; '.join(escape(_SIDES[side]) for side in sides)}.",
        *(
            f"{_formula(name)} is {_number(nats, 1)} nats for all training data together; no score holds it."
            for name, nats in kl.items()
        ),
    ]
    caption = (
        f"{count.label('Table', 'Scores in nats a datum')} Higher is better: the log-density of a datum, summed over "
        "its observed entries, in the units of the original data; the mean over the rows."
    )
    table = _table("scores", head, (_score(score) for score in scores), "Scores", caption)
    pairs = f"<h3>What every number depends on</h3>{_pairs(depends)}" if depends else ""
    return f'{table}<div class="key">{"".join(f"<p>{line}</p>" for line in key)}</div>{pairs}'


def _score(score: Score) -> str:
    estimate = score.estimate
    error = estimate.standard_error
    # Two digits of the error over data; the error over draws gets one more.
    digits = min(max(2, 1 - math.floor(math.log10(error))), 6) if math.isfinite(error) and error > 0 else 2
    note = f"<small>{_formula(score.note)}</small>" if score.note else ""
    cells = [
        ("figures main", _number(estimate.mean, digits)),
        ("figures", _number(estimate.standard_error, digits)),
        ("figures", _number(estimate.monte_carlo_error, digits + 1)),
        ("side", escape(str(estimate.side))),
        ("figures", f"{estimate.num_samples:,}" if estimate.num_samples else "–"),
        ("figures", f"{len(estimate):,}"),
    ]
    row = "".join(f'<td class="{kind}">{text}</td>' for kind, text in cells)
    return f'<tr><th scope="row">{_formula(score.name)}{note}</th>{row}</tr>'


def _notes(notes: Sequence[str]) -> str:
    return f'<ul class="notes">{"".join(f"<li>{_formula(note)}</li>" for note in notes)}</ul>' if notes else ""


def _network(page: Page, count: _Count) -> str:
    formulas = "".join(f'<p class="formula">{_formula(line)}</p>' for line in page.explanation.factorization)
    caption = (
        "Circles are random variables, shaded where observed, diamonds values computed from others, squares what is "
        "given with a datum; the plate repeats them for each datum; outside of it stand the parameters. Solid arrows "
        "belong to the model p, dashed ones to the inference q."
    )
    label = count.label("Figure", "The Bayesian network of p and q")
    return f'{formulas}<figure class="network">{page.network}<figcaption>{label} {caption}</figcaption></figure>'


def _figures(figures: Sequence[Figure], count: _Count) -> str:
    return "\n".join(_figure(figure, count) for figure in figures)


def _figure(figure: Figure, count: _Count) -> str:
    content = figure.content
    picture = content if isinstance(content, str) else _image(figure.title, content, _WIDE if figure.wide else _TEXT)
    caption = f"{count.label('Figure', figure.title)} {_formula(figure.caption)}"
    # A chart has a measure of its own, which its text bears.
    kind = ' class="wide"' if figure.wide and isinstance(content, bytes) else ""
    return f"<figure{kind}>{picture}<figcaption>{caption}</figcaption></figure>"


def _image(title: str, png: bytes, room: int) -> str:
    """Embed a PNG file, each of its pixels a square of whole screen pixels where there is room."""
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError(f"The content of the figure `{title}` is no PNG file by its first bytes.")
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))  # in the header, behind its name
    scale = max(1, min(room // width, 12))
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<img class="pixels" alt="{escape(title)}" width="{width * scale}" height="{height * scale}" '
        f'src="data:image/png;base64,{data}">'
    )


def _curves(curves: str, count: _Count) -> str:
    caption = (
        "The training objective (thin: of single steps) and the bound on the validation rows, in nats a datum, higher "
        "is better. The state that was kept is the best one on the validation rows, where there are any. Below, each "
        "term of the objective."
    )
    label = count.label("Figure", "Learning curves")
    return f"<figure>{curves}<figcaption>{label} {caption}</figcaption></figure>" if curves else ""


def _latents(latents: Sequence[Latent], count: _Count) -> str:
    if not latents:
        return ""
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("latent", "KL, posterior to prior", "entries used", "finding")
    )
    rows = (
        f'<tr><th scope="row">{_formula(latent.name)}</th>'
        + "".join(f"<td>{_formula(text)}</td>" for text in (latent.kl, latent.active, latent.sentence))
        + "</tr>"
        for latent in latents
    )
    caption = (
        f"{count.label('Table', 'Use of the latents')} The KL divergence of the posterior from the prior is what the "
        "model pays to say where a datum lies; an entry that stays at the prior says nothing."
    )
    table = _table("latents", head, rows, "Use of the latents", caption)
    figures = (
        f"<figure>{latent.figure}<figcaption>{count.label('Figure', f'Entries of {latent.name}')} An entry is used "
        "where the variance of its posterior mean over the data, in units of its prior's, is above the threshold."
        "</figcaption></figure>"
        for latent in latents
        if latent.figure is not None
    )
    return table + "".join(figures)


def _explanation(explanation: Explanation, count: _Count) -> str:
    objective = f'<p class="formula">{_formula(explanation.objective)}</p>'
    latents = "".join(f"<p>{_formula(line)}.</p>" for line in explanation.latents)
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in HEADINGS)
    rows = (
        f'<tr><th scope="row">{_formula(row.name)}</th>'
        + "".join(f"<td>{_formula(text)}</td>" for text in (row.model, row.before, row.after, row.term))
        + "</tr>"
        for row in explanation.rows
    )
    caption = (
        f"{count.label('Table', 'Every name in one training step')} The index (i) marks a value for row i of the data."
    )
    return objective + latents + _table("names", head, rows, "Every name in one training step", caption, wide=True)


def _run(page: Page) -> str:
    parts = []
    if page.command:
        parts.append(f"<p>What was run:</p><pre><code>{escape(page.command)}</code></pre>")
    if page.again:
        parts.append(f"<p>To run it again:</p><pre><code>{escape(page.again)}</code></pre>")
    if page.settings:
        groups = "".join(f"<h3>{escape(group)}</h3>{_pairs(pairs)}" for group, pairs in page.settings)
        parts.append(f"<details><summary>All settings</summary>{groups}</details>")
    return "\n".join(parts)


# Pieces.


def _table(kind: str, head: str, rows: Iterable[str], name: str, caption: str, *, wide: bool = False) -> str:
    """Set a table in a box of its own, which scrolls sideways where the page is narrower."""
    return (
        f'<div class="scroll{" wide" if wide else ""}" role="region" aria-label="{escape(name)}" tabindex="0">'
        f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<p class="key{" wide" if wide else ""}">{caption}</p>'
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return f'<dl class="pairs">{"".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs)}</dl>'


def _formula(text: str) -> str:
    """Escape a text, and set the few signs that code writes in ASCII as a formula has them."""
    text = escape(text).replace(" || ", " ‖ ").replace(" - ", " \N{MINUS SIGN} ")
    text = re.sub(r"(?<![\w.)-])-(?=\d|KL\()", "\N{MINUS SIGN}", text)
    text = re.sub(r"\b([EΣw])_(?:\{([^{}]*)\}|(\w))", r"\1<sub>\2\3</sub>", text)
    return re.sub(r"\^(\([^()]*\)|\N{MINUS SIGN}?\w+)", r"<sup>\1</sup>", text)


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}") if value else "0"
