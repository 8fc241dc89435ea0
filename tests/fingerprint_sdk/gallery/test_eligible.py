"""Like with like: which copies a probe may be compared with, and which one wins."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.gallery.eligible import Suited, likeness, suited
from fingerprint_sdk.gallery.entry import CopyMean, Entry
from fingerprint_sdk.gallery.fingerprints import fingerprints_of
from fingerprint_sdk.images.copies import BANK
from fingerprint_sdk.images.quality import Quality

NAMES = [kind.name for kind in BANK]
TWICE = ("scale 0.6 then jpeg 80 4:2:0", "scale 0.8 then jpeg 80 4:2:0")
PNG, WEBP, AVIF = (
    Quality(512, 512, form, False, None, lossy, False, 16)
    for form, lossy in (("PNG", False), ("WEBP", True), ("AVIF", True))
)
PIXELS = Quality(512, 512, None, False, None, None, False, 16)
WAS_JPEG = Quality(512, 512, "PNG", False, None, True, False, 16)


def jpeg(quality: int, subsampling: str = "4:2:0") -> Quality:
    return Quality(512, 512, "JPEG", False, quality, True, False, 16, subsampling=subsampling)


def unit(*values: float) -> np.ndarray:
    return mean_embedding(np.array([values], np.float64))


def entry(enrolled: np.ndarray, *, lossy: bool = False, **copies: np.ndarray) -> Entry:
    """Copies by kind: "jpeg 85 4:2:0" as ``jpeg85``, "scale 0.7" as ``scale7``, "webp 80"."""
    names = {
        "jpeg85": "jpeg 85 4:2:0", "jpeg75": "jpeg 75 4:2:0", "scale7": "scale 0.7",
        "scale5": "scale 0.5", "webp80": "webp 80", "twice": TWICE[1],
    }  # fmt: skip
    kept = {names[key]: CopyMean(mean, 3) for key, mean in copies.items()}
    return Entry(enrolled[None], np.array([lossy]), np.array([16], np.int32), "", kept)


def test_what_a_probe_shows_decides_what_it_is_compared_with() -> None:
    def of(family: str) -> set[str]:
        return {name for name in NAMES if name.startswith(family)}

    assert suited(WEBP, NAMES).kinds == of("webp")
    assert suited(AVIF, NAMES).kinds == of("avif")
    for probe in (PNG, WAS_JPEG, PIXELS, None):
        assert suited(probe, NAMES).kinds == set(NAMES)
    for probe, as_enrolled in ((PNG, True), (PIXELS, True), (WAS_JPEG, True), (WEBP, False)):
        assert suited(probe, NAMES).as_enrolled == as_enrolled
    assert not suited(jpeg(85), NAMES).as_enrolled


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (jpeg(85), {"jpeg 85 4:2:0", *TWICE}),
        (jpeg(80), {"jpeg 85 4:2:0", "jpeg 75 4:2:0", *TWICE}),
        (jpeg(99), {"jpeg 95 4:2:0", *TWICE}),
        (jpeg(10), {"jpeg 60 4:2:0", *TWICE}),
        (jpeg(95, "4:4:4"), {"jpeg 95 4:4:4"}),
        (jpeg(85, "4:2:2"), {"jpeg 85 4:2:0", "jpeg 85 4:4:4", *TWICE}),
    ],
)
def test_jpeg_files_are_compared_with_the_next_qualities(
    probe: Quality, expected: set[str]
) -> None:
    assert suited(probe, NAMES).kinds == expected


def test_a_gallery_of_one_subsampling_serves_the_other() -> None:
    known = ["jpeg 90 4:2:0", "scale 0.7"]
    assert suited(jpeg(80, "4:4:4"), known).kinds == {"jpeg 90 4:2:0"}


def test_entries_are_compared_by_the_one_kind_that_is_nearest() -> None:
    """The second is nearest by a kind that the probe is not of: that is not asked."""
    known = fingerprints_of(
        {
            "a": entry(unit(0, 1, 0), scale7=unit(1, 0, 0), scale5=unit(0, 0, 1)),
            "b": entry(unit(0.6, 1, 0), scale7=unit(0.5, 0, 1), scale5=unit(0, 0.1, 1)),
        }
    )
    found = likeness(known, unit(1, 0.1, 0)[None], [PNG])
    assert found.copies == ("scale 0.7", "scale 0.7")
    assert found.like == Suited(frozenset(known.kinds), as_enrolled=True)
    np.testing.assert_allclose(found.scores, [0.995, 0.445], atol=1e-3)
    assert found.counts.tolist() == [3, 3]
    found = likeness(known, unit(0.1, 1, 0)[None], [PNG])
    assert found.copies == (None, None)
    assert found.counts.tolist() == [1, 1]


def test_of_a_jpeg_file_neither_originals_nor_scales_are_asked() -> None:
    known = fingerprints_of(
        {"a": entry(unit(1, 0, 0), scale7=unit(1, 0, 0), jpeg85=unit(0.2, 1, 0))}
    )
    found = likeness(known, unit(1, 0.1, 0)[None], [jpeg(85)])
    assert found.copies == ("jpeg 85 4:2:0",)
    assert found.like == Suited(frozenset(["jpeg 85 4:2:0"]), as_enrolled=False)
    unknown = likeness(known, unit(1, 0.1, 0)[None], [])
    assert unknown.copies == (None,)
    assert unknown.like == Suited(frozenset(known.kinds), as_enrolled=True)


def test_two_steps_must_be_clearly_nearer_than_one() -> None:
    known = fingerprints_of(
        {"a": entry(unit(0, 0, 1), jpeg85=unit(1, 0.1, 0), twice=unit(0.1, 1, 0))}
    )
    for probe, kind in (
        (unit(1, 1, 0), "jpeg 85 4:2:0"),
        (unit(1, 1.005, 0), "jpeg 85 4:2:0"),
        (unit(1, 1.1, 0), TWICE[1]),
    ):
        found = likeness(known, probe[None], [jpeg(85)])
        assert found.copies == (kind,)
        assert found.like == Suited(frozenset(known.kinds), as_enrolled=False)


def test_an_entry_without_copies_stands_as_it_was_enrolled() -> None:
    known = fingerprints_of(
        {"a": entry(unit(0, 1, 0), jpeg85=unit(1, 0, 0)), "b": entry(unit(1, 1, 0))}
    )
    found = likeness(known, unit(1, 0, 0)[None], [jpeg(85)])
    assert found.copies == ("jpeg 85 4:2:0", None)
    np.testing.assert_allclose(found.scores, [1, 0.7071], atol=1e-4)
    alone = fingerprints_of({"b": entry(unit(1, 1, 0))})
    lone = likeness(alone, unit(1, 0, 0)[None], [jpeg(85)])
    assert (lone.copies, lone.like.kinds) == ((None,), frozenset())
    # With another scale than the probe's, by the best of what it has.
    known = fingerprints_of(
        {
            "a": entry(unit(0, 1, 0), scale7=unit(1, 0, 0)),
            "b": entry(unit(0, 1, 1), scale5=unit(1, 0.9, 0)),
        }
    )
    found = likeness(known, unit(1, 0, 0)[None], [PNG])
    assert found.copies == ("scale 0.7", "scale 0.5")


@pytest.mark.parametrize("quality", [[WEBP], [PIXELS], []])
def test_lossy_images_do_not_win_by_being_lossy(quality: list[Quality]) -> None:
    """What WebP makes of all images, the third number, is in the copies of lossless ones too."""
    entries = {
        "right": entry(unit(1, 0, 0), webp80=unit(1, 0, 1)),
        "other": entry(unit(0, 1, 0), webp80=unit(0, 1, 1)),
        "webp": entry(unit(0.5, 0.5, 1), lossy=True, webp80=unit(0, 0.6, 1)),
    }
    known = fingerprints_of(entries)
    for probe, best in ((unit(0.6, 0.2, 0.9), 0), (unit(0, 0.55, 0.9), 2)):
        found = likeness(known, probe[None], quality)
        assert int(found.scores.argmax()) == best
        assert found.copies == ("webp 80",) * 3
    # A probe that is like originals is compared with all as they were enrolled.
    found = likeness(known, unit(1, 0.05, 0)[None], [PNG])
    assert found.copies == (None,) * 3
    assert found.scores[2] == pytest.approx(0.43, abs=0.01)
    alone = fingerprints_of({"webp": entries["webp"]})
    assert likeness(alone, unit(0.5, 0.5, 1)[None], []).copies == (None,)


def test_probes_that_show_different_things_are_compared_with_a_mixture() -> None:
    known = fingerprints_of(
        {
            "a": entry(unit(1, 0, 0), jpeg85=unit(0, 1, 0)),
            "b": entry(unit(0, 0, 1), jpeg85=unit(0, 1, 1)),
        }
    )
    probes = np.stack([unit(1, 0, 0), unit(1, 0, 0), unit(0, 1, 0)])
    found = likeness(known, probes, [PNG, PNG, jpeg(85)])
    assert found.scores[0] == pytest.approx(1)
    assert found.copies[0] is None  # that of most of them
    assert found.like == Suited(frozenset(known.kinds), as_enrolled=True)
    for places in ([0, 1, 2], [2, 0, 1]):
        shuffled = likeness(known, probes[places], [[PNG, PNG, jpeg(85)][p] for p in places])
        np.testing.assert_allclose(shuffled.scores, found.scores, atol=1e-6)


def test_the_number_of_entries_does_not_matter_to_a_lone_one() -> None:
    one = entry(unit(0, 1, 0), scale7=unit(1, 0, 0))
    found = likeness(fingerprints_of({"a": one}), unit(1, 0.2, 0)[None], [PNG])
    assert found.copies == ("scale 0.7",)


def test_a_large_gallery_is_searched_like_a_small_one() -> None:
    rng = np.random.default_rng(0)
    entries = {
        f"m{i}": entry(
            mean_embedding(rng.normal(size=(1, 8))),
            scale7=mean_embedding(rng.normal(size=(1, 8))),
            scale5=mean_embedding(rng.normal(size=(1, 8))),
        )
        for i in range(300)
    }
    known = fingerprints_of(entries)
    probe = mean_embedding(rng.normal(size=(1, 8)))
    found = likeness(known, probe[None], [PNG])
    cosines = np.stack([one.fingerprints @ probe for one in entries.values()])
    kind = int((cosines.max(axis=0) - 0.3 * cosines.mean(axis=0)).argmax())
    np.testing.assert_allclose(found.scores, cosines[:, kind], atol=1e-6)
