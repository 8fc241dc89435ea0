"""Commands show what a file declares apart from the answer, which it does not change."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.cli_runner import Cli
from support.credentials import manifest, sign
from support.metadata import PARAMETERS, exif, texts

from fingerprint_sdk.cli.shared.image import is_image_file

EVIL = "[bold red]FLUX.1\x1b[2J\nsource: SDXL</dd><script>alert(1)</script>"


@pytest.fixture
def known(cli: Cli, generators: Path, model: list[str], tmp_path: Path) -> Path:
    gallery = tmp_path / "known.fpg"
    for name in ("source0", "source1"):
        cli("enroll", name, generators / name, "--gallery", gallery, *model)
    return gallery


def with_tags(source: Path, target: Path, tags: dict[int, str]) -> Path:
    """The same pixels in a PNG file with EXIF."""
    with Image.open(source) as image:
        image.save(target, exif=exif(tags))
    return target


def without_declared(document: dict[str, object]) -> dict[str, object]:
    [probe] = document["probes"]  # type: ignore[misc]
    return {key: value for key, value in probe.items() if key not in ("declared", "paths")}


def test_identify_shows_it_apart_and_the_answer_is_the_same(
    cli: Cli, generators: Path, known: Path, model: list[str], tmp_path: Path
) -> None:
    plain = generators / "source0/5.png"
    said = with_tags(
        plain, tmp_path / "said.png", {0x0131: "source1 studio", 0x013B: "Ada Lovelace"}
    )
    options = ("--gallery", known, *model)
    silent = cli("identify", plain, *options)
    assert "declares" not in silent
    shown = cli("identify", said, *options)
    assert shown.startswith(silent)
    assert "EXIF Software  source1 studio" in shown
    assert "EXIF Artist: --show-prompts shows them" in shown
    assert "Ada Lovelace" not in shown
    assert "Ada Lovelace" in cli("identify", said, "--show-prompts", *options)
    before, after = (cli.json("identify", path, *options) for path in (plain, said))
    assert without_declared(before) == without_declared(after)
    [declared] = after["probes"][0]["declared"]
    assert declared["withheld"] == ["EXIF Artist"]
    named = after["probes"][0]["best"]
    assert named == "source0"
    assert declared["agreement"] == "contradicts"
    assert declared["words"] in shown


def test_identify_of_many_has_a_column_where_a_file_declares(
    cli: Cli, generators: Path, known: Path, model: list[str], tmp_path: Path
) -> None:
    plain = [generators / f"source0/{index}.png" for index in range(2)]
    options = ("--gallery", known, *model)
    assert "declares" not in cli("identify", *plain, *options)
    said = with_tags(plain[0], tmp_path / "said.png", {0x0131: "source0 studio"})
    shown = cli("identify", said, *plain, *options)
    assert "what the file declares" in shown
    assert shown.count("source0 studio: agrees") == 1
    together = cli("identify", said, *plain, "--together", *options)
    assert f"The file declares:  {said}" in together


def test_explain_shows_it_on_its_page(
    cli: Cli, generators: Path, known: Path, model: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra 'plots'")
    tags = {0x0131: EVIL, 0x013B: "Ada Lovelace"}
    said = with_tags(generators / "source0/5.png", tmp_path / "said.png", tags)
    page = tmp_path / "why.html"
    arguments = ("explain", said, "--gallery", known, "--out", page, *model)
    shown = cli(*arguments)
    assert r"[bold red]FLUX.1\x1b[2J\nsource: SDXL</dd>" in shown
    html = page.read_text()
    assert "<h2>The file declares</h2>" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "Ada Lovelace" not in html + shown
    assert "Ada Lovelace" in cli(*arguments, "--show-prompts")
    assert "Ada Lovelace" in page.read_text()
    [view] = cli.json(*arguments)["images"]
    assert view["declared"]["statements"][0]["name"] == "Software"
    plain = cli.json("explain", generators / "source0/5.png", "--out", page, *model)
    assert plain["images"][0]["declared"]["agreement"] is None


def test_info_of_an_image(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "made.png"
    path.write_bytes(texts({"parameters": PARAMETERS}))
    shown = cli("info", path)
    assert "sha256" in shown
    assert "A1111 Model    v1-5-pruned-emaonly" in shown
    assert "garden" not in shown
    assert "garden" in cli("info", path, "--show-prompts")
    image = cli.json("info", path)["image"]
    assert image["bytes"] == path.stat().st_size
    assert image["quality"]["format"] == "PNG"
    assert image["declared"]["withheld"] == ["A1111 prompt"]
    assert "garden" in str(cli.json("info", path, "--show-prompts"))


def test_info_of_an_image_that_declares_nothing_or_is_none(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (150, 150)).save(tmp_path / "plain.bmp")
    assert "nothing of itself" in cli("info", tmp_path / "plain.bmp")
    (tmp_path / "bad.png").write_bytes(b"this is no picture")
    assert "bad.png" in cli.fails("info", tmp_path / "bad.png")


def test_info_tells_images_from_models(tiny_model_path: Path, tiny_model_dir: Path) -> None:
    assert not is_image_file(tiny_model_path)
    assert not is_image_file(tiny_model_dir)


def test_credentials_in_words(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "signed.png"
    path.write_bytes(sign(texts({}), "image/png", manifest()))
    assert "validly signed by Nobody's Tests, by its own word" in cli("info", path)
