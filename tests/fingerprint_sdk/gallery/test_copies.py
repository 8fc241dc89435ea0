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
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.evidence.cohort import Explained
from fingerprint_sdk.gallery.background import taken_off
from fingerprint_sdk.gallery.entry import CopyMean
from fingerprint_sdk.images.copies import bank

Images = dict[str, list[np.ndarray]]
KINDS = [kind.name for kind in bank()]


@pytest.fixture(scope="module")
def enrolled(extractor: fp.Extractor, sample_images: Images) -> fp.Gallery:
    """Three images of one source with copies, two of another without."""
    gallery = fp.Gallery(extractor)
    gallery.enroll("source0", sample_images["source0"][:3])
    gallery.enroll("source1", sample_images["source1"][:2], copies=False)
    return gallery


@pytest.fixture
def gallery(enrolled: fp.Gallery, extractor: fp.Extractor) -> fp.Gallery:
    gallery = fp.Gallery(extractor)
    gallery.merge(enrolled)
    return gallery


def encoded(pixels: np.ndarray, codec: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, codec, **options)
    return buffer.getvalue()


def shrunk(pixels: np.ndarray, share: float) -> bytes:
    height, width = (round(share * side) for side in pixels.shape[:2])
    small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return encoded(np.asarray(small), "PNG")


def explained(
    extractor: fp.Extractor, probe: np.ndarray, entry: np.ndarray
) -> tuple[Explained, Explained]:
    """What processing explains of a probe and of the images of an entry."""
    explain = extractor.calibration.cohort.explain
    mean = mean_embedding(entry)
    return explain(probe[None])[0], explain(mean[None], len(entry))[0]


def off(extractor: fp.Extractor, probe: np.ndarray, entry: np.ndarray) -> float:
    """What of that is taken off the score."""
    of_probe, of_entry = explained(extractor, probe, entry)
    return of_probe.beyond + taken_off(of_entry)


