"""Sentences of results: verdict, marks, number and words must agree, whatever was compared."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calibrations import FINE, FLAT, GREY, JPEG, UNTYPICAL, calibration

import fingerprint_sdk as fp
from fingerprint_sdk.explanation.sentences import (
    CONDITIONS,
    answer,
    belief,
    chance,
    condition,
    kind,
    marks,
    one_in,
    presumed,
    rates,
    settled_by,
    spelled,
    why,
)
from fingerprint_sdk.images.treatment import TREATMENTS
from fingerprint_sdk.verification import verify_embeddings

CALIBRATION = calibration()
ANSWERS = {
    "same": "Same generator",
    "different": "Different generators",
    "inconclusive": "Inconclusive",
}


def side(angle: float, images: int) -> np.ndarray:
    """Embeddings of different pictures about one direction, shape (images, 2)."""
    angles = angle + 1e-3 * (np.arange(images) - (images - 1) / 2)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def compare(score: float, quality: fp.Quality = FINE, images: int = 1, **rates: float):
    """A pair of that cosine, one image against some."""
    return verify_embeddings(
        side(0.0, 1),
        side(float(np.arccos(score)), images),
        CALIBRATION,
        quality=(FINE, *[replace(quality, digest=str(i)) for i in range(images)]),
        **rates,
    )


def check(result: fp.Verification | fp.Identification) -> None:
    """Nothing said or drawn of a result contradicts its verdict."""
    lower, upper = marks(result)
    verdict = kind(result)
    if lower is not None and upper is not None:
        assert lower <= upper
    if lower is not None:
        assert (result.score < lower) == (verdict == "different")
    if upper is not None:
        assert (result.score >= upper) == (verdict == "same")
    if verdict == "same":
        assert result.probability > result.prior
    if verdict == "different":
        assert result.probability < result.prior
    assert result.words in belief(result)
    assert f"{chance(result.probability)}." in belief(result)
    assert bool(settled_by(result)) == (verdict == "inconclusive")
    assert bool(presumed(result)) == (verdict == "different")


@given(
    score=st.floats(-1, 1),
    quality=st.sampled_from([FINE, JPEG, GREY]),
    images=st.sampled_from([1, 2, 3, 5, 9]),
    fmr=st.sampled_from([0.1, 0.05, 0.01, 0.001]),
    fnmr=st.sampled_from([0.02, 0.05, 0.1, 0.5]),
    prior=st.sampled_from([0.01, 0.5, 0.9]),
)
def test_marks_number_and_words_agree_with_the_verdict(
    score: float, quality: fp.Quality, images: int, fmr: float, fnmr: float, prior: float
) -> None:
    result = compare(score, quality, images, fmr=fmr, fnmr=fnmr, prior=prior)
    check(result)
    assert answer(result) == ANSWERS[result.verdict]
    # The score is told with the digits that show on which side of the marks it lies.
    told = [float(number) for number in re.findall(r"-?\d\.\d+", why(result))]
    if result.verdict == "same":
        assert told[0] >= told[1]
    elif result.verdict == "different":
        assert told[0] < told[1]
    elif len(told) == 3:
        assert told[1] <= told[0] <= told[2]


def test_each_verdict_says_why() -> None:
    assert why(compare(0.6)) == "The score 0.600 reaches the threshold 0.550."
    assert why(compare(0.4)) == "The score 0.400 stays below 0.500."
    assert why(compare(0.52)).endswith("lies between two: different below 0.500, same from 0.550.")
    # No mark lies where the evidence does not support the answer, so the two never cross.
    apart = math.log(2) / 100
    expected = pytest.approx((0.52 - apart, 0.52 + apart))
    assert marks(compare(0.55, fmr=0.1, fnmr=0.5)) == expected


@pytest.mark.parametrize(
    ("quality", "words"), [(FLAT, "no fingerprint"), (UNTYPICAL, "no error rate holds")]
)
@pytest.mark.parametrize("score", [-1.0, 1.0])
def test_where_nothing_can_be_said_no_number_is_told(
    quality: fp.Quality, words: str, score: float
) -> None:
    result = compare(score, quality)
    assert (answer(result), marks(result)) == ("Inconclusive", (None, None))
    assert words in why(result)
    assert belief(result) == ""
    assert not re.search(r"\d", why(result) + settled_by(result))


def test_an_inconclusive_answer_says_what_would_settle_it() -> None:
    rising = calibration(rise=0.01)
    needed = verify_embeddings(side(0.0, 1), side(float(np.arccos(0.51)), 1), rising, fmr=0.1)
    assert needed.images_needed == 2
    assert settled_by(needed).startswith("With 2 images on each side, sides as alike")
    never = compare(0.52, fmr=0.001)
    assert never.images_needed is None
    assert "hardly settle it" in settled_by(never)


def test_the_rates_and_the_condition_are_told() -> None:
    result = compare(0.6, JPEG, 2, fmr=0.001, fnmr=0.1)
    assert "1 in 1,000 would be called the same" in rates(result)
    assert "1 in 10 would be called different" in rates(result)
    assert condition(result) == "Judged as coarsely compressed images, 1 against 2."
    twice = verify_embeddings(
        side(0, 1), side(0, 1).repeat(2, 0), CALIBRATION, quality=(FINE,) * 3
    )
    assert condition(twice).startswith("Judged as unprocessed images, 1 against 1. 1 of 3 images")
    copied = replace(result, copy="jpeg 85 4:2:0")
    assert condition(copied).endswith("was compared as jpeg 85 4:2:0.")
    assert CONDITIONS.keys() == set(TREATMENTS)


@given(
    cosine=st.floats(-1, 1), fpir=st.sampled_from([0.1, 0.01, 0.001]), entries=st.integers(1, 6)
)
def test_identifications_agree_with_their_verdict(
    extractor: fp.Extractor, cosine: float, fpir: float, entries: int
) -> None:
    rows = np.eye(extractor.embedding_size, dtype=np.float32)
    known = fp.Gallery(extractor)
    for place in range(entries):
        known.enroll(f"entry {place}", rows[place])
    probe = cosine * rows[0] + np.sqrt(1 - cosine**2) * rows[-1]
    result = extractor.identify(probe.astype(np.float32), known, fpir=fpir)
    check(result)
    assert result.nearest in why(result)
    expected = {
        "named": result.best,
        "none": "None of these",
        "inconclusive": f"Inconclusive, nearest {result.nearest}",
    }
    assert answer(result) == expected[result.verdict]
    assert f"{one_in(fpir)} would be named" in rates(result)


def test_numbers_are_told_as_people_say_them() -> None:
    assert [one_in(rate) for rate in (0.01, 0.0001, 0.15)] == ["1 in 100", "1 in 10,000", "15 %"]
    assert [chance(p) for p in (0.0, 0.25, 0.99999)] == ["below 0.1 %", "25 %", "above 99.9 %"]
    assert spelled(0.5, 0.25) == ["0.500", "0.250"]
    assert spelled(0.64321, 0.64324) == ["0.64321", "0.64324"]
    assert spelled(0.5, 0.5) == ["0.500", "0.500"]
