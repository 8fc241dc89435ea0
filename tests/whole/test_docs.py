"""The documentation builds without a warning, and holds every command and every public name.

`--strict` makes mkdocs fail on a dead link or anchor, on a page in no menu, on a name that the
reference cannot find.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT
from typer.main import get_command

import fingerprint_sdk
import fingerprint_sdk.cli
import trainer.cli


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    # No --quiet: it hides the warnings from --strict as well.
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", site],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def commands(command: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    """(full name, long options) of a command and of all below it, but hidden options."""
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    yield name, [option for p in shown for option in p.opts if option[:2] == "--"]
    for key, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {key}")


@pytest.mark.parametrize(
    ("name", "app"), [("fingerprint", fingerprint_sdk.cli.app), ("trainer", trainer.cli.app)]
)
def test_every_command_and_option_is_in_the_reference(site: Path, name: str, app: Any) -> None:
    page = (site / "reference" / name / "index.html").read_text()
    found = list(commands(get_command(app), name))
    assert len(found) > 5
    for command, options in found:
        start = page.index(f'<h{command.count(" ") + 1} id="{command.replace(" ", "-")}"')
        section = page[start:].split("<h", 2)[1]
        assert all(option in section for option in options), command


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    page = (site / "reference/python/index.html").read_text()
    identifiers = set(re.findall(r'id="([\w.]+)"', page))
    for name in set(fingerprint_sdk.__all__) - {"__version__"}:
        home = "fingerprint_sdk.errors." if name.endswith("Error") else "fingerprint_sdk."
        assert home + name in identifiers, name
    assert "fingerprint_sdk.Gallery.enroll" in identifiers


def test_what_is_shipped_is_in_the_reference_of_the_trainer(site: Path) -> None:
    page = (site / "reference/python-trainer/index.html").read_text()
    identifiers = set(re.findall(r'id="([\w.]+)"', page))
    for name in (
        "images.photos.Photos",
        "synthesis.ExtendedAutoencoder",
        "signal.CompactSignal",
        "signal.Periods",
        "extractor.CompactRecipe",
        "extractor.Discriminant",
        "extractor.Contents.fit",
        "calibration.CalibrationRecipe",
        "export.export_onnx",
        "evaluation.evaluate",
    ):
        assert f"trainer.{name}" in identifiers, name


def test_formulas_are_drawn_without_a_script(site: Path) -> None:
    drawn = {page: page.read_text().count("<math") for page in site.rglob("index.html")}
    assert [page.parent.name for page, count in drawn.items() if count] == ["method"]
    assert drawn[site / "method/index.html"] > 50
    page = (site / "method/index.html").read_text()
    assert not re.search(r"\\(?:frac|left|\(|\[)|\$\$|\\mathbf", page)


@pytest.mark.parametrize("formula", [r"$\frac{1}{2}$", r"$\unheard{1}$"])
def test_a_formula_is_drawn_or_fails_the_build(tmp_path: Path, formula: str) -> None:
    """A site of one page under our hook and extension."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# Home\n\n{formula}\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"site_name: x\nhooks: [{ROOT}/scripts/docs_pages.py]\n"
        "validation: {omitted_files: ignore}\n"
        "markdown_extensions: [{pymdownx.arithmatex: {generic: true}}]\n"
    )
    done = build(config, tmp_path / "site")
    page = tmp_path / "site/index.html"
    drawn = page.exists() and "<mfrac>" in page.read_text()
    assert (done.returncode == 0) == drawn == ("frac" in formula), done.stdout + done.stderr
    assert drawn or "cannot draw the formula" in done.stdout + done.stderr


def test_the_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text()
        )
        assert not loaded, page


def test_cards_of_the_models_are_in_the_site(site: Path) -> None:
    page = (site / "models/index.html").read_text()
    for card in ROOT.glob("zoo/*/README.md"):
        sha256 = re.search(r"`([0-9a-f]{64})`", card.read_text())
        assert sha256 is not None
        assert sha256.group(1) in page


@pytest.mark.parametrize("broken", ["[x](nowhere.md)", "[x](#nowhere)", "[x](limits.md#nowhere)"])
def test_a_dead_link_fails_the_build(tmp_path: Path, broken: str) -> None:
    """A site of two pages under the validation of ours."""
    ours = (ROOT / "mkdocs.yml").read_text()
    validation = ours[ours.index("\nvalidation:") :]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# Home\n\n{broken}\n")
    (tmp_path / "docs/limits.md").write_text("# Limits\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text("site_name: x\nstrict: true\n" + validation)
    done = build(config, tmp_path / "site")
    assert done.returncode == 1
    assert "nowhere" in done.stdout + done.stderr


def test_the_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert "docs/limits.md" in links
    assert [link for link in links if not (ROOT / link).exists()] == []
