"""Families: entries by several sources whose generators share a decoder are one answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from support.calibrations import calibration
from support.embeddings import unit

import fingerprint_sdk as fp
from fingerprint_sdk.explanation.sentences import answer, family

SIZE = 16
MEMBERS = ("First", "Second")


def axis(place: int, other: int | None = None) -> np.ndarray:
    """An image on one axis, or between two, nearer to the first."""
    row = np.zeros(SIZE, np.float32)
    row[place] = 1.0
    if other is not None:
        row[other] = 0.5
    return unit(row)


@pytest.fixture
def gallery(extractor: fp.Extractor) -> fp.Gallery:
    """Five sources: two of one family, beside each other, and three of their own."""
    known = fp.Gallery(extractor)
    for source, row in (("here", axis(0)), ("there", axis(0, 1))):
        origin = fp.Provenance("Decoder", MEMBERS, source, (("PNG", 1),), "since 2024-08")
        known.enroll(f"Decoder / {source}", row, provenance=origin)
    for place in (2, 3, 4):
        known.enroll(f"m{place}", axis(place))
    return known


def test_the_family_is_the_answer(gallery: fp.Gallery) -> None:
    found = gallery.search(axis(0, 1)[None], calibration(size=SIZE))
    first, second = found.candidates[:2]
    assert (found.best, found.nearest) == ("Decoder", "Decoder")
    assert (first.entry, first.members, found.members) == ("Decoder / there", MEMBERS, MEMBERS)
    assert answer(found) == "Decoder (First, Second)"
    assert "2 members share an image decoder" in family(found)
    # Its other source is no rival of it, and no other answer.
    assert [one.name for one in found.candidates] == ["Decoder", "m2", "m3", "m4"]
    assert found.compared == 4
    assert first.margin == pytest.approx(first.score - second.score)
    assert first.margin is not None
    assert first.margin > 0.9


def test_an_entry_of_its_own_is_named_as_itself(gallery: fp.Gallery) -> None:
    found = gallery.search(axis(3)[None], calibration(size=SIZE))
    assert (found.best, found.candidates[0].entry, found.members) == ("m3", "m3", ())
    assert answer(found) == "m3"
    assert family(found) == ""


def test_a_family_is_no_stranger_to_itself(extractor: fp.Extractor, gallery: fp.Gallery) -> None:
    """Five entries are four families: their own rates say what four entries without it say."""
    alone = fp.Gallery(extractor)
    for name, place in (("Decoder", 0), ("m2", 2), ("m3", 3), ("m4", 4)):
        alone.enroll(name, axis(place))
    model = calibration(size=SIZE)
    probe = axis(0)[None]
    together, apart = (one.search(probe, model) for one in (gallery, alone))
    assert together.threshold == pytest.approx(apart.threshold, abs=1e-6)


def test_it_is_kept_in_the_file(gallery: fp.Gallery, tmp_path: Path) -> None:
    gallery.save(tmp_path / "g.fpg")
    again = fp.Gallery.load(tmp_path / "g.fpg", gallery.extractor)
    for (_, one), (_, other) in zip(gallery.items(), again.items(), strict=True):
        assert one.provenance == other.provenance
    assert again["m2"].provenance is None


def test_more_images_keep_it_or_replace_it(gallery: fp.Gallery) -> None:
    before = gallery["Decoder / here"].provenance
    gallery.enroll("Decoder / here", axis(0, 2))
    assert gallery["Decoder / here"].provenance == before
    later = fp.Provenance("Another", source="here")
    gallery.enroll("Decoder / here", axis(0, 3), provenance=later)
    assert gallery["Decoder / here"].provenance == later


def test_another_gallerys_entry_keeps_it(extractor: fp.Extractor, gallery: fp.Gallery) -> None:
    entry = gallery["Decoder / here"]
    other = fp.Gallery(extractor)
    other.enroll("taken over", entry, notes="by hand")
    assert other["taken over"].provenance == entry.provenance
    gallery.enroll("m2", other["taken over"])
    assert gallery["m2"].provenance is None


@pytest.mark.parametrize(
    "origin",
    [
        fp.Provenance(""),
        fp.Provenance("Decoder", source="\x1b[2J"),
        fp.Provenance("Decoder", formats=(("PNG", 0),)),
        fp.Provenance("Decoder", members=3),  # type: ignore[arg-type]
        "Decoder",
    ],
)
def test_one_that_no_file_can_hold_is_refused(gallery: fp.Gallery, origin: Any) -> None:
    with pytest.raises(fp.GalleryError, match=r"provenance|entry name"):
        gallery.enroll("m2", axis(0), provenance=origin)
    assert gallery["m2"].provenance is None


def test_a_familys_name_has_one_spelling(gallery: fp.Gallery) -> None:
    gallery.enroll("m2", axis(2), provenance=fp.Provenance("Cafe\u0301"))
    gallery.enroll("m3", axis(3), provenance=fp.Provenance("Caf\u00e9"))
    found = gallery.search(axis(2)[None], calibration(size=SIZE))
    assert found.best == "Caf\u00e9"
    assert found.compared == 3


@pytest.mark.parametrize(
    "change",
    [
        {"family": ""},
        {"family": None},
        {"members": [3]},
        {"source": "\x1b[2J"},
        {"dates": None},
        {"formats": [["PNG", 0]]},
        {"formats": [["PNG"]]},
        {"formats": None},
    ],
)
def test_a_broken_one_is_refused(
    gallery: fp.Gallery, tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "g.fpg"
    gallery.save(path)
    with safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata())
    listing = json.loads(metadata["entries"])
    listing[0]["provenance"] |= change
    metadata["entries"] = json.dumps(listing)
    save_file(load_file(path), path, metadata)
    with pytest.raises(fp.GalleryError, match=r"g\.fpg"):
        fp.Gallery.load(path, gallery.extractor)
