"""Explanations: their numbers, words, pictures and page, and ``fingerprint explain``."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli, write_flat
from support.tiny_model import build_tiny_model

import fingerprint_sdk as fp
from fingerprint_sdk.explanation import high_pass
from fingerprint_sdk.images import windows
from fingerprint_sdk.spectrum import azimuthal_integration

pytest.importorskip("matplotlib", reason="needs the extra 'plots'")


@pytest.fixture
def gallery(extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]]) -> fp.Gallery:
    known = fp.Gallery(extractor)
    for name, images in sample_images.items():
        known.enroll(name, images[:3])
    return known


class Page(HTMLParser):
    """The images, the text and the tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[Image.Image] = []
        self.text = ""
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert name not in ("href", "srcset", "background")
            if name == "src":
                start, data = str(value).split(",")
                assert start == "data:image/png;base64"
                self.images.append(Image.open(io.BytesIO(base64.b64decode(data))))
            if tag == "img" and name == "alt":
                assert value

    def handle_data(self, data: str) -> None:
        self.text += data


# ---- numbers -------------------------------------------------------------------------------


def test_high_pass_is_the_image_minus_its_blur():
    ndimage = pytest.importorskip("scipy.ndimage")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 30), np.uint8)
    kernel = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16
    expected = pixels - ndimage.convolve(pixels.astype(np.float64), kernel, mode="mirror")
    np.testing.assert_allclose(high_pass(pixels), expected, atol=1e-4)
    assert not high_pass(np.full((3, 9, 9), 77, np.uint8)).any()


def test_agreement_is_the_cosine_of_each_window_with_the_image(extractor: fp.Extractor):
    image = np.random.default_rng(0).integers(0, 256, (150, 400, 3), np.uint8)
    image[:, 300:] //= 8
    (view,) = fp.explain(image, model=extractor).images
    vectors = extractor.embed_windows(windows(image))
    expected = vectors @ extractor.embed(image)
    assert (view.tops, view.lefts) == ((0, 8, 16), (0, 136, 272))
    np.testing.assert_allclose(view.agreement, expected.reshape(3, 3), atol=1e-6)


def test_small_images_have_fewer_windows(extractor: fp.Extractor):
    image = np.random.default_rng(0).integers(0, 256, (60, 300, 3), np.uint8)
    (view,) = fp.explain(image, model=extractor).images
    assert view.agreement.shape == (1, 3)
    assert view.pixels.shape == (128, 300, 3)
    assert "enlarged" in " ".join(fp.explain(image, model=extractor).summary)
    assert "single window" in " ".join(fp.explain(image[:, :60], model=extractor).summary)


