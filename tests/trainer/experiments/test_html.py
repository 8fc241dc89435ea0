"""What users name stays text on every page: generators, folders, titles, commands."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the trainer extra")
pytest.importorskip("sklearn", reason="needs the trainer extra")

import jinja2
from support.cli_runner import write_generators
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

from trainer.cli import app
from trainer.experiments.html import render
from trainer.experiments.page import Experiment, Table, write_experiment
from trainer.experiments.report import write_report

EVIL = "<img src=x onerror='alert(1)'>&amp;\"><script>alert(2)<script>"  # no slash: a folder name


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and the values of attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.values: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def check(self, scripts: int) -> None:
        """Nothing but our own elements: `scripts` scripts, pictures of data, no handlers."""
        assert sum(tag == "script" for tag, _ in self.elements) == scripts
        for tag, attributes in self.elements:
            assert not any(name.startswith("on") for name in attributes), (tag, attributes)
            if tag == "img":
                assert attributes["src"].startswith("data:image/png;base64,")
        policies = [a["content"] for tag, a in self.elements if a.get("http-equiv")]
        assert policies == [
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            "script-src 'unsafe-inline'"
        ]


def test_a_name_stays_text_on_every_page(tmp_path: Path, tiny_model_path: Path) -> None:
    names = (EVIL, f"{EVIL}2", "plain")
    pictures = {
        name: [synthetic_image(s, i, 128, 128) for i in range(11)] for s, name in enumerate(names)
    }
    images = write_generators(tmp_path / EVIL, pictures)
    (tmp_path / "decoders.csv").write_text(
        f'model,decoder,basis\n"{EVIL.replace(chr(34), 2 * chr(34))}",d,<b>\n'
        f'"{EVIL.replace(chr(34), 2 * chr(34))}2",d,<b>fine-tune of\nplain,e,\n'
    )
    shared = ["--model", str(tiny_model_path), "--images", str(images)]
    out = tmp_path / "out"
    commands = {
        "embed-map": ("embed-map", "--out", str(out)),
        "lineage": ("lineage", "--base", EVIL, "--base", "plain", "--out", str(out)),
        "evaluate": ("evaluate", "--galleries", "2", "--pairs", "50", "--page", str(out)),
        "robustness": ("robustness", "--operation", "webp", "--galleries", "2", "--out", str(out)),
    }
    for name, command in commands.items():
        result = CliRunner().invoke(app, [*command, *shared], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        page = Page(out / f"{name}.html")
        page.check(scripts=1 if name in ("embed-map", "lineage") else 0)
        assert EVIL in page.text, name  # shown, as it is spelt
    assert f"{EVIL}/0.png" in Page(out / "embed-map.html").values  # the tip of a point
    report = Page(write_report(out, tmp_path / "report.html", f"All of {EVIL}"))
    report.check(scripts=2)
    assert f"All of {EVIL}" in report.text


def test_every_field_of_an_experiment_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    from trainer.experiments.page import Picture

    monkeypatch.setattr("sys.argv", ["trainer", EVIL])
    table = Table(f"caption {EVIL}", (f"head {EVIL}",), [(f"cell {EVIL}",)])
    picture = Picture("p", f"picture {EVIL}", Figure(figsize=(1, 1)))
    parts = [f"paragraph {EVIL}", table, picture]
    written = write_experiment(
        tmp_path, Experiment("e", f"title {EVIL}", f"fig {EVIL}", f"scale {EVIL}", {}, parts)
    )
    for page in (Page(written), Page(write_report(tmp_path, tmp_path / "report.html"))):
        page.check(scripts=0)
        for what in ("title", "fig", "scale", "paragraph", "caption", "head", "cell", "picture"):
            assert f"{what} {EVIL}" in page.text, what
        assert f"picture {EVIL}" in page.values
        assert f"trainer {EVIL}" in page.text


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("figure.html", part={"caption": "no picture"})
    shown = render("markup.html", part=np.str_("<b>"))
    assert shown == "&lt;b&gt;"
