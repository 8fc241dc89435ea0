"""Conditions: looked up, blended between what was calibrated, refused outside of it."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_model import TINY_CALIBRATION, TINY_EMBEDDING_SIZE, TINY_IMAGES

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.errors import ModelError, OperatingPointError
from fingerprint_sdk.evidence.cohort import no_cohort
from fingerprint_sdk.images.treatment import TREATMENTS

RATES = st.floats(0.001, 0.1)
COUNTS = st.integers(1, 40)


def read(data: Any) -> Calibration:
    return Calibration.from_json(json.dumps(data), no_cohort(TINY_EMBEDDING_SIZE))


CALIBRATION = read(TINY_CALIBRATION)


def entry(**place: Any) -> dict[str, Any]:
    """The condition of the document at a place."""
    (found,) = (c for c in TINY_CALIBRATION["conditions"] if place.items() <= c.items())
    return dict(found)


# which condition


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(("images_a", "images_b"), [(1, 1), (1, 10), (10, 1), (2, 5), (10, 10)])
def test_what_was_calibrated_is_taken_as_it_is(
    treatment: str, images_a: int, images_b: int
) -> None:
    few, many = sorted((images_a, images_b))
    told = entry(treatment=treatment, windows=4, images_a=few, images_b=many)
    found = CALIBRATION.condition(images_a, images_b, treatment=treatment)
    assert (found.treatment, found.windows) == (treatment, 4)
    assert (found.images_a, found.images_b) == (few, many)
    for rate, score in told["thresholds"].items():
        assert found.threshold(float(rate)) == pytest.approx(score, abs=1e-12)
    for rate, score in told["misses"].items():
        assert found.missed(float(rate)) == pytest.approx(score, abs=1e-12)
    assert [found.slope, found.intercept] == pytest.approx(told["logistic"])
    assert list(found.bounds) == pytest.approx(told["bounds"])


def test_between_numbers_of_images_all_is_linear_in_their_logarithm() -> None:
    weight = math.log(3 / 2) / math.log(5 / 2)  # of five images, for three
    low, high = (CALIBRATION.condition(1, images) for images in (2, 5))
    found = CALIBRATION.condition(3, 1)
    for rate in (0.001, 0.02, 0.1):
        between = (1 - weight) * low.threshold(rate) + weight * high.threshold(rate)
        assert found.threshold(rate) == pytest.approx(between, abs=1e-12)
    between = (1 - weight) * low.missed(0.05) + weight * high.missed(0.05)
    assert found.missed(0.05) == pytest.approx(between, abs=1e-12)
    assert (found.images_a, found.images_b) == (1, 3)


def test_both_sides_are_blended() -> None:
    """Three against seven lies between four conditions, of 2 or 5 against 5 or 10."""
    a = math.log(3 / 2) / math.log(5 / 2)
    b = math.log(7 / 5) / math.log(10 / 5)
    corners = {
        (2, 5): (1 - a) * (1 - b),
        (2, 10): (1 - a) * b,
        (5, 5): a * (1 - b),
        (5, 10): a * b,
    }
    expected = sum(w * CALIBRATION.condition(*key).threshold(0.01) for key, w in corners.items())
    assert CALIBRATION.condition(7, 3).threshold(0.01) == pytest.approx(expected, abs=1e-12)


def test_beyond_the_most_images_the_condition_stays() -> None:
    most = CALIBRATION.condition(10, 10)
    for images in ((11, 10), (10, 500), (3000, 3000)):
        found = CALIBRATION.condition(*images)
        assert found.thresholds == most.thresholds
        assert found.misses == most.misses


@pytest.mark.parametrize(
    ("windows", "counted"), [(None, 4), (1, 1), (3, 1), (4, 4), (9, 4), (64, 4), (0, 1)]
)
def test_of_windows_no_more_count_than_there_are(windows: int | None, counted: int) -> None:
    assert CALIBRATION.condition(1, 1, windows=windows).windows == counted


@given(st.sampled_from(TREATMENTS), COUNTS, COUNTS, COUNTS, st.floats(0.01, 0.1))
def test_more_images_never_have_a_looser_threshold_here(
    treatment: str, images_a: int, images_b: int, more: int, rate: float
) -> None:
    """The tiny model's thresholds rise with the images, so what lies between must too."""
    few = CALIBRATION.condition(images_a, images_b, treatment=treatment)
    many = CALIBRATION.condition(images_a + more, images_b + more, treatment=treatment)
    assert many.threshold(rate) >= few.threshold(rate) - 1e-12
    assert many.missed(rate) >= few.missed(rate) - 1e-12


