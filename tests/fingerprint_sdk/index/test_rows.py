"""Rows in blocks: joined, cut and left out as one array would be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.calibrations import FINE
from support.indexes import plain_rows

from fingerprint_sdk.index import rows as module
from fingerprint_sdk.index.rows import Rows


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(module, "CHUNK", 3)


def check(rows: Rows, numbers: list[int], *, half: bool = False) -> None:
    """Assert that the rows are the plain ones of these numbers."""
    assert rows.names == tuple(f"image{n}" for n in numbers)
    assert len(rows) == len(numbers)
    assert (rows.size, rows.half) == (16, half)
    parts = [plain_rows(n, 1, half=half) for n in numbers]
    expected = np.concatenate([plain_rows(0, 0).blocks[0], *(p.blocks[0] for p in parts)])
    assert {block.dtype.name for block in rows.blocks} == {"float16" if half else "float32"}
    np.testing.assert_array_equal(np.concatenate(rows.blocks), expected)
    assert rows.marks.tolist() == [n % 6 for n in numbers]
    assert rows.stamps.tolist() == [[n, -n] for n in numbers]
    found = np.full_like(expected, np.nan)
    for where, chunk in rows.chunks():
        assert chunk.dtype == np.float32
        assert 0 < len(chunk) <= (3 if half else len(rows))
        found[where] = chunk
    np.testing.assert_array_equal(found, expected)
    places = np.random.default_rng(0).integers(0, max(1, len(numbers)), (3, 5 * bool(numbers)))
    np.testing.assert_array_equal(rows.embeddings(places), expected[places])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ("as is",)),
        ({"lossy": True}, ("coarse",)),
        ({"lossy": True, "jpeg_quality": 95}, ("lossy",)),
        ({"grey": True, "lossy": True}, ("grey",)),
        ({"too_small": True, "width": 100}, ("resized",)),
    ],
)
def test_what_file_and_pixels_tell_is_kept(
    changes: dict[str, object], told: tuple[str, ...]
) -> None:
    assert module.MARKS[module.mark_of(replace(FINE, **changes))] == told  # type: ignore[arg-type]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("sizes", [(0,), (3,), (9,), (0, 5), (9, 1, 1, 1, 1, 1), (1, 9, 0, 2)])
def test_blocks_are_one_array(sizes: tuple[int, ...], half: bool) -> None:
    count = sum(sizes)
    starts = np.cumsum([0, *sizes])
    parts = [
        plain_rows(start, size, half=half) for start, size in zip(starts, sizes, strict=False)
    ]
    rows = Rows.joined(parts)
    check(rows, [*range(count)], half=half)
    one_by_one = Rows.empty(16, half=half)
    for part in parts:
        one_by_one = Rows.joined([one_by_one, part])
    check(one_by_one, [*range(count)], half=half)
    for start in range(count + 1):
        check(rows.since(start), [*range(start, count)], half=half)
    for keep in np.random.default_rng(0).random((10, count)) < np.linspace(0, 1, 10)[:, None]:
        check(rows.kept(keep), np.flatnonzero(keep).tolist(), half=half)


def test_large_blocks_are_not_copied_and_small_ones_do_not_pile_up() -> None:
    rows = large = plain_rows(0, 50)
    for number in range(50, 90):
        rows = Rows.joined([rows, plain_rows(number, 1)])
    assert rows.blocks[0] is large.blocks[0]
    assert [len(block) for block in rows.blocks[1:]] == [4] * 10
    keep = np.ones(90, bool)
    keep[21] = False
    shared = [np.shares_memory(b, large.blocks[0]) for b in rows.kept(keep).blocks]
    assert shared.count(False) == 1 + 10  # the piece with the gap, and those that were added
    assert shared.count(True) == 12
