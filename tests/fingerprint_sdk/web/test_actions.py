"""What the buttons of the web page do, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.cli_runner import Cli, write_flat

import fingerprint_sdk as fp
from fingerprint_sdk.web import html
from fingerprint_sdk.web.actions import Actions
from fingerprint_sdk.web.uploads import MAX_FILES, UploadLimit

TITLES = {
    "same": "Same generator",
    "different": "Different generators",
    "inconclusive": "Inconclusive",
}


@pytest.fixture(scope="module")
def tiny(tiny_model_path: Path) -> fp.Extractor:
    return fp.load(tiny_model_path, device="cpu")


@pytest.fixture
def actions(tiny: fp.Extractor) -> Iterator[Actions]:
    with closing(Actions(tiny)) as made:
        yield made


@pytest.fixture
def files(sample_files: list[Path]) -> dict[str, list[str]]:
    return {
        name: [str(path) for path in sample_files if path.name.startswith(name)]
        for name in ("source0", "source1", "source2")
    }


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", page)))


def test_verify_says_what_the_sdk_decides(
    actions: Actions, tiny: fp.Extractor, files: dict[str, list[str]]
) -> None:
    for b, fmr in [("source0", 0.01), ("source1", 0.01), ("source2", 0.001)]:
        left, right = files["source0"][:2], files[b][2:4]
        page = actions.verify(left, right, fmr)
        said = words(page)
        result = tiny.verify(left, right, fmr=fmr)
        assert f"<h3>{TITLES[result.verdict]}</h3>" in page
        assert f"score {result.score:.3f}" in said
        assert result.words in said
        assert f"1 in {round(1 / fmr):,} would be called the same" in said
        assert "2 against 2" in said


def test_a_lossy_side_is_met_as_the_sdk_meets_it(
    actions: Actions, tiny: fp.Extractor, files: dict[str, list[str]], tmp_path: Path
) -> None:
    jpeg = tmp_path / "lossy.jpg"
    with Image.open(files["source0"][0]) as image:
        image.save(jpeg, quality=70)
    result = tiny.verify([str(jpeg)], files["source0"][1:2])
    assert result.copy is not None
    said = words(actions.verify([str(jpeg)], files["source0"][1:2], None))
    assert f"compared as {result.copy}" in said
    assert f"score {result.score:.3f}" in said


def test_a_flat_image_gives_no_number(
    actions: Actions, files: dict[str, list[str]], tmp_path: Path
) -> None:
    flat = str(write_flat(tmp_path / "flat.png"))
    said = words(actions.verify([flat], files["source0"][:1], 0.01))
    assert "Inconclusive" in said
    assert "no fingerprint" in said
    assert "score 0" not in said
    assert "robability" not in said


def test_quality_is_told_for_each_image(
    actions: Actions, files: dict[str, list[str]], tmp_path: Path
) -> None:
    with Image.open(files["source0"][0]) as image:
        image.save(tmp_path / "lossy.jpg", quality=90)
        image.crop((0, 0, 90, 90)).save(tmp_path / "small.png")
    paths = [str(tmp_path / "lossy.jpg"), str(tmp_path / "small.png")]
    said = words(actions.verify(paths, files["source0"][:1], 0.01))
    assert "2 of 3 with a remark" in said
    assert "lossy.jpg 260 by 200 pixels, JPEG quality 90 lossy" in said
    assert "small.png 90 by 90 pixels, PNG small" in said


def test_enroll_then_identify(actions: Actions, files: dict[str, list[str]]) -> None:
    session = None
    for name in ("source0", "source1"):
        said, session = actions.enroll(name, files[name][:3], session)
        assert f"3 images enrolled as “{name}”" in said
    assert actions.names(session) == ["source0", "source1"]
    assert "2 generators" in words(actions.listing(session))
    page = actions.identify(files["source1"][3:4], False, 0.01, session)
    assert "<h3>source1</h3>" in page
    assert "1 in 100 would be named" in words(page)
    assert "2 entries" in words(page)
    page = actions.identify(files["source2"][:2], True, 0.01, session)
    assert page.count("<h3>") == 1  # one probe
    assert page.count("<img") == 2
    assert "<h3>Inconclusive, nearest source1</h3>" in page
    exported = actions.download(session)
    assert exported is not None
    assert fp.Gallery.load(exported, actions.extractor).names == ("source0", "source1")
    _, session = actions.remove("source1", session)
    assert "<h3>None of these</h3>" in actions.identify(files["source2"][:2], True, 0.01, session)
    actions.close()
    assert not Path(exported).exists()


def test_who_made_this_asks_the_gallery_that_is_chosen(
    known_model_dir: Path, files: dict[str, list[str]], tmp_path: Path
) -> None:
    tiny = fp.load(known_model_dir, device="cpu")
    path = tmp_path / "declaring.png"
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a secret wren\nSteps: 20, Model: sd_xl_base_1.0")
    with Image.open(files["source2"][0]) as image:
        image.save(path, pnginfo=text)
    with closing(Actions(tiny)) as actions:
        assert [source for _, source in actions.sources(None)] == ["known"]
        page = actions.who(files["source0"][0], "known", None, None)
        assert "<h3>First decoder (A, B)</h3>" in page
        assert "Nothing was found that the file says of itself." in words(page)
        assert "3 families" in words(page)
        # The other tabs ask it, too, as long as there is no other one.
        assert "<h3>First decoder (A, B)</h3>" in actions.identify(
            files["source0"][:1], False, None, None
        )
        _, session = actions.enroll("mine", files["source2"][1:4], None)
        sources = [source for _, source in actions.sources(session)]
        assert sources == ["known", "own", "both"]
        for source, compared, nearest in [
            ("known", "3 families", "Fourth decoder"),
            ("own", "1 entry", "mine"),
            ("both", "4 families", None),
        ]:
            said = words(actions.who(str(path), source, None, session))
            assert f"of {compared}," in said
            assert nearest is None or nearest in said
            assert "A1111 Model sd_xl_base_1.0" in said
            assert "secret" not in said
        assert "1 entry" in words(actions.identify(files["source2"][:1], False, None, session))
        _, session = actions.enroll("First decoder / here", files["source2"][:1], session)
        with pytest.raises(fp.GalleryError, match="both galleries have"):
            actions.who(str(path), "both", None, session)
        shown, _ = actions.explain(str(path), None, None, True, None, None)
        assert "A1111 Model sd_xl_base_1.0" in words(shown)
        with pytest.raises(fp.ImageError, match="choose at least one"):
            actions.who(None, "known", None, None)
    assert len(fp.known(tiny)) == 5


def test_visitors_do_not_change_the_servers_gallery(
    tiny: fp.Extractor, files: dict[str, list[str]]
) -> None:
    gallery = fp.Gallery(tiny)
    gallery.enroll("source0", files["source0"])
    with closing(Actions(tiny, gallery)) as actions:
        _, session = actions.enroll("mine", files["source1"], None)
        _, session = actions.enroll("source0", files["source0"][:1], session)
        _, session = actions.remove("source0", session)
        assert actions.names(session) == ["mine"]
        assert actions.names(None) == ["source0"]
    assert len(gallery["source0"].embeddings) == len(files["source0"])


def test_one_bad_image_does_not_stop_the_others(
    actions: Actions, files: dict[str, list[str]], tmp_path: Path
) -> None:
    _, session = actions.enroll("source0", files["source0"][:3], None)
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(files["source0"][0]).read_bytes()[:3000])
    page = actions.identify([str(broken), files["source0"][4]], False, 0.01, session)
    assert "'broken.png'" in words(page)
    assert str(tmp_path) not in page  # the server's folders are nobody's business
    assert "<h3>source0</h3>" in page
    with pytest.raises(fp.ImageError, match=r"'broken\.png'"):
        actions.identify([str(broken)], False, 0.01, session)


def test_refusals_are_readable(
    actions: Actions, files: dict[str, list[str]], tmp_path: Path
) -> None:
    with pytest.raises(fp.ImageError, match="no images were given for “Side B”"):
        actions.verify(files["source0"][:1], None, 0.01)
    with pytest.raises(fp.ImageError, match=f"more than {MAX_FILES}"):
        actions.verify(files["source0"][:1], files["source0"][:1] * (MAX_FILES + 1), 0.01)
    with pytest.raises(fp.GalleryError, match="empty"):
        actions.identify(files["source0"][:1], False, 0.01, None)
    with pytest.raises(fp.GalleryError, match="empty"):
        actions.who(files["source0"][0], None, 0.01, None)
    with pytest.raises(fp.GalleryError, match="name"):
        actions.enroll("  ", files["source0"][:1], None)
    with pytest.raises(fp.GalleryError, match="choose"):
        actions.remove(None, None)
    with pytest.raises(fp.ImageError, match="no longer here"):
        actions.verify([str(tmp_path / "gone.png")], files["source0"][:1], 0.01)
    (tmp_path / "text.fpg").write_text("no gallery")
    with pytest.raises(fp.GalleryError, match=r"text\.fpg") as refused:
        actions.open_gallery(str(tmp_path / "text.fpg"))
    assert str(tmp_path) not in str(refused.value)


def test_a_gallery_of_another_model_is_refused(
    actions: Actions, other_model_path: Path, files: dict[str, list[str]], tmp_path: Path
) -> None:
    other = fp.Gallery(fp.load(other_model_path, device="cpu"))
    other.enroll("source0", files["source0"][:1])
    other.save(tmp_path / "other.fpg")
    with pytest.raises(fp.GalleryError, match="use that model"):
        actions.open_gallery(str(tmp_path / "other.fpg"))
    with pytest.raises(fp.GalleryError, match="use that model"):
        Actions(actions.extractor, other)


def test_large_uploads_are_refused(tiny: fp.Extractor, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    path = str(tmp_path / "large.png")
    with closing(Actions(tiny, limit=UploadLimit(0.1))) as actions:
        with pytest.raises(fp.ImageError, match=r"'large\.png' has 0\.3 MB, more than"):
            actions.verify([path], [path], 0.01)
        with pytest.raises(fp.GalleryError, match="more than"):
            actions.open_gallery(path)
    assert UploadLimit(2).bytes == 2 * 1024 * 1024


@pytest.mark.parametrize("megabytes", ["0", "-1", "nan", "inf"])
def test_the_limit_must_be_a_limit(megabytes: str, tiny_model_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the web page needs matplotlib")
    cli = Cli()
    said = cli.fails("web", "--model", tiny_model_path, f"--max-upload={megabytes}")
    assert "more than 0 megabytes" in said


def test_names_cannot_bring_markup_into_the_page(
    actions: Actions, files: dict[str, list[str]], tmp_path: Path
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    path = tmp_path / f"{evil}.png"
    path.write_bytes(Path(files["source0"][0]).read_bytes())
    said, session = actions.enroll(evil, [str(path)], None)
    pages = [
        said,
        actions.listing(session),
        actions.identify([str(path)], False, 0.01, session),
        actions.verify([str(path)], [str(path)], 0.01),
        html.notice(f"cannot read {evil}"),
    ]
    for page in pages:
        assert "<img src=x" not in page
        assert evil in unescape(page)


def test_the_rates_to_choose_from_are_calibrated(actions: Actions) -> None:
    rates = actions.rates("probes")
    assert [rate for _, rate in rates] == [0.1, 0.05, 0.01, 0.001]
    assert rates[3][0] == "1 in 1,000 probes"
    low, high = actions.extractor.calibration.fmr_range
    assert all(low <= rate <= high for _, rate in rates)
