"""Copies in a gallery: what an image has become since is found as well as the image itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file
from support.cli_runner import Cli, write_generators

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]


@pytest.fixture
def gallery(extractor: fp.Extractor, sample_images: Images) -> fp.Gallery:
    gallery = fp.Gallery(extractor)
    gallery.enroll("source0", sample_images["source0"][:3], copies=True)
    gallery.enroll("source1", sample_images["source1"][:2])
    return gallery


def encoded(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def shrunk(pixels: np.ndarray, share: float) -> np.ndarray:
    height, width = (round(share * side) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def test_copies_are_what_the_processed_images_themselves_embed_to(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    originals = sample_images["source0"][:3]
    entry = gallery["source0"]
    assert list(entry.copies) == ["jpeg", "shrunk"]
    assert gallery["source1"].copies == {}
    np.testing.assert_allclose(entry.embeddings, extractor.embed(originals), atol=1e-6)
    files = [encoded(pixels, "JPEG", quality=90, subsampling=2) for pixels in originals]
    np.testing.assert_allclose(entry.copies["jpeg"], extractor.embed(files), atol=1e-6)
    small = [shrunk(pixels, 0.7) for pixels in originals]
    np.testing.assert_allclose(entry.copies["shrunk"], extractor.embed(small), atol=1e-6)
    assert not entry.lossy.any()


def test_a_probe_is_compared_with_its_like(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    plain = fp.Gallery(extractor)
    plain.enroll("source0", sample_images["source0"][:3])
    pixels = sample_images["source0"][5]
    file = encoded(pixels, "JPEG", quality=90, subsampling=2)
    for probe, kind in ((pixels, None), (file, "jpeg"), (shrunk(pixels, 0.7), "shrunk")):
        found = gallery.identify(probe)
        first = found.candidates[0]
        assert (first.name, first.copy) == ("source0", kind)
        alone = plain.identify(probe).candidates[0]
        rows = gallery["source0"].embeddings if kind is None else gallery["source0"].copies[kind]
        centre = rows.mean(0) / np.linalg.norm(rows.mean(0))
        assert first.score == pytest.approx(float(extractor.embed(probe) @ centre), abs=1e-5)
        assert first.score >= alone.score - 1e-6
        assert found.as_dict()["candidates"][0]["copy"] == kind
    assert first.score > alone.score + 0.001  # shrunk images are far from originals


def test_the_fingerprints_of_an_entry_share_its_false_match_rate(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    probe = sample_images["source0"][5]
    condition = extractor.calibration.condition(1, 3, recompressed=False)
    found = {c.name: c for c in gallery.identify(probe, fmr=0.03).candidates}
    assert found["source0"].threshold == condition.threshold(0.01)
    assert found["source1"].threshold == condition.threshold(0.03)
    assert gallery.identify(probe, fmr=0.001).threshold == condition.threshold(0.001)
    for rate in (0.0003, 0.2):
        with pytest.raises(fp.OperatingPointError):
            gallery.identify(probe, fmr=rate)
    file = encoded(probe, "JPEG", quality=90, subsampling=2)
    lossy = extractor.calibration.condition(1, 3, recompressed=True)
    assert gallery.identify(file, fmr=0.03).threshold == lossy.threshold(0.01)


def test_copies_are_added_merged_and_saved(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images, tmp_path: Path
) -> None:
    gallery.enroll("source1", sample_images["source1"][2:4], copies=True)
    gallery.enroll("source0", sample_images["source0"][3])
    gallery.save(tmp_path / "g.fpg")
    loaded = fp.Gallery.load(tmp_path / "g.fpg", extractor)
    for name, images, copies in (("source0", 4, 3), ("source1", 4, 2)):
        assert len(loaded[name].embeddings) == images
        assert {kind: len(rows) for kind, rows in loaded[name].copies.items()} == {
            "jpeg": copies,
            "shrunk": copies,
        }
        for kind, rows in gallery[name].copies.items():
            np.testing.assert_array_equal(loaded[name].copies[kind], rows)
    probe = shrunk(sample_images["source1"][5], 0.7)
    assert loaded.identify(probe) == gallery.identify(probe)
    other = fp.Gallery(extractor)
    other.merge(loaded)
    other.merge(loaded, on_duplicate="add")
    assert len(other["source0"].copies["jpeg"]) == 6


def test_embeddings_have_no_copies(gallery: fp.Gallery) -> None:
    rows = gallery["source0"].embeddings
    with pytest.raises(fp.GalleryError, match="give the images"):
        gallery.enroll("again", rows, copies=True)
    assert "again" not in gallery


def test_an_unusable_image_enrolls_nothing(gallery: fp.Gallery, sample_images: Images) -> None:
    flat = np.full((128, 128, 3), 90, np.uint8)
    for bad in (b"no picture", flat):
        with pytest.raises(fp.ImageError):
            gallery.enroll("source1", [sample_images["source1"][3], bad], copies=True)
    assert (len(gallery["source1"].embeddings), gallery["source1"].copies) == (2, {})


@pytest.mark.parametrize(
    "copies",
    [{"jpeg": 2}, {"jpeg": 6, "shrunk": 0}, {"jpeg": 3, "other": 3}, {"jpeg": 6.0}, 6, None],
)
def test_copies_that_do_not_add_up_are_a_gallery_error(
    gallery: fp.Gallery, tmp_path: Path, copies: object
) -> None:
    path = tmp_path / "broken.fpg"
    gallery.save(path)
    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    listing = json.loads(metadata["entries"])
    assert listing[0]["copies"] == {"jpeg": 3, "shrunk": 3}
    listing[0]["copies"] = copies
    save_file(tensors, path, metadata | {"entries": json.dumps(listing)})
    with pytest.raises(fp.GalleryError, match=r"broken\.fpg"):
        fp.Gallery.load(path)


def test_the_command_line_enrolls_copies(
    tiny_model_dir: Path, sample_images: Images, tmp_path: Path
) -> None:
    cli, known = Cli(), tmp_path / "known.fpg"
    generators = write_generators(tmp_path / "generators", sample_images)
    model = ["--model", str(tiny_model_dir), "--device", "cpu", "--threads", "1"]
    one = generators / "source0" / "0.png"
    document = cli.json("enroll", "one", one, "--copies", "-g", tmp_path / "one.fpg", *model)
    assert document["copies"] == {"jpeg": 1, "shrunk": 1}
    cli("gallery", "add", known, generators, *model)
    assert "--replace" in cli.fails("gallery", "add", known, generators, "--copies", *model)
    cli("gallery", "add", known, generators, "--copies", "--replace", *model)
    again = cli.json("gallery", "add", known, generators, *model)  # copies are more, not other
    assert len(again["unchanged"]) == len(sample_images)
    listed = cli.json("gallery", "list", known)["entries"]
    assert all(entry["copies"] == {"jpeg": 6, "shrunk": 6} for entry in listed), listed
    Image.open(one).save(tmp_path / "one.jpg", quality=90)
    cli("verify", one, tmp_path / "one.jpg", *model)
    assert "compared as JPEG" in cli.stderr
    document = cli.json("identify", one, "-g", known, *model)
    assert document["probes"][0]["candidates"][0]["copy"] is None
