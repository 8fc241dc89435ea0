"""The cohort of processed photographs: what it explains, and its form in the model file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.evidence.cohort import Cohort, no_cohort, stored, to_json


def unit(*angles: float) -> np.ndarray:
    """Unit vectors of the plane, by their angle in degrees: float32 (n, 2)."""
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


COHORT = Cohort(unit(0, 10, 90), ("grey", "grey", "resized"), 2, 0.9, 0.97, 0.5)


def test_likeness_is_the_mean_cosine_with_the_nearest() -> None:
    (one,) = COHORT.explain(unit(5))
    assert one.likeness == pytest.approx(np.cos(np.radians(5)), abs=1e-6)
    assert one.amount == pytest.approx(0.5 * (one.likeness - 0.9), abs=1e-6)
    assert one.treatment == "grey"


def test_what_is_less_like_it_is_not_explained() -> None:
    far, near = COHORT.explain(unit(60, 25))
    assert (far.amount, far.treatment) == (0.0, None)
    # More like it than most, less than what surely was processed.
    assert near.amount > 0
    assert near.treatment is None


def test_no_cohort_explains_nothing() -> None:
    (one,) = no_cohort(2).explain(unit(45))
    assert (one.amount, one.treatment) == (0.0, None)


@given(st.integers(1, 30), st.integers(0, 1000))
def test_it_survives_its_file(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 24))
    rows = stored(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    treatments = tuple(sorted(rng.choice(["lossy", "grey", "other"], count)))
    cohort = Cohort(rows, treatments, 1, 0.25, 0.5, 1.5)
    again = Cohort.from_json(to_json(cohort), 24)
    np.testing.assert_allclose(again.embeddings, rows, atol=1e-6)
    assert (again.treatments, again.nearest) == (treatments, 1)
    assert (again.base, again.processed, again.weight) == (0.25, 0.5, 1.5)


def test_eight_bits_keep_a_cosine() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2, 500, 641))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    exact = (rows[0] * rows[1]).sum(1)
    assert np.abs((stored(rows[0]) * rows[1]).sum(1) - exact).max() < 2e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nearest": 4}, "nearest must be"),
        ({"nearest": True}, "nearest must be"),
        ({"base": 0.98}, "must rise"),
        ({"weight": -1}, "weight from 0"),
        ({"weight": float("nan")}, "weight from 0"),
        ({"treatments": [["grey", 2]]}, "treatments do not fit"),
        ({"treatments": [["shiny", 3]]}, "treatments do not fit"),
        ({"treatments": [["grey", 10**15], ["grey", 3 - 10**15]]}, "treatments do not fit"),
        ({"embeddings": "AAAA"}, "not rows of"),
        ({"embeddings": "AAAAAAAA"}, "all zero"),
        ({"embeddings": "?"}, "not valid"),
        ({"base": None}, "not valid"),
    ],
)
def test_a_broken_cohort_is_refused(change: dict[str, object], said: str) -> None:
    data = json.loads(to_json(COHORT)) | change
    with pytest.raises(ModelError, match=said):
        Cohort.from_json(json.dumps(data), 2)
    del data[next(iter(change))]
    with pytest.raises(ModelError, match="is missing"):
        Cohort.from_json(json.dumps(data), 2)