def test_copies_are_what_the_processed_images_themselves_embed_to(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    originals = sample_images["source0"][:3]
    entry = gallery["source0"]
    assert list(entry.copies) == KINDS
    assert gallery["source1"].copies == {}
    np.testing.assert_allclose(entry.embeddings, extractor.embed(originals), atol=1e-6)
    assert entry.windows.tolist() == [9, 9, 9]
    for kind, made in {
        "jpeg 85 4:2:0": [encoded(x, "JPEG", quality=85, subsampling=2) for x in originals],
        "webp 80": [encoded(x, "WEBP", quality=80) for x in originals],
        "scale 0.7": [shrunk(x, 0.7) for x in originals],
    }.items():
        rows = extractor.embed(made)
        np.testing.assert_allclose(entry.copies[kind].mean, rows.mean(0), atol=1e-6)
        assert entry.copies[kind].count == 3
        place = 1 + KINDS.index(kind)
        mean = rows.mean(0) / np.linalg.norm(rows.mean(0))
        np.testing.assert_allclose(entry.fingerprints[place], mean, atol=1e-6)
    assert not entry.lossy.any()


def test_a_probe_is_compared_with_its_like(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    pixels = sample_images["source0"][5]
    for probe, kind in (
        (encoded(pixels, "PNG"), None),
        (encoded(pixels, "JPEG", quality=85, subsampling=2), "jpeg 85 4:2:0"),
        (encoded(pixels, "JPEG", quality=75, subsampling=0), "jpeg 75 4:4:4"),
        (encoded(pixels, "WEBP", quality=80), "webp 80"),
        (shrunk(pixels, 0.7), "scale 0.7"),
    ):
        found = gallery.identify(probe)
        row = extractor.embed(probe)
        first = found.candidates[0]
        assert (first.name, first.copy) == ("source0", kind)
        entry = gallery["source0"]
        rows = entry.embeddings if kind is None else entry.copies[kind].mean[None]
        mean = rows.mean(0)
        # What processing explains of either is taken off: of copies, of what is compared.
        expected = float(row @ mean) / np.linalg.norm(mean) - off(extractor, row, rows)
        assert first.score == pytest.approx(expected, abs=1e-5)
        assert found.to_dict()["candidates"][0]["copy"] == kind
        # Without copies, it stands as it was enrolled.
        other = found.candidates[1]
        assert other.copy is None
        enrolled = gallery["source1"]
        plain = float(row @ enrolled.fingerprint) - off(extractor, row, enrolled.embeddings)
        assert other.score == pytest.approx(plain, abs=1e-5)


def test_in_a_small_gallery_the_entries_share_the_rate(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    file = encoded(sample_images["source0"][5], "JPEG", quality=85, subsampling=2)
    lossy = extractor.calibration.condition(1, 3, treatment="coarse")
    known = gallery.identify(file, fpir=0.1)
    assert (known.candidates[0].copy, known.condition) == ("jpeg 85 4:2:0", "coarse")
    # Calibrated are scores that are less by all that processing explains.
    row, rows = extractor.embed(file), gallery["source0"].copies["jpeg 85 4:2:0"].mean[None]
    amounts = sum(one.amount for one in explained(extractor, row, rows))
    higher = amounts - off(extractor, row, rows)
    assert higher > 0.001
    assert known.threshold == pytest.approx(lossy.threshold(0.1 / 2) + higher, abs=1e-5)
    assert known.candidates[0].likelihood_ratio == pytest.approx(
        lossy.likelihood_ratio(known.score - higher), rel=1e-2
    )
    # What lies below all that is calibrated is as strict as can be.
    strict = gallery.identify(file, fpir=0.0012).threshold
    assert strict == pytest.approx(lossy.threshold(0.001) + higher, abs=1e-5)
    with pytest.raises(fp.OperatingPointError):
        gallery.identify(file, fpir=0.2)


def test_two_means_join_to_the_mean_of_all(
    extractor: fp.Extractor, enrolled: fp.Gallery, sample_images: Images
) -> None:
    more, whole = fp.Gallery(extractor), fp.Gallery(extractor)
    more.merge(enrolled)
    more.enroll("source0", sample_images["source0"][3], notes="and one")
    whole.enroll("source0", sample_images["source0"][:4])
    for kind, copy in whole["source0"].copies.items():
        joined = more["source0"].copies[kind]
        assert joined.count == copy.count == 4
        np.testing.assert_allclose(joined.mean, copy.mean, atol=1e-6)
    more.merge(enrolled, on_duplicate="add")
    assert more["source0"].copies[KINDS[0]].count == 7
    rows = np.eye(4, dtype=np.float32)
    both = CopyMean.joined([CopyMean.of(rows[:1]), CopyMean.of(rows[1:])])
    np.testing.assert_allclose(both.mean, 0.25)


def test_copies_are_added_and_saved(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images, tmp_path: Path
) -> None:
    gallery.enroll("source1", sample_images["source1"][2])
    gallery.enroll("source0", sample_images["source0"][3], copies=False)
    gallery.save(tmp_path / "g.fpg")
    loaded = fp.Gallery.load(tmp_path / "g.fpg", extractor)
    for name, images, copies in (("source0", 4, 3), ("source1", 3, 1)):
        assert len(loaded[name].embeddings) == images
        assert {kind: one.count for kind, one in loaded[name].copies.items()} == dict.fromkeys(
            KINDS, copies
        )
        for kind, one in gallery[name].copies.items():
            np.testing.assert_array_equal(loaded[name].copies[kind].mean, one.mean)
    probe = shrunk(sample_images["source1"][5], 0.7)
    assert loaded.identify(probe) == gallery.identify(probe)
    with safe_open(tmp_path / "g.fpg", framework="numpy") as file:
        assert file.get_tensor("copies").shape == (2 * len(KINDS), 16)


def test_embeddings_have_no_copies(gallery: fp.Gallery) -> None:
    gallery.enroll("again", gallery["source0"].embeddings)
    assert gallery["again"].copies == {}
    assert gallery["again"].windows.tolist() == [0, 0, 0]


def test_a_copy_that_a_codec_made_flat_is_left_out(extractor: fp.Extractor) -> None:
    faint = np.full((128, 128, 3), 128, np.uint8)
    faint[::2, ::2] += 1
    gallery = fp.Gallery(extractor)
    (quality,) = gallery.enroll("faint", faint)
    assert not quality.flat
    assert "jpeg 75 4:2:0" not in gallery["faint"].copies


def test_an_unusable_image_enrolls_nothing(gallery: fp.Gallery, sample_images: Images) -> None:
    flat = np.full((128, 128, 3), 90, np.uint8)
    for bad in (b"no picture", flat):
        with pytest.raises(fp.ImageError):
            gallery.enroll("source1", [sample_images["source1"][3], bad])
    assert (len(gallery["source1"].embeddings), gallery["source1"].copies) == (2, {})


ALL = dict.fromkeys(KINDS, 3)


@pytest.mark.parametrize(
    "copies",
    [
        {KINDS[0]: 3},
        ALL | {KINDS[0]: 0},
        ALL | {KINDS[0]: 3.0},
        ALL | {"scale 0.123": 3},
        {("other" if kind == KINDS[0] else kind): 3 for kind in KINDS},
        6,
        None,
    ],
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
    assert listing[0]["copies"] == ALL
    listing[0]["copies"] = copies
    save_file(tensors, path, metadata | {"entries": json.dumps(listing)})
    with pytest.raises(fp.GalleryError, match=r"broken\.fpg"):
        fp.Gallery.load(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.0])
def test_means_that_are_none_are_a_gallery_error(
    gallery: fp.Gallery, tmp_path: Path, bad: float
) -> None:
    path = tmp_path / "broken.fpg"
    gallery.save(path)
    with safe_open(path, framework="numpy") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors["copies"][1] = bad
    save_file(tensors, path, metadata)
    with pytest.raises(fp.GalleryError, match=r"broken\.fpg"):
        fp.Gallery.load(path)


def test_the_command_line_enrolls_copies(
    tiny_model_dir: Path, sample_images: Images, tmp_path: Path
) -> None:
    cli, known = Cli(), tmp_path / "known.fpg"
    few = {name: images[:2] for name, images in sample_images.items()}
    generators = write_generators(tmp_path / "generators", few)
    model = ["--model", str(tiny_model_dir), "--device", "cpu", "--threads", "1"]
    one = generators / "source0" / "0.png"
    document = cli.json("enroll", "one", one, "-g", tmp_path / "one.fpg", *model)
    assert document["copies"] == dict.fromkeys(KINDS, 1)
    cli("gallery", "add", known, generators, "--no-copies", *model)
    assert "--replace" in cli.fails("gallery", "add", known, generators, *model)
    cli("gallery", "add", known, generators, "--replace", *model)
    # Copies are more, not other.
    again = cli.json("gallery", "add", known, generators, "--no-copies", *model)
    assert len(again["unchanged"]) == len(sample_images)
    listed = cli.json("gallery", "list", known)["entries"]
    assert all(entry["copies"] == dict.fromkeys(KINDS, 2) for entry in listed), listed
    Image.open(one).save(tmp_path / "one.jpg", quality=85)
    document = cli.json("identify", tmp_path / "one.jpg", "-g", known, *model)
    assert document["probes"][0]["candidates"][0]["copy"] == "jpeg 85 4:2:0"
