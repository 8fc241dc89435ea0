"""What two pictures show in common is told from what one generator leaves in both."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import fingerprint_sdk as fp
from fingerprint_sdk.images import contents
from fingerprint_sdk.images.contents import SHARED, detail, share_contents, shared_cells


def picture(seed: int, height: int = 512, width: int = 640) -> np.ndarray:
    """Detail on all scales, as photographs have it."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(height, width, 3)), axes=(0, 1))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    scale = 1 / np.maximum(np.hypot(rows, columns), 1 / width)
    plane = np.fft.irfft2(spectrum * scale[..., None], (height, width), axes=(0, 1))
    return np.clip(128 + 50 * plane / plane.std(), 0, 255).astype(np.uint8)


def marked(pixels: np.ndarray, *, start: int = 0) -> np.ndarray:
    """Half transparent words all over."""
    image = Image.fromarray(pixels).convert("RGBA")
    over = Image.new("RGBA", image.size)
    draw = ImageDraw.Draw(over)
    for row, top in enumerate(range(start, image.height, 36)):
        for left in range(start + 40 * (row % 2), image.width, 110):
            draw.text((left, top), "SAMPLE IMAGE", (255, 255, 255, 140))
    return np.asarray(Image.alpha_composite(image, over).convert("RGB"))


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return np.asarray(Image.open(buffer))


def shown_by_both(a: np.ndarray, b: np.ndarray) -> float:
    return shared_cells(detail(a), detail(b))


def test_different_pictures_share_nothing() -> None:
    assert shown_by_both(picture(0), picture(1)) == 0
    assert shown_by_both(as_jpeg(picture(0)), as_jpeg(picture(1))) == 0, (
        "JPEG's blocks are no contents"
    )
    assert shown_by_both(picture(0), picture(1, 300, 1100)) == 0


def test_words_over_both_are_shared_also_where_they_are_moved() -> None:
    a, b = marked(picture(0)), marked(picture(1))
    assert shown_by_both(a, b) > 0.95
    assert shown_by_both(marked(picture(0), start=7), b) > SHARED
    assert shown_by_both(a, picture(1)) == 0


def test_one_picture_twice_is_shared() -> None:
    one = picture(0)
    assert shown_by_both(one, as_jpeg(one)) == 1
    assert shown_by_both(one, one[24:, 40:]) == 1, "a part of it"


@pytest.mark.parametrize("period", [2, 8, 16, 32])
def test_a_grid_is_no_contents(period: int) -> None:
    """Generators and codecs leave the same pattern in every block: that is what is looked for."""
    grid = np.random.default_rng(9).normal(0, 12, (period, period, 1))
    pattern = np.tile(grid, (512 // period, 640 // period, 1))
    a, b = (np.clip(picture(seed) + pattern, 0, 255).astype(np.uint8) for seed in (0, 1))
    assert shown_by_both(a, b) < SHARED


def test_a_frame_is_not_enough() -> None:
    framed = []
    for seed in (0, 1):
        page = np.full((800, 1200, 3), 230, np.uint8)
        page[100:612, 200:840] = picture(seed)
        framed.append(page)
    assert shown_by_both(*framed) < SHARED


def test_flat_and_tiny_pictures_share_nothing() -> None:
    flat = np.full((300, 300, 3), 7, np.uint8)
    assert shown_by_both(flat, flat) == 0
    assert shown_by_both(picture(0)[:20, :20], picture(1)[:20, :20]) == 0
    assert shown_by_both(picture(0)[:130, :130], flat) == 0


def test_sets_share_where_half_of_their_pictures_do() -> None:
    plain = [picture(seed) for seed in range(4)]
    with_words = [marked(picture(seed)) for seed in range(4, 8)]
    both = [marked(image) for image in plain]
    assert share_contents(both, with_words)
    assert share_contents(both[:1], with_words)
    assert not share_contents(plain, with_words)
    assert share_contents([*both[:2], *plain[2:]], with_words)
    assert not share_contents([both[0], *plain[1:]], with_words)


def test_pictures_that_are_one_file_are_one(sample_files: list[Path]) -> None:
    """Nobody needs telling that a picture has the generator it has."""
    assert not share_contents([sample_files[0]], [sample_files[0]])


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
    monkeypatch.setattr(contents, "load_image", None)
    other = sample_images["source1"][0]
    assert not extractor.verify(a, other).reasons
