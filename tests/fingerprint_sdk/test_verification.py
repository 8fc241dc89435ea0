"""Decisions from embeddings, against scores and thresholds computed by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calibrations import FINE, FLAT, JPEG, TINY, UNTYPICAL, calibration

from fingerprint_sdk.embedding import image_embedding, mean_embedding
from fingerprint_sdk.errors import OperatingPointError
from fingerprint_sdk.verification import verify_embeddings

CALIBRATION = calibration()


def pair(score: float) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors, shapes (1, 2), whose cosine is ``score``."""
    angle = np.arccos(score)
    return np.array([[1.0, 0.0]], np.float32), np.array(
        [[np.cos(angle), np.sin(angle)]], np.float32
    )


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (-1.0, "different"),
        (0.499, "different"),  # 5 % of true pairs stay below 0.5
        (0.501, "inconclusive"),
        (0.549, "inconclusive"),  # 1 % of strangers reach 0.55
        (0.551, "same"),
        (1.0, "same"),
    ],
)
def test_the_verdict_follows_from_two_scores(score: float, verdict: str) -> None:
    result = verify_embeddings(*pair(score), CALIBRATION, quality=(FINE, FINE))
    assert result.score == pytest.approx(score, abs=1e-6)
    assert (result.verdict, result.same) == (verdict, verdict == "same")
    assert (result.threshold, result.missed) == (0.55, 0.5)
    assert (result.fmr, result.fnmr, result.images) == (0.01, 0.05, (1, 1))
    assert result.condition == "as is"


def test_the_asked_rates_move_the_bounds() -> None:
    a, b = pair(0.56)
    assert verify_embeddings(a, b, CALIBRATION, fmr=0.01).same
    strict = verify_embeddings(a, b, CALIBRATION, fmr=0.001, fnmr=0.02)
    assert (strict.verdict, strict.threshold) == ("inconclusive", 0.57)
    assert strict.missed < verify_embeddings(a, b, CALIBRATION, fmr=0.001).missed == 0.5
    for rates in ({"fmr": 1e-6}, {"fnmr": 0.9}, {"fmr": True and 2}):
        with pytest.raises(OperatingPointError, match=next(iter(rates))):
            verify_embeddings(a, b, CALIBRATION, **rates)


def test_no_bound_lies_where_the_evidence_does_not_support_the_answer() -> None:
    # The likelihood ratio is 1 at 0.52, strangers reach 0.5 in 10 % of cases.
    apart = np.log(2) / 100
    for score, verdict in (
        (0.52 - apart - 1e-4, "different"),
        (0.52 - apart + 1e-4, "inconclusive"),
        (0.52, "inconclusive"),
        (0.52 + apart - 1e-4, "inconclusive"),
        (0.52 + apart + 1e-4, "same"),
    ):
        result = verify_embeddings(*pair(score), CALIBRATION, fmr=0.1, fnmr=0.5)
        assert result.missed == pytest.approx(0.52 - apart)
        assert result.threshold == pytest.approx(0.52 + apart)
        assert result.verdict == verdict
        assert ("no support" in result.words) == (verdict == "inconclusive")


def test_the_prior_moves_the_probability_and_nothing_else() -> None:
    a, b = pair(0.56)
    even, rare = (verify_embeddings(a, b, CALIBRATION, prior=p) for p in (0.5, 0.01))
    assert rare.probability < 0.5 < even.probability
    assert (rare.verdict, rare.likelihood_ratio) == (even.verdict, even.likelihood_ratio)
    assert rare.likelihood_ratio == pytest.approx(np.exp(100 * (0.56 - 0.52)), rel=1e-4)


def test_the_ratio_ends_where_the_data_do() -> None:
    assert verify_embeddings(*pair(1.0), CALIBRATION).likelihood_ratio == 500
    assert verify_embeddings(*pair(-1.0), CALIBRATION).likelihood_ratio == pytest.approx(0.02)


def test_one_lossy_side_selects_the_condition_of_lossy_images() -> None:
    a, b = pair(0.56)
    assert verify_embeddings(a, b, CALIBRATION, quality=(FINE, JPEG)).threshold == 0.59
    assert verify_embeddings(a, b, CALIBRATION, quality=(FINE, FINE)).threshold == 0.55


@pytest.mark.parametrize(
    ("unfit", "reason"), [(FLAT, "flat"), (TINY, "tiny"), (UNTYPICAL, "untypical")]
)
def test_nothing_is_said_of_images_without_a_fingerprint(unfit: object, reason: str) -> None:
    for score in (1.0, -1.0):
        result = verify_embeddings(*pair(score), CALIBRATION, quality=(FINE, unfit), prior=0.3)  # type: ignore[arg-type]
        assert (result.verdict, result.reasons) == ("inconclusive", (reason,))
        assert (result.likelihood_ratio, result.images_needed) == (1.0, None)
        assert result.probability == pytest.approx(0.3)
        assert "no support for either" in result.words


def test_more_images_that_settle_a_case_are_named() -> None:
    # Of two images a side true pairs score 0.04 more and strangers 0.02, of five 0.093 and 0.046.
    rising = calibration(rise=0.01)
    for score, fmr, needed in ((0.51, 0.1, 2), (0.53, 0.001, 5), (0.515, 0.001, None)):
        result = verify_embeddings(*pair(score), rising, fmr=fmr, fnmr=0.02)
        assert (result.verdict, result.images_needed) == ("inconclusive", needed)
    # Where true pairs rise no more than strangers, more images settle nothing.
    assert verify_embeddings(*pair(0.53), CALIBRATION).images_needed is None


def test_sets_are_compared_by_their_normalised_means() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((n, 2)).astype(np.float32) for n in (5, 7))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    mean_a, mean_b = a.astype(float).mean(0), b.astype(float).mean(0)
    expected = mean_a @ mean_b / np.linalg.norm(mean_a) / np.linalg.norm(mean_b)
    result = verify_embeddings(a, b, CALIBRATION)
    assert result.score == pytest.approx(expected, abs=1e-6)
    assert result.threshold == pytest.approx(0.55 + 0.01 * np.log2(25))  # of 5 against 5
    assert result.images == (5, 7)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_verification_is_symmetric(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, 2)), rng.standard_normal((m, 2))
    one, other = verify_embeddings(a, b, CALIBRATION), verify_embeddings(b, a, CALIBRATION)
    assert one.score == pytest.approx(other.score, abs=1e-6)
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
    score = verify_embeddings(*longer, calibration(size=5)).score
    assert score == pytest.approx((mean_cosine + square) / np.prod(lengths), abs=1e-5)


def test_windows_that_cancel_out_stay_zero_beside_a_constant() -> None:
    mean = image_embedding(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32), 2.0)
    np.testing.assert_array_equal(mean, [0, 0, 0])
    assert mean.dtype == np.float32


def test_to_dict_is_json() -> None:
    result = verify_embeddings(*pair(0.96), CALIBRATION, quality=(FINE, JPEG))
    data = json.loads(result.to_json())
    assert data == json.loads(json.dumps(result.to_dict()))
    assert data["verdict"] == "same"
    assert data["images"] == [1, 1]
    assert data["quality"][1]["jpeg_quality"] == 85
