"""What both sides share whoever made them is no evidence, and the verdict says why."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import marked, picture

import fingerprint_sdk as fp
from fingerprint_sdk.images import coincidence
from fingerprint_sdk.images.coincidence import Middle, coincidences, coincidences_of
from fingerprint_sdk.images.contents import detail
from fingerprint_sdk.images.pattern import prominence


def larger(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    size = (round(1.8 * image.width), round(1.8 * image.height))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def test_sets_share_where_half_of_their_pictures_do() -> None:
    plain = [picture(seed) for seed in range(4)]
    with_words = [marked(picture(seed)) for seed in range(4, 8)]
    both = [marked(image) for image in plain]
    shared = ("contents", "pattern")  # of words in rows, too
    assert coincidences(both, with_words) == shared
    assert coincidences(both[:1], with_words) == shared
    assert coincidences(plain, with_words) == ()
    assert coincidences([*both[:2], *plain[2:]], with_words) == shared
    assert coincidences([both[0], *plain[1:]], with_words) == ()


def test_one_reason_may_hold_without_the_other() -> None:
    sides = [[larger(picture(1)), picture(4)], [larger(picture(3)), picture(5)]]
    assert coincidences(*sides) == ("pattern",)


def test_more_pictures_than_are_looked_at_cost_nothing() -> None:
    plain = [picture(seed) for seed in range(4)]
    resized = [larger(picture(seed)) for seed in range(4, 8)]
    assert coincidences([*plain, object()], resized) == ()  # type: ignore[list-item]
    assert coincidences([larger(image) for image in plain], resized) == ("pattern",)
    assert coincidences([larger(plain[0]), *plain[1:]], resized) == ()


def test_pictures_that_are_one_file_are_one(sample_files: list[Path]) -> None:
    """Nobody needs telling that a picture has the generator it has."""
    assert not coincidences([sample_files[0]], [sample_files[0]])
    resized = larger(picture(0))
    assert not coincidences([resized], [resized.copy()])


def test_a_large_picture_is_its_middle() -> None:
    whole = picture(3, 1300, 1100)
    middle = Middle.of(whole)
    assert middle.pixels.shape == (1024, 1024, 3)
    np.testing.assert_array_equal(middle.pixels, whole[138:1162, 38:1062])
    np.testing.assert_array_equal(middle.detail, detail(middle.pixels))
    np.testing.assert_array_equal(middle.prominence(512), prominence(whole, 512))
    np.testing.assert_array_equal(middle.prominence(288), prominence(whole, 288))
    framed = whole.copy()
    framed[:20] = 0
    assert coincidences_of(middle, Middle.of(whole.copy())) == (), "one picture"
    assert "contents" in coincidences_of(middle, Middle.of(framed)), "and one in a frame"
    small = Middle.of(whole[:300, :100])
    assert small.pixels.base is None
    assert coincidences_of(small, Middle.of(whole)) == ()


def test_the_verdict_rests_on_no_contents(
    extractor: fp.Extractor,
    sample_images: dict[str, list[np.ndarray]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = (marked(image) for image in sample_images["source0"][:2])
    plain = extractor.verify(extractor.embed(a), extractor.embed(b), fmr=0.1)
    assert plain.same, "as far as embeddings can tell"
    found = extractor.verify(a, b, fmr=0.1)
    assert (found.verdict, found.reasons, found.likelihood_ratio) == (
        "inconclusive", ("contents",), 1,
    )  # fmt: skip
    assert found.probability == 0.5
    assert found.images_needed is None
    assert found.score == pytest.approx(plain.score, abs=1e-6)
    # Nothing is looked at that would not be called the same.
    monkeypatch.setattr(coincidence, "load_image", None)
    other = sample_images["source1"][0]
    assert not extractor.verify(a, other).reasons


def test_the_verdict_rests_on_no_shared_pattern(
    extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]]
) -> None:
    a, b = (larger(image) for image in sample_images["source0"][:2])
    plain = extractor.verify(extractor.embed(a), extractor.embed(b), fmr=0.1)
    found = extractor.verify(a, b, fmr=0.1)
    assert plain.same, "as far as embeddings can tell"
    assert (found.verdict, found.reasons, found.likelihood_ratio) == (
        "inconclusive", ("pattern",), 1,
    )  # fmt: skip


def test_streams_and_open_files_are_looked_at_as_well(
    extractor: fp.Extractor, sample_images: dict[str, list[np.ndarray]]
) -> None:
    a, b = (larger(image) for image in sample_images["source0"][:2])
    assert extractor.verify(iter([a]), (x for x in [b]), fmr=0.1).reasons == ("pattern",)
    files = []
    for image in (a, b):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        file.seek(0)
        files.append(file)
    assert extractor.verify(*files, fmr=0.1).reasons == ("pattern",)
