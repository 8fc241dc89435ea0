"""The report: what is collected and joined, and its pictures in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup

pytest.importorskip("matplotlib", reason="needs the trainer extra")
pytest.importorskip("sklearn", reason="needs the trainer extra")

from support.browser import chromium, needs_browser
from support.cli_runner import write_generators
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

from trainer.cli import app
from trainer.evaluation import score
from trainer.experiments.drawing import interactive_map
from trainer.experiments.page import Experiment, Picture, Table, write_experiment
from trainer.experiments.plan import Inputs, plan_run
from trainer.experiments.report import ORDER, collect, write_report
from trainer.experiments.scores_page import scores_experiment


def toy(name: str, title: str, *, colour: str = "red") -> Experiment:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4))
    axes.plot([0, 1, 2], [1, 3, 2], color=colour)
    points = np.random.default_rng(0).standard_normal((9, 2))
    labels = ["<one>", "two", "three"] * 3
    return Experiment(
        name,
        title,
        "Fig. 0",
        "toy data",
        {"answer": 42},
        [
            "A paragraph.",
            Table("Numbers", ("name", "value"), [("a", 1.25)]),
            Picture("line", "A line", figure),
            Markup("<h2>Map</h2>") + interactive_map(points, labels, labels, title),
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_experiment(root / "second", toy("robustness", "Later in the paper"))
    write_experiment(root, toy("spectrum", "Earlier <in> the paper", colour="blue"))
    write_experiment(root, toy("extra", "Not of the paper"))
    (root / "scores.json").write_text('{"some": "other file"}')
    (root / "broken.json").write_text("{")
    (root / ".embeddings").mkdir()
    (root / ".embeddings" / "x.json").write_text("{}")
    return root


def test_experiments_come_in_the_papers_order(folder: Path) -> None:
    sections = collect(folder)
    assert [section.record["name"] for section in sections] == ["spectrum", "robustness", "extra"]
    assert [section.anchor for section in sections] == ["spectrum", "second-robustness", "extra"]


def test_the_report_holds_every_part_once(folder: Path, tmp_path: Path) -> None:
    page = write_report(folder, tmp_path / "new" / "report.html", "All & everything").read_text()
    assert "<h1>All &amp; everything</h1>" in page
    assert page.count("<h1") == 1
    assert page.count("<h2>Earlier &lt;in&gt; the paper</h2>") == 1
    assert page.count("<h3>Map</h3>") == 3
    assert page.count('src="data:image/png;base64,') == 3
    for anchor in ("spectrum", "second-robustness", "extra"):
        assert page.count(f'<section id="{anchor}">') == page.count(f'href="#{anchor}"') == 1
    missing = set(ORDER) - {"spectrum", "robustness"}
    assert page.count('class="missing"') == len(missing)
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    record = json.loads((tmp_path / "new" / "report.json").read_text())
    assert [part["figures"] for part in record["experiments"]] == [{"answer": 42}] * 3
    # A report in the folder itself is no experiment.
    write_report(folder, folder / "report.html")
    assert len(collect(folder)) == 3


def test_what_cannot_be_joined_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        write_report(tmp_path / "none", tmp_path / "report.html")
    with pytest.raises(ValueError, match="holds no experiment"):
        write_report(tmp_path, tmp_path / "report.html")
    page = write_experiment(tmp_path, toy("spectrum", "t"))
    page.write_text("<p>something else</p>")
    with pytest.raises(ValueError, match=r"spectrum.html is not a page of an experiment"):
        write_report(tmp_path, tmp_path / "report.html")
    page.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no page spectrum\.html"):
        write_report(tmp_path, tmp_path / "report.html")


def test_a_plan_leaves_out_what_lacks_its_inputs() -> None:
    out = Path("out")
    assert plan_run(Inputs(), out) == {}
    images = [Path("a"), Path("b")]
    plans = plan_run(Inputs(("m", "n"), images, lineage=Path("c"), bases=("x", "y")), out)
    assert list(plans) == ["spectrum", "evaluate", "embed-map", "lineage", "robustness"]
    assert plans["embed-map"] == [
        "embed-map", "--model", "m", "--model", "n", "--images", "a", "--images", "b",
        "--out", "out",
    ]  # fmt: skip
    assert plans["evaluate"][-2:] == ["--page", "out"]
    everything = Inputs(("m",), images, Path("p"), Path("s"), Path("c"), ("x", "y"))
    assert list(plan_run(everything, out)) == [
        name for name in ORDER if name != "compare" and not name.startswith("ablate")
    ]


def test_every_planned_command_and_option_exists() -> None:
    from typer.main import get_command

    everything = Inputs(("m",), [Path("a")], Path("p"), Path("s"), Path("c"), ("x", "y"))
    plans = plan_run(everything, Path("out"), full=True)
    assert {name for name, words in plans.items() if "--full" not in words} == {"evaluate"}
    for arguments in plans.values():
        command: Any = get_command(app)
        words = list(arguments)
        while words and not words[0].startswith("--"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_scores_become_a_page(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = {f"m{k}": rng.standard_normal((12, 8)) + 3 * np.eye(8)[k] for k in range(3)}
    rows = {name: r / np.linalg.norm(r, axis=1, keepdims=True) for name, r in rows.items()}
    scores = score(rows, galleries=2, pairs=50, resamples=5)
    page = write_experiment(tmp_path, scores_experiment({"pool": scores})).read_text()
    assert f"{100 * scores.identification.model.accuracy.value:.1f} (" in page
    assert f"{100 * scores.verification.model.auc.value:.1f} (" in page
    figures = json.loads((tmp_path / "evaluate.json").read_text())["figures"]
    assert figures["pool"]["images"] == {"m0": 12, "m1": 12, "m2": 12}


def test_one_command_runs_what_is_missing(tmp_path: Path, tiny_model_path: Path) -> None:
    pictures = {f"s{s}": [synthetic_image(s, i, 128, 128) for i in range(11)] for s in range(2)}
    pool = write_generators(tmp_path / "pool", pictures)
    out = tmp_path / "out"
    kept = write_experiment(out, toy("spectrum", "Kept")).read_bytes()
    write_experiment(out, toy("robustness", "Kept too"))
    command = ["report", str(out), "--run", "--model", str(tiny_model_path)]
    result = CliRunner().invoke(app, [*command, "--images", str(pool)])
    assert result.exit_code == 0, result.output
    assert (out / "spectrum.html").read_bytes() == kept
    names = [part["name"] for part in json.loads((out / "report.json").read_text())["experiments"]]
    assert names == ["spectrum", "evaluate", "embed-map", "robustness"]
    made = json.loads((out / "embed-map.json").read_text())["made_by"]["command"]
    assert made.startswith("trainer embed-map --model ")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(browser="ALL") as driver:
        yield driver


@needs_browser
@pytest.mark.slow
def test_pictures_are_drawn_and_the_map_answers(
    browser: Any, folder: Path, tmp_path: Path
) -> None:
    page = write_report(folder, tmp_path / "report.html")
    browser.get(page.as_uri())
    ask = browser.execute_script
    widths = ask("return [...document.images].map(i => [i.complete, i.naturalWidth, i.width])")
    assert len(widths) == 3
    assert all(complete and natural > 500 and shown > 500 for complete, natural, shown in widths)
    assert ask("return document.documentElement.scrollWidth") <= 1280
    # Another map's buttons do not reach this one.
    maps = browser.find_elements("css selector", ".map")
    assert len(maps) == 3
    tip = maps[1].find_element("css selector", "output")
    mark = maps[1].find_element("css selector", "g[data-group='0'] path")
    assert mark.is_displayed()
    from selenium.webdriver import ActionChains

    ask("arguments[0].scrollIntoView({block: 'center'})", maps[1])
    ActionChains(browser).move_to_element(mark).perform()
    assert tip.text == "<one>"
    maps[1].find_element("css selector", "li button").click()
    hidden = [not m.find_element("css selector", "g path").is_displayed() for m in maps]
    assert hidden == [False, True, False]
    maps[1].find_element("css selector", ".all").click()
    assert mark.is_displayed()
    maps[1].find_element("css selector", ".all").click()
    assert not any(path.is_displayed() for path in maps[1].find_elements("css selector", "g path"))
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
