"""The page of an experiment: JSON, pictures and one HTML file that loads nothing.

Every laboratory command writes the same three things: `NAME.json` (figures, with the command,
seeds, versions and scale that made them), `NAME-*.png` (the pictures), and `NAME.html` (both, to
be read). `trainer report` joins such pages.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.files import write_bytes, write_text
from trainer.experiments.html import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
class Experiment:
    """What one laboratory command found.

    `name` is the file name; `reproduces` the paper's figure or table ("Fig. 2, eq. 1"); `scale`
    says in words what was scaled down here and which flag gives the full scale; `figures` are the
    numbers (JSON); `parts` are shown in order, a str as a paragraph, and as it is what
    `trainer.experiments.html.render` gave, such as an interactive drawing.
    """

    name: str
    title: str
    reproduces: str
    scale: str
    figures: Mapping[str, Any]
    parts: Sequence[str | Table | Picture]


def write_experiment(out: Path, experiment: Experiment) -> Path:
    """Write JSON, pictures and page into folder `out`, each whole or not at all; returns the page.

    Pictures are closed.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = []
    for part in experiment.parts:
        if isinstance(part, Picture):
            png = _draw(part)
            write_bytes(out / f"{experiment.name}-{part.label}.png", png)
            shown = {"caption": part.caption, "png": base64.b64encode(png).decode()}
            parts.append(("figure", shown))
        elif isinstance(part, Table):
            parts.append(("table", _cells(part)))
        else:
            parts.append(("markup" if hasattr(part, "__html__") else "paragraph", part))
    described = {
        "title": experiment.title,
        "reproduces": experiment.reproduces,
        "scale": experiment.scale,
    }
    made = {"made_by": made_by()}
    record = {"name": experiment.name, **described, "figures": experiment.figures, **made}
    write_text(out / f"{experiment.name}.json", json.dumps(record, indent=2) + "\n")
    page = out / f"{experiment.name}.html"
    write_text(page, render("page.html", parts=parts, **described, **made))
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


def _draw(picture: Picture) -> bytes:
    import matplotlib.pyplot as plt

    png = BytesIO()
    picture.figure.savefig(png, format="png", dpi=110, bbox_inches="tight")
    plt.close(picture.figure)
    return png.getvalue()


def _cells(table: Table) -> dict[str, object]:
    def text(cell: object) -> str:
        return f"{cell:.{table.digits}f}" if isinstance(cell, float) else str(cell)

    rows = [[text(cell) for cell in row] for row in table.rows]
    return {"caption": table.caption, "header": table.header, "rows": rows}
