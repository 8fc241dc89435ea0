"""One page of all experiments in a folder: `trainer report`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from trainer.experiments.page import POLICY, STYLE, made_by

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
_STYLE = """
nav table { width: 100%; } nav td:nth-child(n) { text-align: left; vertical-align: top; }
nav th:nth-child(n) { text-align: left; } nav .missing { color: #57606a; }
section { border-top: 2px solid #d0d7de; margin-top: 3rem; padding-top: .5rem; }
section > .made { color: #57606a; font-size: .85rem; overflow-wrap: anywhere; }
h2 { font-size: 1.4rem; } h3 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; }
code { background: #f6f8fa; padding: 0 .25rem; }
"""


@dataclass(frozen=True)
class Section:
    """One experiment that was found.

    Attributes:
        record: what its JSON file holds.
        body: the HTML of its page between <article> and </article>, headings one level lower.
        anchor: its place in the report.
    """

    record: dict[str, Any]
    body: str
    anchor: str


def collect(folder: Path) -> list[Section]:
    """Read every experiment below a folder, in the paper's order, others after them by name.

    An experiment is what `trainer.experiments.page.write_experiment` wrote: NAME.json and
    NAME.html. Other JSON files and hidden folders are left out.

    Raises:
        FileNotFoundError: there is no such folder, or an experiment has lost its page.
        ValueError: a page is not of our making.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give the one the experiments are in")
    sections = []
    for path in sorted(folder.rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        record = _experiment(path)
        if record is None:
            continue
        page = path.with_suffix(".html")
        if not page.is_file():
            raise FileNotFoundError(
                f"{path} has no page {page.name}: run {_command(record)!r} again"
            )
        found = _ARTICLE.search(page.read_text(encoding="utf-8"))
        if found is None:
            raise ValueError(f"{page} is not a page of an experiment: it has no <article>")
        anchor = re.sub(r"[^a-z0-9]+", "-", str(path.relative_to(folder).with_suffix("")).lower())
        sections.append(Section(record, _HEADING.sub(_lower, found[1]), anchor))
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
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(out.with_suffix(".json"), json.dumps(data, indent=2) + "\n")
    _write(out, _page(title, sections))
    return out


def _experiment(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    wanted = {"name", "title", "reproduces", "scale", "figures"}
    return record if isinstance(record, dict) and wanted <= set(record) else None


def _lower(match: re.Match[str]) -> str:
    return f"<{match[1]}h{int(match[2]) + 1}"


def _command(record: dict[str, Any]) -> str:
    return str(record.get("made_by", {}).get("command", ""))


def _page(title: str, sections: Sequence[Section]) -> str:
    made = made_by()
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    body = "\n".join(
        f'<section id="{section.anchor}">\n{section.body}\n'
        f'<p class="made"><code>{escape(_command(section.record))}</code></p>\n</section>'
        for section in sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{_contents(sections)}\n{body}\n"
        f"<footer>{escape(made['command'])}<br>Python {made['python']}, {escape(versions)}"
        "</footer>\n</body>\n</html>\n"
    )


def _contents(sections: Sequence[Section]) -> str:
    rows = [
        f'<tr><td><a href="#{s.anchor}">{escape(s.record["title"])}</a></td>'
        f"<td>{escape(s.record['reproduces'])}</td><td>{escape(s.record['scale'])}</td></tr>"
        for s in sections
    ]
    found = {section.record["name"] for section in sections}
    rows += [
        f'<tr class="missing"><td>not run</td><td>{escape(paper)}</td>'
        f"<td><code>{escape(command)}</code></td></tr>"
        for name, (paper, command) in ORDER.items()
        if name not in found
    ]
    return (
        '<nav><div class="scroll"><table><thead><tr><th>experiment</th><th>paper</th>'
        f"<th>scale of this run</th></tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody></table>"
        "</div></nav>"
    )


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
