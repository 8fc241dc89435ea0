"""docs/json.md names every field of every JSON document, and no other one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.cli_runner import Cli
from support.credentials import manifest, sign
from support.hub_server import client_environment, serve
from support.json_page import PAGE, check, sections
from support.metadata import exif
from typer.main import get_command

from fingerprint_sdk.cli import app
from fingerprint_sdk.cli.shared.output import SCHEMA

REPO = "someone/fingerprint-tiny"


@pytest.fixture
def heap(generators: Path, tmp_path: Path) -> Path:
    """Images of three generators, one of them lossy, a text, and a file that is no image."""
    heap = tmp_path / "heap"
    shutil.copytree(generators, heap)
    for index in range(2):
        Image.open(generators / f"source2/{index}.png").save(heap / f"source2/{index}.jpg")
    with Image.open(generators / "source0/1.png") as image:
        image.save(heap / "source0/1.png", exif=exif({0x0131: "Painter", 0x013B: "Ada"}))
    (heap / "source0" / "notes.txt").touch()
    (heap / "source0" / "bad.png").write_bytes(b"this is no picture")
    return heap


@pytest.fixture
def poor(generators: Path, tmp_path: Path) -> Path:
    """A folder with everything that may be wrong in a gallery."""
    folder = tmp_path / "poor"
    shutil.copytree(generators / "source0", folder / "one")
    shutil.copytree(generators / "source0", folder / "one again")  # duplicated, and twins
    shutil.copytree(generators / "source1", folder / "other")
    shutil.copy(generators / "source0/5.png", folder / "other/mislabelled.png")
    Image.open(generators / "source1/5.png").save(folder / "other/lossy.jpg")
    (folder / "other/bad.png").write_bytes(b"this is no picture")
    return folder


def commands(command: Any, name: str) -> Iterator[str]:
    """Names of a command and of all below it that have --json."""
    if any("--json" in parameter.opts for parameter in command.params):
        yield name
    for key, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {key}")


def test_every_command_with_json_has_its_section() -> None:
    found = {name.replace(" ", "-") for name in commands(get_command(app), "fingerprint")}
    assert found == {anchor for anchor in sections() if anchor.startswith("fingerprint-")}
    assert f'`"schema": {SCHEMA}`' in PAGE.read_text()


def test_the_documents_are_those_of_the_page(
    cli: Cli, model: list[str], tiny_model_dir: Path, heap: Path, poor: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra 'plots'")
    pytest.importorskip("sklearn", reason="needs the extra 'cluster'")
    seen: set[tuple[str, str]] = set()
    gallery, index, checked = (tmp_path / name for name in ("g.fpg", "i.fpi", "c.fpg"))
    one, two = heap / "source0/0.png", heap / "source2/0.jpg"
    documents = [
        ("embed", heap / "source0"),
        ("embed", heap / "source2", "--out", tmp_path / "e.npy"),
        ("enroll", "a", heap / "source0", "-g", gallery),
        ("gallery add", checked, poor),
        ("gallery add", checked, poor),
        ("gallery list", gallery),
        ("gallery list",),
        ("gallery info", gallery),
        ("gallery info",),
        ("gallery check", checked),
        ("verify", heap / "source0/0.png", heap / "source0/1.png"),
        ("verify", one, two),
        ("identify", heap / "source0", one, two, "-g", gallery),
        ("identify", one, "-g", checked),
        ("cluster", heap, "--truth", "folder"),
        ("explain", one, two, "-g", gallery, "--out", tmp_path / "why.html"),
        ("report", heap / "source0", two, "-g", gallery, "--out", tmp_path / "report.html"),
        ("index", heap, "--out", index),
        ("search", heap / "source0", "--index", index),
        ("info", tiny_model_dir),
        ("models",),
        ("models verify", tiny_model_dir),
    ]
    for command, *arguments in documents:
        plain = command in ("gallery list", "gallery info", "info") or command[:6] == "models"
        options = [] if plain else model
        codes = (0, 1, 3) if command == "verify" else (0,)
        document = cli.json(*command.split(), *arguments, *options, code=codes)
        assert document["schema"] == SCHEMA
        check(document, f"fingerprint {command}".replace(" ", "-"), seen)
    said = heap / "source0/1.png"
    check(cli.json("info", said), "info-of-an-image", seen)
    said.write_bytes(sign(said.read_bytes(), "image/png", manifest()))
    check(cli.json("info", said), "info-of-an-image", seen)
    check_hub(tiny_model_dir, tmp_path / "hf", seen)
    listed = {(field.home, field.name) for fields in sections().values() for field in fields}
    assert listed - seen == set(), "documented, and not printed"


def check_hub(folder: Path, cache: Path, seen: set[tuple[str, str]]) -> None:
    """The documents of what is downloaded; the Hub's client reads its environment at import."""
    program = "from fingerprint_sdk.cli import app; app()"
    with serve() as hub:
        hub.publish(REPO, {path.name: path.read_bytes() for path in folder.iterdir()})
        for command in (["download", REPO], ["list"]):
            done = subprocess.run(
                [sys.executable, "-c", program, "models", *command, "--json"],
                env=client_environment(hub, cache),
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
            check(json.loads(done.stdout), f"fingerprint-models-{command[0]}", seen)
