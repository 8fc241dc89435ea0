"""Sides of a comparison: whose vote counts, and by which condition they are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.calibrations import FINE, FLAT, GREY, JPEG, UNTYPICAL, calibration, one_kind

from fingerprint_sdk.evidence.side import compare, excess_of_pair, side_of, sides_of
from fingerprint_sdk.verification import verify_sides


def rows(*angles: float) -> np.ndarray:
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_a_picture_given_twice_counts_once() -> None:
    pictures = [replace(FINE, digest=digest) for digest in ("a", "b", "a")]
    side = side_of(rows(0, 40, 0), pictures, calibration())
    assert (side.images, side.voting) == (2, (0, 1))
    np.testing.assert_allclose(side.embedding, rows(20)[0], atol=1e-6)
    # Without quality, equal embeddings are the same picture.
    assert side_of(rows(0, 40, 0), (), calibration()).images == 2


@pytest.mark.parametrize(("unfit", "reason"), [(FLAT, "flat"), (UNTYPICAL, "untypical")])
def test_images_without_a_fingerprint_have_no_vote(unfit: object, reason: str) -> None:
    among = side_of(rows(0, 80), [FINE, unfit], calibration())  # type: ignore[list-item]
    assert (among.images, among.voting, among.reasons) == (1, (0,), ())
    alone = side_of(rows(80), [unfit], calibration())  # type: ignore[list-item]
    assert alone.reasons == (reason,)


def test_the_worse_side_decides_the_condition() -> None:
    table = calibration()
    fine = side_of(rows(0), [FINE], table)
    for quality, treatment in (
        (JPEG, "coarse"),
        (replace(JPEG, jpeg_quality=92), "lossy"),
        (GREY, "grey"),
    ):
        other = side_of(rows(10), [quality], table)
        for pair in ((fine, other), (other, fine)):
            assert compare(*pair, table)[1].treatment == treatment


def test_the_fewest_windows_count() -> None:
    table = calibration()
    few = side_of(rows(0), [replace(FINE, windows=2)], table)
    many = side_of(rows(5), [replace(FINE, windows=64)], table)
    assert compare(few, many, table)[1].windows == 1
    assert compare(many, many, table)[1].windows == 4


def test_what_processing_explains_is_taken_off_either_side() -> None:
    cohort = one_kind(rows(0), "resized", base=0.9, processed=0.09)
    table = calibration(cohort)
    a, b = side_of(rows(0), (), table), side_of(rows(20), (), table)
    score, condition = compare(a, b, table)
    cosine = np.cos(np.radians(20))
    assert score == pytest.approx(cosine - (1 - 0.9) - (cosine - 0.9), abs=1e-6)
    assert condition.treatment == "resized"
    assert condition.excess == pytest.approx(0.02)  # twice that of the first


def test_more_than_usual_makes_nobody_different() -> None:
    """Two sides that processing explains wholly: neither the same, nor different because of it."""
    cohort = one_kind(rows(0), "resized", base=0.5, amount=0.1)
    table = calibration(cohort)
    a, b = side_of(rows(0), (), table), side_of(rows(10), (), table)
    score, condition = compare(a, b, table)
    cosine = np.cos(np.radians(10))
    assert (a.excess, b.excess) == pytest.approx((0.4, cosine - 0.6), abs=1e-6)
    assert condition.excess == pytest.approx(2 * a.excess)
    plain = table.condition(1, 1)
    assert score < plain.limits(0.05, 0.05)[0]
    assert condition.limits(0.05, 0.05)[0] == pytest.approx(
        plain.limits(0.05, 0.05)[0] - condition.excess
    )
    assert condition.likelihood_ratio(score) == 1
    assert verify_sides(a, b, table).verdict == "inconclusive"
    # What is unlike even so is different.
    far = side_of(rows(80), (), table)
    assert verify_sides(a, far, table).verdict == "different"


def test_what_only_one_side_went_through_counts_for_both_and_more_in_sets() -> None:
    assert excess_of_pair(0.1, 0.0, 1) == excess_of_pair(0.0, 0.1, 1) == pytest.approx(0.2)
    assert excess_of_pair(0.1, 0.1, 1) == pytest.approx(0.2)
    assert excess_of_pair(0.1, 0.02, 4) == pytest.approx(0.4)
    cohort = one_kind(rows(0), "resized", base=0.5, amount=0.1)
    table = calibration(cohort)
    processed = side_of(rows(0, 1, 2, 3), (), table)
    plain = side_of(rows(*range(80, 89)), (), table)
    found = compare(processed, plain, table)[1].excess
    assert found == pytest.approx(4 * processed.excess)  # by the four, not by the nine


def test_many_sides_are_those_one_by_one() -> None:
    table = calibration(one_kind(rows(0, 90), nearest=2, base=0.3))
    groups = [(rows(0, 40), [FINE, FLAT]), (rows(20), ()), (rows(10, 30, 50), ())]
    for found, (embeddings, quality) in zip(sides_of(groups, table), groups, strict=True):
        alone = side_of(embeddings, quality, table)
        np.testing.assert_array_equal(found.embedding, alone.embedding)
        for name in ("treatment", "windows", "images", "voting", "reasons"):
            assert getattr(found, name) == getattr(alone, name)
        assert found.explained == pytest.approx(alone.explained, abs=1e-6)
        (told,) = table.cohort.explain(found.embedding[None], found.images)
        assert found.explained == pytest.approx(told.amount, abs=1e-6)
    assert sides_of([], table) == []
