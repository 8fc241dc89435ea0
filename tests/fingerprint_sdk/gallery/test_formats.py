"""One lossy entry among lossless ones: it must not draw the lossy images of everybody else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.paths import ROOT
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.images.treatment import ANY_LOSSY

BIRDS = ROOT / "examples" / "images"


def encoded(pixels: np.ndarray, codec: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, codec, quality=quality)
    return buffer.getvalue()


def mixed(extractor: fp.Extractor, codec: str, quality: int, *, copies: bool) -> fp.Gallery:
    """Five sources of originals, and one of which only compressed images are known."""
    gallery = fp.Gallery(extractor)
    for source in range(5):
        images = [synthetic_image(source, i) for i in range(2)]
        gallery.enroll(f"source{source}", images, copies=copies)
    images = [encoded(synthetic_image(6, i), codec, quality) for i in range(2)]
    gallery.enroll("lossy", images, copies=copies)
    return gallery


@pytest.mark.parametrize(("codec", "quality"), [("WEBP", 80), ("JPEG", 85)])
def test_a_lossy_entry_draws_no_lossy_images(
    extractor: fp.Extractor, codec: str, quality: int
) -> None:
    copied = mixed(extractor, codec, quality, copies=True)
    plain = mixed(extractor, codec, quality, copies=False)
    drawn = 0
    for source in (0, 1, 2, 3, 4, 5, 7, 8, 9):
        for index in (4, 5):
            probe = encoded(synthetic_image(source, index), codec, quality)
            found = copied.identify(probe)
            assert found.best != "lossy"
            assert source > 4 or found.nearest != "lossy"
            # Without copies it is nearest to many; even then they are not named as it.
            alone = plain.identify(probe)
            assert alone.best != "lossy"
            drawn += alone.nearest == "lossy"
    assert drawn >= 4


def test_the_shipped_model_is_not_drawn_either() -> None:
    gallery = fp.Gallery(fp.load(device="cpu", windows=4))
    for name in ("finch", "lark", "robin"):
        gallery.enroll(name, [BIRDS / name / f"{i}.png" for i in (1, 2)])
    originals = [np.asarray(Image.open(BIRDS / "wren" / f"{i}.png")) for i in (1, 2)]
    gallery.enroll("wren", [encoded(pixels, "WEBP", 80) for pixels in originals])
    for name in ("finch", "lark", "robin"):
        for index in (3, 4):
            pixels = np.asarray(Image.open(BIRDS / name / f"{index}.png"))
            found = gallery.identify(encoded(pixels, "WEBP", 80))
            assert found.best != "wren"
            assert found.candidates[0].copy is not None


def test_the_condition_of_an_original_against_a_lossy_entry_is_that_of_lossy_images(
    extractor: fp.Extractor,
) -> None:
    gallery = mixed(extractor, "JPEG", 85, copies=False)
    probe = synthetic_image(6, 5)
    lossy = next(c for c in gallery.identify(probe, top=6).candidates if c.name == "lossy")
    # How fine its compression was is not kept, so the stricter condition holds.
    strict = max(
        (extractor.calibration.condition(1, 2, treatment=t, windows=9) for t in ANY_LOSSY),
        key=lambda condition: condition.threshold(0.01),
    )
    assert lossy.likelihood_ratio == pytest.approx(strict.likelihood_ratio(lossy.score))
