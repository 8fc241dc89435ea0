"""Galleries: enrolment, exact search, and no way to corrupt either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fingerprint_sdk as fp
from fingerprint_sdk import _default
from fingerprint_sdk.images.copies import bank
from fingerprint_sdk.images.treatment import ANY_LOSSY

Images = dict[str, list[np.ndarray]]


@pytest.fixture(scope="module")
def stranger(other_model_path: Path) -> fp.Extractor:
    return fp.Extractor.from_file(other_model_path, device="cpu", threads=1)


def test_the_source_is_found_by_name(gallery: fp.Gallery, sample_images: Images) -> None:
    for name in gallery.names:
        found = gallery.identify(sample_images[name][5])
        assert (found.best, found.known) == (name, True)
        assert found.candidates[0].margin > 0 > found.candidates[1].margin


def test_a_stranger_is_not_in_this_gallery(gallery: fp.Gallery, sample_images: Images) -> None:
    found = gallery.identify(sample_images["source2"][0])
    assert found.best is None
    assert not found.known
    assert found.candidates[0].name == "source1"  # the nearest is still shown
    assert found.candidates[0].score < found.threshold


def test_scores_equal_plain_cosines_with_the_normalised_means(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    probe = extractor.embed(sample_images["source2"][0]).astype(float)
    found = gallery.identify(sample_images["source2"][0])
    expected = {}
    for name, count in (("source0", 4), ("source1", 1)):
        mean = extractor.embed(sample_images[name][:count]).astype(float).mean(axis=0)
        expected[name] = probe @ mean / np.linalg.norm(mean)
    assert {c.name: c.score for c in found.candidates} == pytest.approx(expected, abs=1e-6)
    assert extractor.calibration.cohort.explain(probe[None])[0].amount == 0
    best, second = found.candidates
    assert best.margin == pytest.approx(best.score - second.score)
    assert second.margin == pytest.approx(second.score - best.score)


def test_search_ranks_a_large_gallery_like_a_sort(extractor: fp.Extractor) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((500, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gallery = fp.Gallery(extractor)
    for index, row in enumerate(rows):
        gallery.enroll(f"m{index}", row)
    for probe in (3, 77):
        found = gallery.search(rows[probe][None], extractor.calibration, top=10)
        order = sorted(range(500), key=lambda i: -float(rows[i].astype(float) @ rows[probe]))
        assert [c.name for c in found.candidates] == [f"m{i}" for i in order[:10]]


@pytest.mark.parametrize(
    "probes",
    [np.empty((0, 16)), np.full((1, 16), np.nan), np.eye(8), np.ones((2, 16)), np.eye(16)[0]],
)
def test_probes_that_are_no_embeddings_are_refused(
    extractor: fp.Extractor, gallery: fp.Gallery, probes: np.ndarray
) -> None:
    with pytest.raises(fp.GalleryError, match="probe embeddings"):
        gallery.search(probes, extractor.calibration)


def test_the_condition_follows_the_images_and_what_happened_to_them(
    extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    gallery = fp.Gallery(extractor)
    gallery.enroll("one", sample_images["source0"][0], copies=False)
    gallery.enroll("six", sample_images["source1"], copies=False)
    path = tmp_path / "a.jpg"
    Image.fromarray(sample_images["source2"][0]).save(path, quality=95)
    gallery.enroll("jpeg", path, copies=False)
    conditions = {
        "one": extractor.calibration.condition(1, 1),
        "six": extractor.calibration.condition(1, 6),
        "jpeg": max(
            (extractor.calibration.condition(1, 1, treatment=t) for t in ANY_LOSSY),
            key=lambda condition: condition.threshold(0.01),
        ),
    }
    for name, source in (("one", 0), ("six", 1)):
        found = gallery.identify(sample_images[f"source{source}"][5], fpir=0.1)
        assert (found.nearest, found.verdict) == (name, "named")
        assert found.threshold == pytest.approx(conditions[name].threshold(0.1 / 3))
        assert found.missed == pytest.approx(conditions[name].limits(0.1, 0.05)[0])
        for candidate in found.candidates:
            expected = conditions[candidate.name].likelihood_ratio(candidate.score)
            assert candidate.likelihood_ratio == pytest.approx(expected)


def test_one_entry_has_no_margin_and_top_limits_the_list(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    probe = sample_images["source0"][5]
    assert len(gallery.identify(probe, top=1).candidates) == 1
    alone = fp.Gallery(extractor)
    alone.enroll("only", sample_images["source0"][0], copies=False)
    assert alone.identify(probe).candidates[0].margin is None
    with pytest.raises(fp.GalleryError, match="top"):
        gallery.identify(probe, top=0)


def test_asking_for_an_uncalibrated_rate_or_an_empty_gallery_is_an_error(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    with pytest.raises(fp.OperatingPointError):
        gallery.identify(sample_images["source0"][0], fpir=1e-9)
    with pytest.raises(fp.GalleryError, match="empty"):
        fp.Gallery(extractor).identify(sample_images["source0"][0])
    with pytest.raises(fp.ImageError, match="at least one"):
        gallery.identify([])


def test_enrolling_again_adds_images(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    gallery.enroll("source1", sample_images["source1"][1:4], copies=False)
    assert len(gallery["source1"].embeddings) == 4
    whole = fp.Gallery(extractor)
    whole.enroll("source1", sample_images["source1"][:4], copies=False)
    np.testing.assert_allclose(
        gallery["source1"].fingerprint, whole["source1"].fingerprint, atol=1e-6
    )
    gallery.enroll("source0", sample_images["source0"][4], copies=False)
    assert gallery["source0"].notes == "first"


def test_enrolling_leaves_what_is_known_of_the_others(
    gallery: fp.Gallery, sample_images: Images
) -> None:
    gallery.enroll("copied", sample_images["source2"][:2], copies=True)
    gallery.identify(sample_images["source0"][5])
    before = {name: entry.fingerprints for name, entry in gallery.items()}
    assert [len(rows) for rows in before.values()] == [1, 1, 1 + len(bank())]
    gallery.enroll("source1", sample_images["source1"][1], copies=False)
    gallery.rename("source0", "other")
    gallery.identify(sample_images["source0"][5])
    assert gallery["other"].fingerprints is before["source0"]
    assert gallery["copied"].fingerprints is before["copied"]
    assert not np.allclose(gallery["source1"].fingerprints, before["source1"], atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        gallery["other"].fingerprint[0] = 1


def test_embeddings_and_images_enrol_alike(
    extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images
) -> None:
    gallery.enroll("again", extractor.embed(sample_images["source0"][:4]))
    np.testing.assert_array_equal(gallery["again"].embeddings, gallery["source0"].embeddings)


@pytest.mark.parametrize(
    "embeddings",
    [
        np.zeros(16, np.float32),
        np.ones(16, np.float32),
        np.full(16, np.nan, np.float32),
        np.full(16, np.inf, np.float32),
        np.full(16, 1e30, np.float32),
        np.eye(8, dtype=np.float32),
        np.empty((0, 16), np.float32),
    ],
)
def test_embeddings_that_are_none_are_refused(gallery: fp.Gallery, embeddings: np.ndarray) -> None:
    with pytest.raises(fp.GalleryError):
        gallery.enroll("bad", embeddings)
    assert "bad" not in gallery


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201, "\0", None, 3])
def test_names_that_are_none_are_refused(
    gallery: fp.Gallery, sample_images: Images, name: Any
) -> None:
    with pytest.raises(fp.GalleryError, match="not an entry name"):
        gallery.enroll(name, sample_images["source0"])
    with pytest.raises(fp.GalleryError, match="not an entry name"):
        gallery.rename("source0", name)


def test_a_failed_enrolment_changes_nothing(gallery: fp.Gallery, sample_images: Images) -> None:
    before = gallery["source0"]
    flat = np.full((200, 200, 3), 7, np.uint8)
    for bad in ("absent.png", flat):
        with pytest.raises(fp.ImageError):
            gallery.enroll("source0", [sample_images["source0"][0], bad])
    with pytest.raises(fp.GalleryError, match="no images"):
        gallery.enroll("new", [])
    assert gallery["source0"] is before
    assert gallery.names == ("source0", "source1")


def test_remove_and_rename(gallery: fp.Gallery, sample_images: Images) -> None:
    gallery.rename("source0", "first")
    assert gallery.names == ("first", "source1")
    assert gallery.identify(sample_images["source0"][5]).best == "first"
    gallery.rename("first", "first")
    with pytest.raises(fp.GalleryError, match="exists"):
        gallery.rename("first", "source1")
    gallery.remove("first")
    assert gallery.names == ("source1",)
    assert gallery.identify(sample_images["source0"][5]).best is None
    for broken in (lambda: gallery.remove("first"), lambda: gallery.rename("first", "x")):
        with pytest.raises(fp.GalleryError, match=r"'first'.*'source1'"):
            broken()


def test_merge(extractor: fp.Extractor, gallery: fp.Gallery, sample_images: Images) -> None:
    other = fp.Gallery(extractor)
    other.enroll("source1", sample_images["source1"][1], copies=False)
    other.enroll("source2", sample_images["source2"][:2], copies=False)
    with pytest.raises(fp.GalleryError, match="'source1'"):
        gallery.merge(other)
    assert gallery.names == ("source0", "source1")
    gallery.merge(other, on_duplicate="add")
    assert gallery.names == ("source0", "source1", "source2")
    assert len(gallery["source1"].embeddings) == 2
    assert len(other["source1"].embeddings) == 1


def test_galleries_of_two_models_never_meet(
    gallery: fp.Gallery, stranger: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    foreign = fp.Gallery(stranger)
    foreign.enroll("x", sample_images["source0"][0], copies=False)
    with pytest.raises(fp.GalleryError, match="sha256"):
        gallery.merge(foreign)
    with pytest.raises(fp.GalleryError, match="sha256"):
        stranger.identify(sample_images["source0"][0], gallery)
    gallery.save(tmp_path / "g.fpg")
    with pytest.raises(fp.GalleryError, match="sha256"):
        fp.Gallery.load(tmp_path / "g.fpg", stranger)


def test_the_default_is_bound_late_and_checked(
    gallery: fp.Gallery,
    extractor: fp.Extractor,
    stranger: fp.Extractor,
    sample_images: Images,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gallery.save(tmp_path / "g.fpg")
    monkeypatch.setattr(_default, "_default", stranger)
    loaded = fp.Gallery.load(tmp_path / "g.fpg")
    assert loaded.names == gallery.names  # no model is needed to look
    for _ in range(2):
        with pytest.raises(fp.GalleryError, match="sha256"):
            loaded.identify(sample_images["source0"][0])
    monkeypatch.setattr(_default, "_default", extractor)
    assert fp.identify(sample_images["source0"][5], loaded).best == "source0"


def test_identification_is_json(gallery: fp.Gallery, sample_images: Images) -> None:
    found = gallery.identify(sample_images["source0"][4:6])
    data = json.loads(json.dumps(found.to_dict()))
    assert data["best"] == "source0"
    assert data["candidates"][0]["margin"] > 0
    assert len(data["quality"]) == 2


def test_nothing_is_said_of_any_candidate_of_a_flat_probe(
    gallery: fp.Gallery, extractor: fp.Extractor
) -> None:
    answer = gallery.identify(np.full((200, 200, 3), 9, np.uint8), prior=0.3)
    assert (answer.verdict, answer.reasons) == ("inconclusive", ("flat",))
    assert {one.likelihood_ratio for one in answer.candidates} == {1.0}
    assert [one.probability for one in answer.candidates] == pytest.approx(
        [0.3] * len(answer.candidates)
    )
