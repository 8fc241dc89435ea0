"""Decisions from embeddings, against scores and thresholds computed by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_model import TINY_CALIBRATION

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.embedding import image_embedding, mean_embedding
from fingerprint_sdk.errors import OperatingPointError
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import verify_embeddings

CALIBRATION = Calibration.from_json(json.dumps(TINY_CALIBRATION))
FINE = Quality(512, 512, "PNG", False, None, False, False, 9)
JPEG = Quality(512, 512, "JPEG", False, 85, True, False, 9)
FLAT = Quality(512, 512, "PNG", False, None, False, True, 9)


def pair(score: float) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors, shapes (1, 2), whose cosine is ``score``."""
    angle = np.arccos(score)
    return np.array([[1.0, 0.0]], np.float32), np.array(
        [[np.cos(angle), np.sin(angle)]], np.float32
    )


@pytest.mark.parametrize(
    ("score", "same", "uncertain"),
    [
        (-1.0, False, False),
        (0.5, False, False),
        (0.941, False, False),  # the threshold at twice the FMR is 0.9414
        (0.942, False, True),
        (0.951, True, True),
        (0.957, True, False),  # and at half of it 0.9560
        (1.0, True, False),
    ],
)
def test_decision_and_uncertainty(score: float, same: bool, uncertain: bool) -> None:
    result = verify_embeddings(*pair(score), CALIBRATION, quality=(FINE, FINE))
    assert result.score == pytest.approx(score, abs=1e-6)
    assert (result.same, result.uncertain) == (same, uncertain)
    assert (result.threshold, result.fmr, result.images) == (0.95, 0.01, (1, 1))


def test_the_asked_fmr_moves_the_threshold() -> None:
    a, b = pair(0.96)
    assert verify_embeddings(a, b, CALIBRATION, fmr=0.01).same
    strict = verify_embeddings(a, b, CALIBRATION, fmr=0.001)
    assert not strict.same
    assert (strict.threshold, strict.fmr) == (0.97, 0.001)
    with pytest.raises(OperatingPointError):
        verify_embeddings(a, b, CALIBRATION, fmr=1e-6)


def test_one_lossy_side_selects_the_recompressed_condition() -> None:
    a, b = pair(0.96)
    assert verify_embeddings(a, b, CALIBRATION, quality=(FINE, JPEG)).threshold == 0.954
    assert verify_embeddings(a, b, CALIBRATION, quality=(FINE, FINE)).threshold == 0.95


def test_a_flat_image_makes_any_decision_uncertain() -> None:
    result = verify_embeddings(*pair(1.0), CALIBRATION, quality=(FINE, FLAT))
    assert result.same
    assert result.uncertain


def test_sets_are_compared_by_their_normalised_means() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((n, 8)).astype(np.float32) for n in (5, 7))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    mean_a, mean_b = a.astype(float).mean(0), b.astype(float).mean(0)
    expected = mean_a @ mean_b / np.linalg.norm(mean_a) / np.linalg.norm(mean_b)
    result = verify_embeddings(a, b, CALIBRATION)
    assert result.score == pytest.approx(expected, abs=1e-6)
    assert result.threshold == 0.954  # the condition of 5 against 5
    assert result.images == (5, 7)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_verification_is_symmetric(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 4)), rng.standard_normal((m, 4))
    one, other = verify_embeddings(a, b, CALIBRATION), verify_embeddings(b, a, CALIBRATION)
    assert one.score == pytest.approx(other.score, abs=1e-12)
    assert (one.threshold, one.images) == (other.threshold, other.images[::-1])


def test_rows_that_cancel_out_give_zero_and_not_nan() -> None:
    mean = mean_embedding(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32))
    np.testing.assert_array_equal(mean, [0, 0])
    assert mean.dtype == np.float32


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.1, 10), st.integers(0, 1000))
def test_a_constant_keeps_the_order_of_images_and_shows_how_a_set_agrees(
    n: int, m: int, constant: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 3, 4)), rng.standard_normal((m, 3, 4))
    plain = [np.stack([image_embedding(x) for x in side]).astype(float) for side in (a, b)]
    longer = [np.stack([image_embedding(x, constant) for x in s]).astype(float) for s in (a, b)]
    square = constant**2
    assert longer[0].shape == (n, 5)
    np.testing.assert_allclose(np.linalg.norm(longer[0], axis=1), 1, atol=1e-6)
    expected = (plain[0] @ plain[1].T + square) / (1 + square)
    np.testing.assert_allclose(longer[0] @ longer[1].T, expected, atol=1e-6)
    mean_cosine = (plain[0] @ plain[1].T).mean()
    lengths = [np.hypot(constant, np.linalg.norm(side.mean(0))) for side in plain]
    score = verify_embeddings(*longer, CALIBRATION).score
    assert score == pytest.approx((mean_cosine + square) / np.prod(lengths), abs=1e-5)


def test_windows_that_cancel_out_stay_zero_beside_a_constant() -> None:
    mean = image_embedding(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32), 2.0)
    np.testing.assert_array_equal(mean, [0, 0, 0])
    assert mean.dtype == np.float32


def test_to_dict_is_json() -> None:
    result = verify_embeddings(*pair(0.96), CALIBRATION, quality=(FINE, JPEG))
    data = json.loads(json.dumps(result.to_dict()))
    assert data["same"] is True
    assert data["images"] == [1, 1]
    assert data["quality"][1]["jpeg_quality"] == 85
