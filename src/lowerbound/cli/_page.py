"""The page of a run, its pictures and its scores, written into its folder."""

import json
import re
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from lowerbound._key import named_key
from lowerbound.cli._table import print_scores, said
from lowerbound.data import Parts
from lowerbound.model import VAE
from lowerbound.objective import AbstractObjective
from lowerbound.report import Figure, Page, make_page, render, score_parts
from lowerbound.runs import Keys, RunFolder
from lowerbound.training import History


def write_page(
    folder: RunFolder,
    vae: VAE,
    history: History,
    how: AbstractObjective,
    parts: Parts,
    config: Mapping[str, Any],
) -> None:
    """Score the test rows, print the scores, and write `scores.json`, `report.html` and `figures/`."""
    seed = int(config["seed"])
    key = Keys.of(seed).page
    scored = score_parts(vae, parts.train, parts.test, key=named_key(key, "scores"))
    said_of = [{"name": score.name, "note": score.note, **said(score.estimate)} for score in scored.scores]
    folder.write("scores.json", json.dumps({"seed": seed, "scores": said_of}, indent=1, allow_nan=False) + "\n")
    print_scores(scored.scores, parts.test)
    model, data = config["model"], config["data"]
    source = data["preparation"]["source"]["path"]
    preset = model.get("preset")
    what = f"the preset {preset['name']}" if preset else f"`{model['name']}` of {model['file']}"
    page = make_page(
        vae,
        how,
        history,
        parts,
        scored,
        title=folder.path.name,
        lead=f"A model of {parts.train.description['name']} ({what}), trained by {how.name}.",
        command=command_line(config["command"]),
        again=command_line(config["command"]) + f"\nlowerbound report {folder.path}",
        settings={
            "data": {"source": source, **_flat(data["preparation"]), "fingerprints": _pairs(data["fingerprints"])},
            "model": {"file": model["file"], "name": model["name"], **_flat(preset or {})},
            "training": {**config["training"], **config.get("trained", {})},
            "versions": config["versions"],
        },
        classes=data["classes"],
        seed=seed,
        key=key,
    )
    for note in page.notes:
        sys.stdout.write(f"Note: {note}\n")
    folder.write("report.html", render(page))
    _write_figures(folder, page)


def command_line(words: Any) -> str:
    """Put the words of a command together, as a shell takes them."""
    return shlex.join(["lowerbound", *words])


def _write_figures(folder: RunFolder, page: Page) -> None:
    """Write the page's pictures as files too, each under the name of its title."""
    pictures = [
        *page.figures,
        Figure("bayesnet", "", page.network),
        Figure("learning curves", "", page.curves),
    ]
    for figure in pictures:
        name = re.sub(r"[^a-z0-9]+", "-", figure.title.lower()).strip("-")
        if isinstance(figure.content, bytes):
            (folder.figures / f"{name}.png").write_bytes(figure.content)
        else:
            (folder.figures / f"{name}.svg").write_text(figure.content, encoding="utf-8")


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _pairs(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, [], ()))
