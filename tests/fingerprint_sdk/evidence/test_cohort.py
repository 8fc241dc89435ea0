"""The cohort of processed photographs: what it explains, and its form in the model file."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calibrations import one_kind
from support.embeddings import unit

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, no_cohort, stored, to_json

NUMBERS = [field.name for field in fields(Cohort) if field.name != "embeddings"]


def plane(*angles: float) -> np.ndarray:
    """Unit vectors of the plane, by their angle in degrees: float32 (n, 2)."""
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def cos(angle: float) -> float:
    return float(np.cos(np.radians(angle)))


COHORT = Cohort(
    plane(0, 10, 80, 90),
    (CohortKind("grey", "grey", 2), CohortKind("half", "resized", 2)),
    nearest=2,
    others=1,
    likeness_weight=0.5,
    contrast_weight=0.25,
    usual=(Usual(1, 0.9, 0.05, 0.1), Usual(4, 0.96, 0.2, 0.25)),
)


def test_likeness_is_the_cosine_with_the_mean_of_the_nearest_of_a_kind() -> None:
    (one,) = COHORT.explain(plane(15))
    assert one.likeness == pytest.approx(cos(10), abs=1e-6)  # the mean of 0 and 10 is at 5
    contrast = cos(10) - cos(70)
    assert one.amount == pytest.approx(0.5 * (cos(10) - 0.9) + 0.25 * contrast, abs=1e-6)
    assert (one.kind, one.treatment) == ("grey", "grey")
    assert one.excess == pytest.approx(one.amount - 0.05)
    (other,) = COHORT.explain(plane(80))
    assert (other.kind, other.treatment) == ("half", "resized")


def test_what_is_like_no_kind_more_than_another_is_not_explained() -> None:
    (one,) = COHORT.explain(plane(45))
    assert (one.amount, one.excess) == pytest.approx((0, 0), abs=1e-6)
    assert one.treatment is None


def test_what_is_usual_goes_by_the_number_of_images() -> None:
    """Of two it lies half way between one and four, of more than was measured it stays."""
    probe = plane(15, 15, 15, 15)
    told = COHORT.explain(probe, [1, 2, 4, 40])
    start, contrast = cos(10), 0.25 * (cos(10) - cos(70))
    for one, base in zip(told, (0.9, 0.93, 0.96, 0.96), strict=True):
        assert one.amount == pytest.approx(0.5 * (start - base) + contrast, abs=1e-6)
    for one, usual in zip(told, (0.05, 0.125, 0.2, 0.2), strict=True):
        assert one.excess == pytest.approx(max(one.amount - usual, 0), abs=1e-6)
    assert [one.treatment for one in told] == ["grey", "grey", None, None]


def test_of_more_kinds_the_next_ones_count() -> None:
    kinds = tuple(CohortKind(str(angle), "other", 1) for angle in (0, 20, 40, 60))
    cohort = replace(COHORT, embeddings=plane(0, 20, 40, 60), kinds=kinds, others=2)
    (one,) = cohort.explain(plane(5))
    contrast = cos(5) - (cos(15) + cos(35)) / 2
    assert one.amount == pytest.approx(0.5 * (cos(5) - 0.9) + 0.25 * contrast, abs=1e-6)


@given(seed=st.integers(0, 1000), many=st.sampled_from([3, 40]))
@settings(deadline=None)
def test_likenesses_are_those_of_a_plain_search(seed: int, many: int) -> None:
    """Of few sides, and of so many that they are reckoned in another way."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 9, 4)
    kinds = tuple(CohortKind(str(i), "other", int(count)) for i, count in enumerate(counts))
    cohort = replace(COHORT, embeddings=unit(rng.standard_normal((counts.sum(), 6))), kinds=kinds)
    sides = unit(rng.standard_normal((many, 6)))
    ends = np.cumsum(counts)
    for found, side in zip(cohort.likenesses(sides), sides, strict=True):
        for likeness, end, count in zip(found, ends, counts, strict=True):
            own = cohort.embeddings[end - count : end].astype(float)
            mean = own[np.argsort(-own @ side)[:2]].sum(0)
            assert likeness == pytest.approx(mean @ side / np.linalg.norm(mean), abs=1e-5)


