"""Reports: what they hold, their page in a browser and on paper, and ``fingerprint report``."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.browser import chromium, needs_browser
from support.cli_runner import Cli, write_flat
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.explanation.sentences import ratio
from fingerprint_sdk.gallery import known
from fingerprint_sdk.reporting import words as report_words
from fingerprint_sdk.reporting.compose import PICTURED

pytest.importorskip("matplotlib", reason="needs the extra 'plots'")


@pytest.fixture(scope="module")
def tiny(known_model_dir: Path) -> fp.Extractor:
    return fp.load(known_model_dir, device="cpu", threads=1)


@pytest.fixture
def options(known_model_dir: Path) -> list[str]:
    return ["--model", str(known_model_dir), "--device", "cpu", "--threads", "1"]


@pytest.fixture
def declaring(tmp_path: Path) -> Path:
    """An image whose file says of itself what made it, and with which prompt."""
    path = tmp_path / "declaring.png"
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a secret wren\nSteps: 20, Model: flux1-dev, Version: v1.10.1")
    Image.fromarray(synthetic_image(1, 3)).save(path, pnginfo=text)
    return path


def words(page: str) -> str:
    body = page.partition("<body>")[2]
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", body)))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_same(found: fp.Identification, expected: fp.Identification) -> None:
    """But for float rounding: images embedded together and one by one."""
    assert (found.verdict, found.best) == (expected.verdict, expected.best)
    assert found.score == pytest.approx(expected.score, abs=1e-5)
    assert found.threshold == pytest.approx(expected.threshold, abs=1e-5)
    names = [[candidate.name for candidate in one.candidates] for one in (found, expected)]
    assert names[0] == names[1]


# ---- what it holds -------------------------------------------------------------------------


def test_the_answers_are_those_of_identify(tiny: fp.Extractor, sample_files: list[Path]) -> None:
    paths = [sample_files[0], sample_files[7], sample_files[13]]
    made = fp.report(paths, model=tiny, fpir=0.05)
    for path, probe in zip(paths, made.probes, strict=True):
        expected = tiny.identify(path, fp.known(tiny), fpir=0.05, top=8)
        assert_same(probe.identification, expected)
        assert [file.name for file in probe.files] == [str(path)]
        assert probe.files[0].sha256 == sha256(path)
        assert probe.files[0].size == path.stat().st_size
    (together,) = fp.report(paths[:1] * 2 + paths[1:], model=tiny, together=True).probes
    expected = tiny.identify(paths[:1] * 2 + paths[1:], fp.known(tiny), top=8)
    assert_same(together.identification, expected)
    assert len(together.files) == 4
    assert together.identification.images == 3  # a picture given twice has one vote


def test_it_names_what_was_searched(
    tiny: fp.Extractor, known_model_dir: Path, sample_files: list[Path], tmp_path: Path
) -> None:
    built_in = fp.report(sample_files[0], model=tiny).origin.galleries[0]
    assert built_in.sha256 == sha256(known_model_dir / "known.fpg")
    assert (built_in.families, built_in.entries, built_in.images) == (3, 5, 20)
    assert built_in.name == "the built-in gallery of tiny 0.0.1"
    mine = fp.Gallery(tiny)
    mine.enroll("mine", sample_files[12:15], copies=False)
    mine.save(tmp_path / "mine.fpg")
    path = tmp_path / "mine.fpg"
    one = fp.report(sample_files[0], path, model=tiny)
    assert [(each.name, each.sha256) for each in one.origin.galleries] == [
        (str(path), sha256(path))
    ]
    both = fp.report(sample_files[0], mine, known=True, model=tiny)
    assert [each.sha256 for each in both.origin.galleries] == [None, built_in.sha256]
    assert both.probes[0].identification.compared == 4
    assert len(mine) == 1
    assert len(known(tiny)) == 5
    assert both.origin.model == tiny.identity


def test_whatever_is_an_image_can_be_reported(
    tiny: fp.Extractor, sample_files: list[Path]
) -> None:
    content = sample_files[0].read_bytes()
    given = [sample_files[0], content, io.BytesIO(content), synthetic_image(0, 0)]
    made = fp.report(given, model=tiny)
    assert [probe.files[0].sha256 for probe in made.probes] == [sha256(sample_files[0])] * 3 + [
        None
    ]
    assert made.probes[1].files[0].name == f"<{len(content)} bytes>"
    scores = {probe.identification.score for probe in made.probes}
    assert len(scores) == 1


def test_errors(
    tiny: fp.Extractor,
    extractor: fp.Extractor,
    sample_files: list[Path],
    other_model_path: Path,
    tmp_path: Path,
) -> None:
    bad, gone = tmp_path / "bad.png", tmp_path / "gone.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(fp.ImageError, match=r"bad\.png"):
        fp.report([sample_files[0], bad], model=tiny)
    with pytest.raises(fp.ImageError, match="none of the 2 images"):
        fp.report([bad, gone], model=tiny, on_error="skip")
    with pytest.raises(fp.ImageError, match="none of the 0 images"):
        fp.report([], model=tiny)
    with pytest.raises(fp.GalleryError, match="no built-in gallery"):
        fp.report(sample_files[0], model=extractor)
    with pytest.raises(fp.GalleryError, match="use that model"):
        fp.report(sample_files[0], known(tiny), model=fp.load(other_model_path, device="cpu"))
    with pytest.raises(fp.OperatingPointError):
        fp.report(sample_files[0], model=tiny, fpir=0.9)
    made = fp.report([bad, sample_files[0], gone, tmp_path], model=tiny, on_error="skip")
    assert [name for name, _ in made.skipped] == [str(bad), str(gone), str(tmp_path)]
    assert made.probes[0].files[0].name == str(sample_files[0])
    page = words(made.html())
    assert "Images that could not be used" in page
    assert "'bad.png'" in page or "bad.png' is not an image" in page
    with pytest.raises(fp.FingerprintError, match="nowhere"):
        made.save(tmp_path / "nowhere" / "x.html")


# ---- the page ------------------------------------------------------------------------------


def test_the_page_says_all_of_it(
    tiny: fp.Extractor, known_model_dir: Path, declaring: Path
) -> None:
    made = fp.report(declaring, model=tiny, command="fingerprint report x.png --out y.html")
    result = made.probes[0].identification
    assert result.verdict == "named"
    page = made.html()
    said = words(page)
    for part in (
        "Who made this image?",
        "Which of the 3 generators or families in the gallery made this image, if any did?",
        "Second decoder (C)",
        f"reaches the threshold {result.threshold:.3f}",
        result.words,
        f"likelihood ratio {ratio(result)}",
        "is not the probability that Second decoder made it",
        "1 in 100 would be named",
        "1 in 20 would be called none of these",
        f"none of these below {result.missed:.3f}",
        "Judged as unprocessed images, 1 image.",
        "A1111 Model flux1-dev",
        "Anybody can write that into a file. No score depends on it.",
        sha256(declaring),
        f"{declaring.stat().st_size:,} bytes",
        "260 by 200 pixels, PNG",
        sha256(known_model_dir / "known.fpg"),
        f"tiny 0.0.1 SHA-256 {tiny.model_sha256}",
        f"fingerprint_sdk {fp.__version__}",
        f"{made.origin.made:%Y-%m-%d %H:%M} UTC",
        "fingerprint report x.png --out y.html",
        *report_words.LIMITS,
    ):
        assert part in said, part
    for candidate in result.candidates:
        assert f"score {candidate.score:.3f}" in said
    assert "secret" not in page
    assert "a secret wren" in words(made.html(private=True))
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 4  # windows, residual, spectrum and profile
    assert all(Image.open(io.BytesIO(base64.b64decode(one))).width > 200 for one in pictures)
    json.dumps(made.to_dict(), allow_nan=False)


def test_no_number_stands_beside_an_image_without_a_fingerprint(
    tiny: fp.Extractor, tmp_path: Path
) -> None:
    page = fp.report(write_flat(tmp_path / "flat.png"), model=tiny).html()
    said = words(page)
    assert "Inconclusive A flat image has no fingerprint to compare." in said
    assert "It is flat" in said
    assert "fp-scale" not in page.partition("<body>")[2]
    assert "likelihood ratio" not in said
    assert "Nothing was found that the file says of itself." in said


def test_many_images_fit_one_page(tiny: fp.Extractor, sample_files: list[Path]) -> None:
    made = fp.report(sample_files[:8], model=tiny)
    page = made.html()
    assert page.count("<article") == 8
    assert page.count("data:image/png") == 4 * PICTURED
    assert words(page).count("fingerprint explain makes those of the others") == 2
    whole = fp.report(sample_files[:8], model=tiny, together=True)
    said = words(whole.html())
    assert "Who made these 8 images?" in said
    assert "Image 6:" in said
    assert "Image 7:" not in said
    assert all(sha256(path) in said for path in sample_files[:8])


def test_what_strangers_wrote_is_shown_and_is_no_markup(
    tiny: fp.Extractor, tmp_path: Path
) -> None:
    evil = "<img src=x onerror=alert(1)>\u202e\udcff"
    path = tmp_path / f"{evil}.png"
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "<script>alert(1)</script>")
    Image.fromarray(synthetic_image(0, 0)).save(path, pnginfo=text)
    mine = fp.Gallery(tiny)
    mine.enroll("<b>$x {{ 7*7 }}</b>", synthetic_image(0, 1), copies=False)
    made = fp.report(path, mine, model=tiny, command=f"fingerprint report '{path}'")
    page = made.html()
    page.encode()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert "<b>$x {{ 7*7 }}</b>" in unescape(page)
    assert r"onerror=alert(1)>\u202e\xff.png" in unescape(page)


@needs_browser
@pytest.mark.slow
def test_it_is_whole_on_a_telephone_and_on_paper(
    tiny: fp.Extractor, sample_files: list[Path], declaring: Path, tmp_path: Path
) -> None:
    long = tmp_path / ("a_very_long_name" * 12 + ".png")
    long.write_bytes(declaring.read_bytes())
    paths = [*sample_files[:3], long]
    command = shlex.join(["fingerprint", "report", *map(str, paths)])
    for name, together in (("each", False), ("all", True)):
        made = fp.report(paths, model=tiny, together=together, command=command)
        made.save(tmp_path / f"{name}.html")
    with chromium(browser="ALL") as driver:
        for name in ("each", "all"):
            driver.get((tmp_path / f"{name}.html").as_uri())
            assert driver.title == "Who made these 4 images?"
            for width in (400, 1100):
                driver.execute_cdp_cmd(
                    "Emulation.setDeviceMetricsOverride",
                    {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True},
                )
                script = "return document.documentElement.scrollWidth"
                assert driver.execute_script(script) <= width
            driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            drawn = driver.execute_script(
                "return [...document.images].map(one => one.naturalWidth)"
            )
            assert min(drawn) > 200
            # As wide as the paper without its margins: what is wider would be cut.
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": 688, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
            )
            wide = driver.execute_script(
                "return [...document.querySelectorAll('body *')].filter("
                "one => one.getBoundingClientRect().right > 689).map(one => one.outerHTML)"
            )
            assert wide == []
            driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
            printed = driver.execute_cdp_cmd(
                "Page.printToPDF",
                {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True},
            )
            pdf = base64.b64decode(printed["data"])
            pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
            assert 5 <= pages <= 20, pages
        assert driver.get_log("browser") == []  # the page's own policy has refused nothing


# ---- the command ---------------------------------------------------------------------------


def test_the_command_writes_what_repeats_it(
    cli: Cli, options: list[str], sample_files: list[Path], tmp_path: Path
) -> None:
    first, again = tmp_path / "first.html", tmp_path / "again.html"
    shown = cli("report", sample_files[0], "--out", first, *options)
    assert shown == "source: First decoder (A, B)\n"
    assert f"wrote {first}" in cli.stderr
    document = cli.json("report", sample_files[0], "--out", again, *options)
    command = shlex.split(document["command"])
    assert command[:3] == ["fingerprint", "report", str(sample_files[0])]
    assert command[command.index("--fpir") + 1] == "0.01"
    again.unlink()
    repeated = cli.json(*command[1:], "--device", "cpu")
    assert again.exists()
    assert repeated["probes"] == document["probes"]
    assert words(first.read_text()).count(sha256(sample_files[0])) == 1


def test_the_command_with_a_gallery_of_ones_own(
    cli: Cli, options: list[str], tiny: fp.Extractor, sample_files: list[Path], tmp_path: Path
) -> None:
    mine, bad, out = tmp_path / "mine.fpg", tmp_path / "bad.png", tmp_path / "report.html"
    gallery = fp.Gallery(tiny)
    gallery.enroll("mine", sample_files[12:15], copies=False)
    gallery.save(mine)
    bad.write_bytes(b"no picture")
    asked = [sample_files[0], sample_files[16], bad, "-g", mine, "--out", out, *options]
    shown = cli("report", *asked)
    assert "skipped: " in cli.stderr
    assert "bad.png" in cli.stderr
    assert shown.splitlines()[1].endswith("source: mine")
    both = cli.json("report", *asked, "--known", "--together")
    assert [len(probe["files"]) for probe in both["probes"]] == [2]
    assert [one["entries"] for one in both["galleries"]] == [1, 5]
    assert {"--known", "--together"} <= set(shlex.split(both["command"]))
    assert [one["path"] for one in both["skipped"]] == [str(bad)]


def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    cli: Cli, options: list[str], sample_files: list[Path], tmp_path: Path
) -> None:
    said = cli.fails("report", sample_files[0], "--out", tmp_path / "no" / "x.html", *options)
    assert "cannot write" in said
    out = tmp_path / "x.html"
    assert "none" in cli.fails("report", tmp_path / "none.png", "--out", out, *options)
    thin = tmp_path / "thin.png"
    Image.fromarray(np.full((20, 17_000, 3), 90, np.uint8)).save(thin)
    cli("report", thin, "--out", out, *options)  # has an answer, but no pictures
    assert "data:image" not in out.read_text()
