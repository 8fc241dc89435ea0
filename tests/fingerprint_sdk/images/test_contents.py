"""What two pictures show in common is told from what one generator leaves in both."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.pictures import marked, picture

from fingerprint_sdk.images.contents import SHARED, detail, shared_cells


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
