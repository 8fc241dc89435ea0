"""The page of an experiment: JSON, pictures and one HTML file that loads nothing.

Every laboratory command writes the same three things: `NAME.json` (figures, with the command,
seeds, versions and scale that made them), `NAME-*.png` (the pictures), and `NAME.html` (both, to
be read). `trainer report` joins such pages.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; background: #fff; color: #1f2328;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
figure { margin: .5rem 0; } figure img { max-width: 100%; height: auto; }
figcaption, footer, .scale { color: #57606a; font-size: .9rem; }
.scale { border-left: .4rem solid #bf8700; background: #f6f8fa; padding: .4rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; } caption { text-align: left; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d0d7de; text-align: right; }
th:first-child, td:first-child { text-align: left; }
footer { margin-top: 2rem; border-top: 1px solid #d0d7de; padding-top: .5rem;
  overflow-wrap: anywhere; }
"""
# Nothing may be loaded, whatever a name contains; `script` is for pages that draw themselves.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; floats are printed with `digits` decimals."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    digits: int = 1


@dataclass(frozen=True)
class Picture:
    """A matplotlib figure; written as `NAME-LABEL.png`."""

    label: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Markup:
    """Trusted HTML of our own making, such as an interactive drawing. Escape what users gave."""

    html: str


@dataclass(frozen=True)
class Experiment:
    """What one laboratory command found.

    `name` is the file name; `reproduces` the paper's figure or table ("Fig. 2, eq. 1"); `scale`
    says in words what was scaled down here and which flag gives the full scale; `figures` are the
    numbers (JSON); `parts` are shown in order, a str as a paragraph.
    """

    name: str
    title: str
    reproduces: str
    scale: str
    figures: Mapping[str, Any]
    parts: Sequence[str | Table | Picture | Markup]


def write_experiment(out: Path, experiment: Experiment) -> Path:
    """Write JSON, pictures and page into folder `out`, each atomically; returns the page."""
    import matplotlib.pyplot as plt

    out.mkdir(parents=True, exist_ok=True)
    body = []
    for part in experiment.parts:
        if isinstance(part, Picture):
            buffer = BytesIO()
            part.figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
            plt.close(part.figure)
            _write(out / f"{experiment.name}-{part.label}.png", buffer.getvalue())
            body.append(_picture(part, buffer.getvalue()))
        elif isinstance(part, Table):
            body.append(_table(part))
        elif isinstance(part, Markup):
            body.append(part.html)
        else:
            body.append(f"<p>{escape(part)}</p>")
    record = {
        "name": experiment.name,
        "title": experiment.title,
        "reproduces": experiment.reproduces,
        "scale": experiment.scale,
        "figures": experiment.figures,
        "made_by": made_by(),
    }
    _write(out / f"{experiment.name}.json", (json.dumps(record, indent=2) + "\n").encode())
    page = out / f"{experiment.name}.html"
    _write(page, _page(experiment, "\n".join(body)).encode())
    return page


def made_by() -> dict[str, Any]:
    """The command and the versions, to be stored beside any figure."""
    packages = ("fingerprint-sdk", "torch", "numpy", "scipy", "scikit-learn", "matplotlib")
    packages += ("pillow", "onnxruntime", "onnxruntime-gpu")
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    program = Path(sys.argv[0])
    # `python -m trainer.cli` is the same program as `trainer`.
    name = "trainer" if program.parts[-3:] == ("trainer", "cli", "__main__.py") else program.name
    command = " ".join([name, *sys.argv[1:]])
    return {"command": command, "python": sys.version.split()[0], "versions": versions}


def _page(experiment: Experiment, body: str) -> str:
    made = made_by()
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(experiment.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<article>\n<h1>{escape(experiment.title)}</h1>\n"
        f"<p>Paper: {escape(experiment.reproduces)}.</p>\n"
        f'<p class="scale">Scale of this run: {escape(experiment.scale)}</p>\n{body}\n</article>\n'
        f"<footer>{escape(made['command'])}<br>Python {made['python']}, {escape(versions)}"
        "</footer>\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    def cell(value: object) -> str:
        text = f"{value:.{table.digits}f}" if isinstance(value, float) else str(value)
        return escape(text)

    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _picture(picture: Picture, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    caption = escape(picture.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