@given(COUNTS, COUNTS, st.sampled_from(TREATMENTS))
def test_the_order_of_the_sides_does_not_matter(a: int, b: int, treatment: str) -> None:
    one, other = (CALIBRATION.condition(*s, treatment=treatment) for s in ((a, b), (b, a)))
    assert one == other


def test_what_is_not_a_comparison_is_refused() -> None:
    with pytest.raises(OperatingPointError, match="3 against 0"):
        CALIBRATION.condition(3, 0)
    with pytest.raises(ValueError, match="treatment must be one of"):
        CALIBRATION.condition(1, 1, treatment="blurred")


def test_the_grid_is_told() -> None:
    assert CALIBRATION.images == TINY_IMAGES
    assert CALIBRATION.windows == (1, 4)
    assert CALIBRATION.fmr_range == (0.001, 0.1)
    assert CALIBRATION.condition(1, 1).fmr_range == (0.001, 0.1)
    assert CALIBRATION.condition(1, 1).fnmr_range == (0.01, 0.5)


# rates


def test_between_rates_scores_are_linear_in_their_logarithm() -> None:
    condition = CALIBRATION.condition(1, 1)
    assert condition.threshold(math.sqrt(0.01 * 0.001)) == pytest.approx((0.95 + 0.97) / 2)
    assert condition.threshold(0.02) == pytest.approx(
        0.95 + (0.93 - 0.95) * math.log(2) / math.log(5)
    )
    assert condition.missed(math.sqrt(0.05 * 0.1)) == pytest.approx((0.85 + 0.90) / 2)


@given(RATES, RATES)
def test_a_stricter_rate_never_has_a_looser_score(a: float, b: float) -> None:
    condition = CALIBRATION.condition(1, 1)
    low, high = sorted((a, b))
    assert condition.threshold(low) >= condition.threshold(high)
    assert condition.missed(max(low, 0.01)) <= condition.missed(max(high, 0.01))


@pytest.mark.parametrize("rate", [0.0009, 0.51, 0, 1, -1, math.nan, math.inf, "0.01", None])
def test_outside_the_table_is_an_error_that_names_the_range(rate: Any) -> None:
    condition = CALIBRATION.condition(1, 1)
    with pytest.raises(OperatingPointError, match=r"fmr=.*0\.001 to 0\.1"):
        condition.threshold(rate)
    with pytest.raises(OperatingPointError, match=r"fnmr=.*0\.01 to 0\.5"):
        condition.missed(rate)


def test_rates_are_checked_together() -> None:
    assert CALIBRATION.check(None) == (0.01, 0.05)
    assert CALIBRATION.check(0.02, None) == (0.02, 0.05)
    assert CALIBRATION.check(None, 0.2) == (0.01, 0.2)
    with pytest.raises(OperatingPointError, match="fmr="):
        CALIBRATION.check(0.5)
    with pytest.raises(OperatingPointError, match="fnmr="):
        CALIBRATION.check(None, 0.9)


# likelihood ratios


def test_the_likelihood_ratio_is_the_logistic_within_its_bounds() -> None:
    condition = CALIBRATION.condition(1, 1)
    assert condition.likelihood_ratio(0.89) == pytest.approx(1)
    assert condition.likelihood_ratio(0.92) == pytest.approx(math.exp(1.8))
    assert condition.likelihood_ratio(1.0) == pytest.approx(100)
    assert condition.likelihood_ratio(-1.0) == pytest.approx(0.02)