def test_a_periodic_trace_stands_out_in_the_spectrum(extractor: fp.Extractor):
    image = np.random.default_rng(0).integers(100, 110, (256, 256, 3)).astype(np.uint8)
    image[:, ::8] += 20
    (view,) = fp.explain(image, model=extractor).images
    assert view.spectrum.shape == (128, 128)
    row = view.spectrum[64]  # no vertical frequency; zero horizontal frequency at 64
    peaks = [64 + 128 * k // 8 for k in range(-4, 4) if k]
    assert min(row[peaks]) > np.median(row) + 10


def test_the_profile_of_one_window_is_the_azimuthal_integration(extractor: fp.Extractor):
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    (view,) = fp.explain(image, model=extractor).images
    hann = np.outer(np.hanning(129)[:-1], np.hanning(129)[:-1])
    power = np.abs(np.fft.fft2(view.residual * hann)) ** 2
    expected = 10 * np.log10(azimuthal_integration(power)).mean(axis=0)
    np.testing.assert_allclose(view.profile, expected, atol=1e-6)


# ---- decisions and words -------------------------------------------------------------------


def test_a_pair_is_verified(extractor: fp.Extractor, sample_files: list[Path], tmp_path: Path):
    jpeg = tmp_path / "a.jpg"
    Image.open(sample_files[1]).save(jpeg, quality=60)
    told = fp.explain(jpeg, sample_files[0], model=extractor).verification
    direct = extractor.verify(jpeg, sample_files[0])
    assert told.copy == direct.copy == "jpeg 60 4:2:0"
    assert told.score == pytest.approx(direct.score, abs=1e-6)
    for other, answer in ((1, "Same generator"), (8, "Different generators")):
        explanation = fp.explain(sample_files[0], sample_files[other], model=extractor)
        found = explanation.verification
        direct = extractor.verify(sample_files[0], sample_files[other])
        assert asdict(found) == asdict(direct)
        assert explanation.summary[0].startswith(answer)
        assert f"{found.score:.3f}" in explanation.summary[0]
        assert found.words in explanation.summary[1]
        assert "1 in 100 would be called the same" in " ".join(explanation.summary)
    strict = fp.explain(
        sample_files[0], sample_files[1], model=extractor, fmr=0.001, fnmr=0.1, prior=0.2
    )
    assert "20 % beforehand" in strict.summary[1]
    assert "1 in 1,000 would be called the same" in " ".join(strict.summary)
    assert "1 in 10 would be called different" in " ".join(strict.summary)


def test_neighbours(extractor: fp.Extractor, gallery: fp.Gallery, sample_files: list[Path]):
    explanation = fp.explain(sample_files[17], gallery=gallery)  # the gallery brings the model
    (view,) = explanation.images
    assert view.identification == extractor.identify(sample_files[17], gallery)
    assert "in the gallery: source2. The score" in explanation.summary[0]
    strict = fp.explain(sample_files[17], gallery=gallery, fpir=0.001, fnir=0.1, prior=0.2)
    direct = extractor.identify(sample_files[17], gallery, fpir=0.001, fnir=0.1, prior=0.2)
    assert strict.images[0].identification == direct
    assert "1 in 1,000 would be named" in " ".join(strict.summary)
    gallery.remove("source2")
    near = fp.explain(sample_files[17], gallery=gallery).summary
    assert "Inconclusive, nearest source1. The score" in near[0]
    gallery.remove("source1")
    assert "None of these. The score" in fp.explain(sample_files[17], gallery=gallery).summary[0]


def test_of_a_flat_image_nothing_is_said(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_files: list[Path], tmp_path: Path
):
    flat = write_flat(tmp_path / "flat.png")
    explanation = fp.explain(flat, sample_files[0], gallery, model=extractor)
    text = " ".join(explanation.summary)
    assert text.startswith("Inconclusive. A flat image has no fingerprint to compare.")
    assert "Image 1 in the gallery: Inconclusive. A flat image" in text
    assert "Image 1 is flat" in text
    assert f"{explanation.verification.score:.3f}" not in text
    pictures = explanation.pictures()
    assert text.count("1 in 100 would be named") == 1  # of image 2
    assert "2-neighbours" in pictures
    assert "1-neighbours" not in pictures
    assert all(Image.open(io.BytesIO(png)) for png in pictures.values())


def test_an_image_like_nothing_calibrated_is_called_untypical(
    sample_files: list[Path], tmp_path: Path
):
    measuring = fp.load(build_tiny_model(tmp_path / "model.onnx", deviation=True), device="cpu")
    noise = np.random.default_rng(0).integers(0, 256, (200, 260, 3), np.uint8)
    explanation = fp.explain(noise, sample_files[0], model=measuring)
    assert explanation.verification.reasons == ("untypical",)
    assert explanation.images[0].quality.untypical
    assert "like nothing that the model was calibrated for" in explanation.summary[0]
    assert "Image 1 is like nothing" in " ".join(explanation.summary)


def test_errors(
    extractor: fp.Extractor,
    gallery: fp.Gallery,
    sample_files: list[Path],
    other_model_path: Path,
    tmp_path: Path,
):
    with pytest.raises(fp.ImageError, match=r"none\.png"):
        fp.explain(sample_files[0], tmp_path / "none.png", model=extractor)
    other = fp.load(other_model_path, device="cpu", threads=1)
    with pytest.raises(fp.GalleryError):
        fp.explain(sample_files[0], gallery=gallery, model=other)
    with pytest.raises(fp.OperatingPointError):
        fp.explain(sample_files[0], sample_files[1], model=extractor, fmr=0.9)
    with pytest.raises(fp.FingerprintError, match="nowhere"):
        fp.explain(sample_files[0], model=extractor).save(tmp_path / "nowhere" / "x.html")
    with pytest.raises(fp.FingerprintError, match="nowhere"):
        fp.explain(sample_files[0], model=extractor).save(tmp_path / "nowhere" / "x")


# ---- pictures and page ---------------------------------------------------------------------


def test_the_page_is_self_contained(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_files: list[Path]
):
    explanation = fp.explain(sample_files[0], sample_files[8], gallery)
    page = Page(explanation.html())
    assert len(page.images) == len(explanation.pictures()) == 9
    assert all(image.format == "PNG" and min(image.size) > 100 for image in page.images)
    assert explanation.summary[0] in page.text
    assert "tiny 0.0.1" in page.text
    assert {"script", "link", "iframe"}.isdisjoint(page.tags)
    json.dumps(explanation.to_dict(), allow_nan=False)


def test_names_cannot_break_page_or_pictures(
    extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]], tmp_path: Path
):
    pixels = sample_images["source0"][0]
    image = tmp_path / "<script>alert(1)<script>$model\udcff&.png"
    Image.fromarray(pixels).save(image)
    known = fp.Gallery(extractor)
    for name in ("<img src=http://x>", "$x_{$", "生成器 " * 20):
        known.enroll(name, [pixels])
    page = Page(fp.explain(image, gallery=known).html())
    assert "script" not in page.tags
    assert page.tags.count("img") == len(page.images) == 5
    assert "<script>alert(1)<script>$model" in page.text