def test_sides_are_explained_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint_sdk.evidence.cohort._AT_ONCE", 2)
    told = COHORT.explain(plane(0, 20, 40, 60, 85), [1, 2, 3, 4, 5])
    for angle, images, one in zip((0, 20, 40, 60, 85), (1, 2, 3, 4, 5), told, strict=True):
        (alone,) = COHORT.explain(plane(angle), images)
        assert one.amount == pytest.approx(alone.amount, abs=1e-6)
        assert (one.kind, one.treatment) == (alone.kind, alone.treatment)


def test_no_cohort_explains_nothing() -> None:
    (one,) = no_cohort(2).explain(plane(45))
    assert (one.amount, one.treatment) == (0.0, None)


@given(st.integers(1, 30), st.integers(0, 1000))
def test_it_survives_its_file(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = stored(unit(rng.standard_normal((count, 24))))
    cohort = replace(one_kind(rows, "lossy", base=0.25, weight=1.5), others=7)
    again = Cohort.from_json(to_json(cohort), 24)
    np.testing.assert_allclose(again.embeddings, rows, atol=1e-6)
    assert all(getattr(again, name) == getattr(cohort, name) for name in NUMBERS)


def test_eight_bits_keep_a_cosine() -> None:
    rng = np.random.default_rng(0)
    rows = unit(rng.standard_normal((2, 500, 641)))
    exact = (rows[0] * rows[1]).sum(1)
    assert np.abs((stored(rows[0]) * rows[1]).sum(1) - exact).max() < 2e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nearest": 0}, "integers from 1"),
        ({"nearest": True}, "integers from 1"),
        ({"others": 1.5}, "integers from 1"),
        ({"likeness_weight": -1}, "weights must"),
        ({"contrast_weight": float("nan")}, "weights must"),
        ({"kinds": [["grey", "grey", 2]]}, "kinds do not fit"),
        ({"kinds": [["grey", "shiny", 4]]}, "treatment that is none"),
        ({"kinds": [[3, "grey", 4]]}, "no name"),
        ({"kinds": [["a", "grey", 10**15], ["b", "grey", 4 - 10**15]]}, "kinds do not fit"),
        ({"kinds": [["a", "grey", True], ["b", "grey", 3]]}, "kinds do not fit"),
        ({"usual": []}, "by numbers of images"),
        ({"usual": [[2, 0.5, 0.1, 0.1]]}, "by numbers of images"),
        ({"usual": [[1, 0.5, 0.1, 0.1], [1, 0.5, 0.1, 0.1]]}, "rising numbers"),
        ({"usual": [[1, 1.5, 0.1, 0.1]]}, "base must lie"),
        ({"usual": [[1, 0.5, 0.2, 0.1]]}, "base must lie"),
        ({"usual": [[1, 0.5, 0.1, float("nan")]]}, "base must lie"),
        ({"usual": [[1, 0.5]]}, "not valid"),
        ({"embeddings": "AAAA"}, "not rows of"),
        ({"embeddings": "AAAAAAAA"}, "all zero"),
        ({"embeddings": "?"}, "not valid"),
        ({"usual": None}, "not valid"),
    ],
)
def test_a_broken_cohort_is_refused(change: dict[str, object], said: str) -> None:
    data = json.loads(to_json(COHORT)) | change
    with pytest.raises(ModelError, match=said):
        Cohort.from_json(json.dumps(data), 2)
    del data[next(iter(change))]
    with pytest.raises(ModelError, match="is missing"):
        Cohort.from_json(json.dumps(data), 2)
