"""One page of all experiments in a folder: `trainer report`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.files import write_text
from trainer.experiments.html import render
from trainer.experiments.page import made_by

if TYPE_CHECKING:
    from markupsafe import Markup

ORDER = {
    "spectrum": ("Fig. 2, equation (1)", "trainer analyse spectrum"),
    "components": ("Figs. 3, 4 and 5", "trainer analyse components"),
    "kernels": ("Fig. 6", "trainer analyse kernels"),
    "blocks": ("Fig. 7", "trainer analyse blocks"),
    "fidelity": ("Table II, Fig. 12", "trainer fidelity"),
    "ablate-synthesis": ("Table III", "trainer ablate synthesis"),
    "ablate-seeds": ("Table IV", "trainer ablate seeds"),
    "ablate-photos": ("Table V", "trainer ablate photos"),
    "ablate-signal": ("Table VI", "trainer ablate signal"),
    "ablate-windows": ("Table VII", "trainer ablate windows"),
    "compare": ("Tables VIII and IX", "trainer compare"),
    "evaluate": ("Section IV-A", "trainer evaluate --page"),
    "embed-map": ("Fig. 13", "trainer embed-map"),
    "lineage": ("Section IV-E, Fig. 14", "trainer lineage"),
    "robustness": ("Fig. 16", "trainer robustness"),
}
"""Experiments in the paper's order: what each reproduces, and the command that makes it."""

_ARTICLE = re.compile(r"<article>\n?(.*)</article>", re.DOTALL)
_HEADING = re.compile(r"<(/?)h([1-5])\b")


@dataclass(frozen=True)
class Section:
    """One experiment that was found.

    Attributes:
        record: what its JSON file holds.
        body: the HTML of its page between <article> and </article>, headings one level lower.
        anchor: its place in the report.
    """

    record: dict[str, Any]
    body: Markup
    anchor: str

    @property
    def command(self) -> str:
        """What made it."""
        return str(self.record.get("made_by", {}).get("command", ""))


def collect(folder: Path) -> list[Section]:
    """Read every experiment below a folder, in the paper's order, others after them by name.

    An experiment is what `trainer.experiments.page.write_experiment` wrote: NAME.json and
    NAME.html. Other JSON files and hidden folders are left out.

    Raises:
        FileNotFoundError: there is no such folder, or an experiment has lost its page.
        ValueError: a page is not of our making.
    """
    from markupsafe import Markup

    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give the one the experiments are in")
    sections = []
    for path in sorted(folder.rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        record = _experiment(path)
        if record is None:
            continue
        anchor = re.sub(r"[^a-z0-9]+", "-", str(path.relative_to(folder).with_suffix("")).lower())
        sections.append(Section(record, Markup(_article(path, record)), anchor))
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(sections, key=lambda s: (places.get(s.record["name"], len(places)), s.anchor))


def write_report(folder: Path, out: Path, title: str = "Laboratory report") -> Path:
    """Join the experiments below `folder` into `out`, one file that loads nothing.

    Also writes all their figures beside it, as JSON. Raises as `collect` does, and ValueError when
    nothing is found.
    """
    sections = collect(folder)
    if not sections:
        raise ValueError(f"{folder} holds no experiment: run one with --out {folder}")
    data = {"report": title, "experiments": [section.record for section in sections]}
    found = {section.record["name"] for section in sections}
    missing = [line for name, line in ORDER.items() if name not in found]
    page = render(
        "report.html", title=title, sections=sections, missing=missing, made_by=made_by()
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out.with_suffix(".json"), json.dumps(data, indent=2) + "\n")
    write_text(out, page)
    return out


def _experiment(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    wanted = {"name", "title", "reproduces", "scale", "figures"}
    return record if isinstance(record, dict) and wanted <= set(record) else None


def _article(path: Path, record: Mapping[str, Any]) -> str:
    """What the page beside a record shows, headings one level lower."""
    page = path.with_suffix(".html")
    if not page.is_file():
        command = record.get("made_by", {}).get("command", "")
        raise FileNotFoundError(f"{path} has no page {page.name}: run {command!r} again")
    found = _ARTICLE.search(page.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page} is not a page of an experiment: it has no <article>")
    return _HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) + 1}", found[1])
