"""Which images have a vote, as the bundled model has it: tiny ones, and those on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.paths import ROOT

import fingerprint_sdk as fp
from fingerprint_sdk.images.quality import LEAST_SIDE

BIRDS = ROOT / "examples" / "images"


@pytest.fixture(scope="module")
def extractor() -> fp.Extractor:
    return fp.load(device="cpu")


def bird(name: str, height: int = 512, width: int = 512) -> np.ndarray:
    """The upper left of one of the examples."""
    return np.asarray(Image.open(BIRDS / f"{name}.png").convert("RGB"))[:height, :width]


@pytest.mark.parametrize(
    ("height", "width"), [(8, 8), (16, 16), (24, 24), (8, 200), (LEAST_SIDE - 1, 300)]
)
def test_of_tiny_images_nothing_is_said(extractor: fp.Extractor, height: int, width: int) -> None:
    a, b = (bird(name, height, width) for name in ("wren/1", "lark/1"))
    answer = extractor.verify(a, b)
    assert (answer.verdict, answer.reasons) == ("inconclusive", ("tiny",))
    assert answer.likelihood_ratio == 1
    assert answer.quality[0].flags[:2] == ("too_small", "tiny")
    found = extractor.identify(a, fp.known())
    assert (found.verdict, found.reasons) == ("inconclusive", ("tiny",))
    index = fp.Index(extractor)
    index.add([a, bird("wren/1")], names=["small", "whole"])
    assert index.names == ("whole",)
    assert "'small' is tiny" in str(index.failures[0].error)
    with pytest.raises(fp.ImageError, match="is tiny: a side is shorter than 64 pixels"):
        fp.Gallery(extractor).enroll("x", [a], copies=False)
    assert fp.cluster([a, b, a[::-1]], model=extractor).groups == ()


def test_a_tiny_image_has_no_vote_beside_another(extractor: fp.Extractor) -> None:
    alone = extractor.verify(bird("wren/1"), bird("lark/1"))
    beside = extractor.verify([bird("wren/1"), bird("lark/2", 16, 16)], bird("lark/1"))
    assert (beside.score, beside.verdict) == (alone.score, alone.verdict)
    assert beside.images == (1, 1)


def test_a_small_image_is_judged_like_a_resized_one(extractor: fp.Extractor) -> None:
    answer = extractor.verify(bird("wren/1", LEAST_SIDE, 127), bird("lark/1"))
    assert (answer.condition, answer.reasons) == ("resized", ())
    assert extractor.verify(bird("wren/1", 128, 128), bird("lark/1")).condition == "as is"


def test_what_is_known_of_images_counts_against_embeddings(extractor: fp.Extractor) -> None:
    flat = [Image.new("RGB", (200, 200), colour) for colour in ("white", "navy")]
    for a, b in ((flat[0], extractor.embed(flat[1])), (extractor.embed(flat[1]), flat[0])):
        answer = extractor.verify(a, b)
        assert (answer.verdict, answer.reasons) == ("inconclusive", ("flat",))
        assert len(answer.quality) == 1
    grey, lark = Image.open(BIRDS / "wren/1.png").convert("L"), BIRDS / "lark/1.png"
    whole = extractor.verify(grey, lark)
    half = extractor.verify(grey, extractor.embed(lark))
    assert whole.condition == half.condition != "as is"
    assert half.threshold == whole.threshold


def test_a_picture_on_both_sides_has_no_vote_beside_others(extractor: fp.Extractor) -> None:
    wren, lark, finch = (str(BIRDS / name / "1.png") for name in ("wren", "lark", "finch"))
    alone = extractor.verify(wren, lark)
    both = extractor.verify([wren, finch], [finch, lark])
    assert alone.verdict != "same"
    assert (both.score, both.verdict, both.images) == (alone.score, alone.verdict, (1, 1))
    assert len(both.quality) == 4
    # Nothing else is left to compare: it is the same picture.
    assert extractor.verify(finch, [finch]).verdict == "same"
    white = Image.new("RGB", (512, 512), "white")
    assert extractor.verify([finch, white], [finch, lark]).images == (1, 2)


def test_shared_contents_are_looked_for_in_what_has_a_vote(extractor: fp.Extractor) -> None:
    white, black = (Image.new("RGB", (128, 128), colour) for colour in ("white", "black"))
    a, b = bird("robin/3"), bird("robin/3").copy()
    b[:8] = 255 - b[:8]  # one picture twice, but for an edge
    assert extractor.verify(a, b).reasons == ("contents",)
    answer = extractor.verify([white, black, a], [b])
    assert (answer.images, answer.reasons) == ((1, 1), ("contents",))


def test_small_pictures_that_show_two_things_are_not_said_to_show_one(
    extractor: fp.Extractor,
) -> None:
    trousers, dress = bird("robin/1", 160, 160), bird("robin/3", 160, 160)
    assert extractor.verify(trousers, dress).reasons == ()


def test_so_many_images_as_are_said_to_be_needed_are_enough(extractor: fp.Extractor) -> None:
    calibration = extractor.calibration
    embedding = extractor.embed(BIRDS / "wren/1.png")
    other = extractor.embed(BIRDS / "lark/1.png")
    direction = other - (other @ embedding) * embedding
    direction /= np.linalg.norm(direction)
    asked = 0
    for cosine in np.arange(0.4, 0.9, 0.02):
        b = cosine * embedding + np.sqrt(1 - cosine**2) * direction
        for fmr in (0.01, 0.05, 0.1):
            answer = extractor.verify(embedding, b.astype(np.float32), fmr=fmr)
            if answer.images_needed is not None:
                number = answer.images_needed
                now, more = (
                    calibration.condition(n, n, treatment=answer.condition) for n in (1, number)
                )
                risen = answer.score + more.missed(0.5) - now.missed(0.5)
                assert risen >= more.limits(fmr, answer.fnmr)[1] - 1e-9
                asked += 1
    assert asked
