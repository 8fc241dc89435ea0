"""Windows: where they lie, how many there are, and what they cost."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fingerprint_sdk.images import WINDOW_BUDGET, window_grid, windows

sides = st.integers(128, 5000)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 260, 3), dtype=np.uint8)


@given(sides, sides, st.integers(1, 100))
def test_windows_lie_evenly_on_the_grid_of_eight(height: int, width: int, budget: int) -> None:
    grid = window_grid(height, width, budget)
    assert 1 <= len(grid[0]) * len(grid[1]) <= budget
    for positions, side in zip(grid, (height, width), strict=True):
        assert positions == sorted(set(positions))
        assert not any(position % 8 for position in positions)
        assert positions[0] >= 0
        assert positions[-1] <= side - 128
        if len(positions) > 1:
            assert positions[0] == 0
            assert positions[-1] > side - 128 - 8
            steps = np.diff(positions)
            assert steps.max() - steps.min() <= 16  # the last one has no pixels to round up to
        else:
            assert abs(positions[0] - (side - 128) / 2) <= 8


@given(st.integers(512, 1024), st.integers(512, 1024))
def test_an_image_of_up_to_1024_pixels_is_covered(height: int, width: int) -> None:
    for positions, side in zip(window_grid(height, width), (height, width), strict=True):
        assert max(np.diff(positions)) <= 128
        assert positions[-1] + 128 > side - 8  # the grid of eight allows no more


@given(st.integers(128, 511))
def test_a_short_axis_has_three_windows_as_far_as_they_fit(side: int) -> None:
    tops, lefts = window_grid(side, side)
    assert tops == lefts
    assert len(tops) == min(3, 1 + (side - 128) // 8)


def test_known_grids() -> None:
    def counts(height: int, width: int, budget: int = WINDOW_BUDGET) -> tuple[int, int]:
        tops, lefts = window_grid(height, width, budget)
        return len(tops), len(lefts)

    assert counts(256, 256) == (3, 3)
    assert counts(512, 512) == (4, 4)
    assert counts(1024, 1024) == counts(4000, 4000) == (8, 8)
    assert counts(1024, 1024, 16) == (4, 4)
    assert counts(800, 1280) == (6, 10)
    assert counts(300, 5000) == (2, 32)
    assert counts(128, 1_000_000) == (1, 64)
    assert counts(1024, 1024, 1) == (1, 1)


def test_a_thin_image_costs_no_more_than_its_windows() -> None:
    """Its short side is enlarged for the windows alone: 1.2 GB otherwise."""
    program = (
        "import resource, numpy as np\n"
        "from fingerprint_sdk.images import windows\n"
        "thin = np.random.default_rng(0).integers(0, 256, (1, 1_000_000, 3), dtype=np.uint8)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert windows(thin).shape == (64, 3, 128, 128)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60_000  # KiB


def test_a_thin_image_gives_the_windows_of_the_whole_enlarged() -> None:
    thin = np.random.default_rng(1).integers(0, 256, (40, 900, 3), dtype=np.uint8)
    whole = np.asarray(Image.fromarray(thin).resize((900, 128), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(windows(thin), windows(whole))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400))
def test_windows_have_the_models_shape_whatever_the_size(height: int, width: int) -> None:
    cut = windows(np.zeros((height, width, 3), np.uint8))
    assert cut.dtype == np.uint8
    assert cut.shape[1:] == (3, 128, 128)
    assert 1 <= len(cut) <= 9  # under 512 pixels


@pytest.mark.parametrize("size", [(200, 260), (100, 300), (128, 128), (131, 129)])
def test_three_windows_an_axis_are_the_default_below_512_pixels(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(windows(image, 3), windows(image))


def test_other_numbers_of_windows() -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 260, 3), dtype=np.uint8)
    middle = image[32:160, 64:192].transpose(2, 0, 1)[None]
    np.testing.assert_array_equal(windows(image, 1), middle)
    assert windows(image, 4).shape == (16, 3, 128, 128)
    corners = windows(image, 2)
    assert len(corners) == 4
    np.testing.assert_array_equal(corners[3], image[72:, 128:256].transpose(2, 0, 1))


def test_windows_are_exact_crops_in_reading_order(pixels: np.ndarray) -> None:
    cut = windows(pixels)  # 200 x 260
    places = [(top, left) for top in (0, 32, 72) for left in (0, 64, 128)]
    for window, (top, left) in zip(cut, places, strict=True):
        np.testing.assert_array_equal(
            window.transpose(1, 2, 0), pixels[top : top + 128, left : left + 128]
        )


def test_only_the_short_side_is_resized(pixels: np.ndarray) -> None:
    cut = windows(pixels[:64])  # 64 x 260
    assert len(cut) == 3
    enlarged = Image.fromarray(pixels[:64]).resize((260, 128), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(
        cut[1].transpose(1, 2, 0), np.asarray(enlarged)[:, 64 : 64 + 128]
    )
    tiny = np.full((5, 7, 3), 9, np.uint8)
    np.testing.assert_array_equal(windows(tiny), np.full((1, 3, 128, 128), 9))