def test_saving(extractor: fp.Extractor, sample_files: list[Path], tmp_path: Path):
    explanation = fp.explain(sample_files[0], model=extractor)
    (page,) = explanation.save(tmp_path / "why.html")
    assert Page(page.read_text(encoding="utf-8")).images
    written = explanation.save(tmp_path / "why")
    names = ["1-windows.png", "1-residual.png", "1-spectrum.png", "profile.png", "index.html"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "why").iterdir()) == sorted(names)
    assert explanation.save(tmp_path / "why") == written


def test_drawing_leaves_no_global_state_and_says_what_to_install(
    tiny_model_path: Path, sample_files: list[Path]
):
    program = """
import sys, fingerprint_sdk as fp
explanation = fp.explain(sys.argv[2], model=fp.load(sys.argv[1], device="cpu"))
print("matplotlib" in sys.modules)
explanation.pictures()
print("matplotlib.pyplot" in sys.modules)
for name in [name for name in sys.modules if name.startswith("matplotlib")]:
    sys.modules[name] = None
try:
    explanation.html()
except fp.FingerprintError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, tiny_model_path, sample_files[0]],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second, third = done.stdout.splitlines()
    assert (first, second) == ("False", "False")
    assert "pip install matplotlib" in third


# ---- the command ---------------------------------------------------------------------------


def test_explain_command(
    gallery: fp.Gallery, tiny_model_dir: Path, sample_files: list[Path], tmp_path: Path
):
    cli = Cli()
    model = ["--model", str(tiny_model_dir), "--device", "cpu", "--threads", "1"]
    gallery.save(tmp_path / "known.fpg")
    pair = [*sample_files[:2], "-g", tmp_path / "known.fpg", *model]
    document = cli.json("explain", *pair, "--out", tmp_path / "why")
    assert document["verification"]["verdict"] == "same"
    assert all(Path(path).is_file() for path in document["written"])
    assert len(document["written"]) == 10
    shown = cli("explain", *pair, "--out", tmp_path / "why.html")
    assert shown.splitlines() == document["summary"]
    missing = ["explain", tmp_path / "none.png", "--out", tmp_path / "x.html", *model]
    assert "none.png" in cli.fails(*missing)
    assert not (tmp_path / "x.html").exists()