@given(
    st.sampled_from(TREATMENTS), COUNTS, COUNTS, st.floats(-3, 1), st.floats(-3, 1), st.integers(1)
)
def test_a_higher_score_is_never_weaker_evidence(
    treatment: str, images_a: int, images_b: int, a: float, b: float, windows: int
) -> None:
    condition = CALIBRATION.condition(images_a, images_b, treatment=treatment, windows=windows)
    low, high = sorted((a, b))
    assert condition.likelihood_ratio(low) <= condition.likelihood_ratio(high)
    least, most = condition.bounds
    assert least * (1 - 1e-9) <= condition.likelihood_ratio(low) <= most * (1 + 1e-9)


def test_no_slope_overflows() -> None:
    steep = Condition("as is", 1, 1, 1, ((0.1, 0.5),), ((0.1, 0.5),), 1e6, 0.0, (1e-3, 1e3))
    assert steep.likelihood_ratio(1.0) == pytest.approx(1e3)
    assert steep.likelihood_ratio(-1.0) == pytest.approx(1e-3)


# documents


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(TINY_CALIBRATION)
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


first = ["conditions", 0]


@pytest.mark.parametrize(
    "data",
    [
        changed(["format"], KeyError),
        changed(["format"], 1),
        changed(["default_fmr"], KeyError),
        changed(["default_fmr"], "0.01"),
        changed(["default_fmr"], 0.5),
        changed(["default_fnmr"], KeyError),
        changed(["default_fnmr"], 0.6),
        changed(["conditions"], KeyError),
        changed(["conditions"], []),
        changed(["conditions"], {}),
        changed(["conditions", 0], None),
        changed(["conditions", 0], KeyError),  # a hole in the grid
        changed(["conditions", 1], TINY_CALIBRATION["conditions"][0]),
        changed([*first, "treatment"], "none"),
        changed([*first, "windows"], 2),
        changed([*first, "windows"], 0),
        changed([*first, "windows"], True),
        changed([*first, "images_a"], 2),
        changed([*first, "images_a"], 0),
        changed([*first, "images_a"], 1.0),
        changed([*first, "images_b"], True),
        changed([*first, "thresholds"], {}),
        changed([*first, "thresholds"], [0.1]),
        changed([*first, "thresholds", "0.01"], 0.99),
        changed([*first, "thresholds", "0.01"], KeyError),  # other rates than the others
        changed([*first, "thresholds", "0.01"], math.nan),
        changed([*first, "thresholds", "0.01"], "0.95"),
        changed([*first, "thresholds", "0.1"], 1.5),
        changed([*first, "thresholds", "many"], 0.9),
        changed([*first, "thresholds", "nan"], 0.9),
        changed([*first, "thresholds", "2"], 0.8),
        changed([*first, "thresholds", "0.10"], 0.9),
        changed([*first, "misses"], KeyError),
        changed([*first, "misses", "0.05"], 0.99),
        changed([*first, "misses", "0.05"], 0.6),
        changed([*first, "logistic"], [1.0]),
        changed([*first, "logistic"], [-1.0, 0.0]),
        changed([*first, "logistic"], [1.0, math.inf]),
        changed([*first, "logistic"], KeyError),
        changed([*first, "bounds"], KeyError),
        changed([*first, "bounds"], [0.0, 10.0]),
        changed([*first, "bounds"], [0.1, 0.9]),
        changed([*first, "bounds"], [2.0, 10.0]),
        changed([*first, "bounds"], [0.1, math.inf]),
        [],
        None,
    ],
)
def test_an_invalid_calibration_is_a_model_error(data: Any) -> None:
    with pytest.raises(ModelError, match=r"calibration is not valid .* export the model again"):
        read(data)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_text_that_is_not_json_is_a_model_error(text: str) -> None:
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_json(text, no_cohort(TINY_EMBEDDING_SIZE))


def test_a_calibration_of_the_first_format_asks_for_another_export() -> None:
    old = {
        "default_fmr": 0.01,
        "conditions": [
            {
                "images_a": 1,
                "images_b": 1,
                "recompressed": False,
                "thresholds": {"0.01": 0.9},
                "logistic": [80.0, -70.0],
            }
        ],
    }
    with pytest.raises(ModelError, match=r"'format' is missing.*export the model again"):
        read(old)
