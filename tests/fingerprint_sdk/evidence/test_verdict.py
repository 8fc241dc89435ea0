"""Verdict, probability and words all follow from the likelihood ratio, and cannot disagree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint_sdk as fp
from fingerprint_sdk.errors import OperatingPointError
from fingerprint_sdk.evidence.verdict import (
    LEAST,
    judge,
    probability,
    rounded,
    support,
    words,
)

ratios = st.floats(1e-6, 1e6)


@given(ratios, st.floats(0.001, 0.999))
def test_a_probability_is_bayes_theorem(ratio: float, prior: float) -> None:
    expected = ratio * prior / (ratio * prior + 1 - prior)
    assert probability(ratio, prior) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("prior", [0, 1, -0.1, math.nan, "half"])
def test_a_prior_that_is_none_is_refused(prior: object) -> None:
    with pytest.raises(OperatingPointError, match="prior"):
        probability(1.0, prior)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.0, "no support for either answer"),
        (1.99, "no support for either answer"),
        (2.0, "weak support for the same generator"),
        (1 / 9.9, "weak support for different generators"),
        (10.0, "moderate support for the same generator"),
        (1 / 99, "moderate support for different generators"),
        (100.0, "moderately strong support for the same generator"),
        (1_000.0, "strong support for the same generator"),
        (10_000.0, "very strong support for the same generator"),
    ],
)
def test_the_scale_of_support_is_enfsis(ratio: float, said: str) -> None:
    assert support(ratio) == said
    assert words(ratio).endswith(f": {said}.")


@pytest.mark.parametrize("ratio", [float("nan"), 0.0, -1.0, float("inf")])
def test_what_is_no_ratio_gets_no_words(ratio: float) -> None:
    with pytest.raises(ValueError, match="no likelihood ratio"):
        support(ratio)


def test_words_count_as_people_do() -> None:
    assert "about 3.1 times more probable if the images share" in words(3.14159)
    assert "about 140 times" in words(137)
    assert "about 1,400 times" in words(1370)
    assert "come from different generators than if they share" in words(1 / 37)


@given(st.floats(-1, 1), ratios, st.floats(-1, 1), st.floats(-1, 1))
def test_a_verdict_has_its_score_and_its_evidence(
    score: float, ratio: float, threshold: float, missed: float
) -> None:
    verdict = judge(score, ratio, threshold, missed)
    assert (verdict == "same") == (score >= threshold and ratio >= LEAST)
    assert (verdict == "different") == (score < missed and ratio <= 1 / LEAST)


@given(
    st.integers(0, 10_000),
    st.floats(-1.5, 1),
    st.sampled_from([0.2, 0.05, 0.01, 0.001]),
    st.sampled_from([0.01, 0.05, 0.5]),
)
@settings(deadline=None)  # the first example opens the model
def test_no_condition_of_the_shipped_model_lets_them_disagree(
    place: int, score: float, fmr: float, fnmr: float
) -> None:
    calibration = fp.load().calibration
    conditions = list(calibration.conditions.values())
    condition = conditions[place % len(conditions)]
    ratio = condition.likelihood_ratio(score)
    low, high = condition.bounds
    assert low <= ratio <= high
    assert condition.likelihood_ratio(score + 0.01) >= ratio
    missed, threshold = condition.limits(fmr, fnmr)
    assert missed < threshold
    # Exactly at its limits, too.
    for at in (score, threshold, np.nextafter(missed, -2)):
        ratio = condition.likelihood_ratio(at)
        verdict = judge(at, ratio, threshold, missed)
        assert (verdict == "same") == (at >= threshold)
        assert (verdict == "different") == (at < missed)
        if verdict == "same":
            assert probability(ratio, 0.5) > 0.5
            assert support(ratio).endswith("support for the same generator")
        if verdict == "different":
            assert probability(ratio, 0.5) < 0.5
            assert support(ratio).endswith("support for different generators")


@given(st.floats(1, 9_999_999))
def test_a_number_as_told_is_of_the_range_of_its_word(ratio: float) -> None:
    told = float(rounded(ratio).replace(",", ""))
    assert support(told) == support(ratio)
    assert told == pytest.approx(ratio, rel=0.11)
    assert rounded(told) == rounded(ratio)


def test_numbers_are_rounded_but_not_into_the_next_range() -> None:
    told = {1.96: "1.9", 9.94: "9.9", 9.96: "9.9", 99.6: "99", 998: "990", 9_960: "9,900",
            10: "10", 147: "150", 1_000: "1,000", 96_500: "96,000"}  # fmt: skip
    assert {ratio: rounded(ratio) for ratio in told} == told
