"""Thresholds: looked up, interpolated, and refused outside what was measured."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_model import TINY_CALIBRATION

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.errors import ModelError, OperatingPointError


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return Calibration.from_json(json.dumps(TINY_CALIBRATION))


@pytest.mark.parametrize(
    ("images_a", "images_b", "expected"),
    [
        (1, 1, (1, 1)),
        (1, 9, (1, 1)),
        (1, 10, (1, 10)),
        (10, 1, (1, 10)),
        (1, 500, (1, 10)),
        (4, 10, (1, 10)),
        (5, 5, (5, 5)),
        (5, 10, (5, 5)),
        (100, 100, (5, 5)),
    ],
)
def test_the_largest_condition_not_exceeding_the_counts_is_taken(
    calibration: Calibration, images_a: int, images_b: int, expected: tuple[int, int]
) -> None:
    for recompressed in (False, True):
        found = calibration.condition(images_a, images_b, recompressed=recompressed)
        assert (found.images_a, found.images_b) == expected
        assert found.recompressed is recompressed


def test_the_other_recompressed_flag_serves_where_one_is_missing() -> None:
    data = copy.deepcopy(TINY_CALIBRATION)
    data["conditions"] = [c for c in data["conditions"] if not c["recompressed"]]
    found = Calibration.from_json(json.dumps(data)).condition(1, 1, recompressed=True)
    assert not found.recompressed


def test_no_images_have_no_condition(calibration: Calibration) -> None:
    with pytest.raises(OperatingPointError, match="3 against 0"):
        calibration.condition(3, 0, recompressed=False)


def test_tabulated_thresholds_are_exact(calibration: Calibration) -> None:
    condition = calibration.condition(1, 1, recompressed=False)
    for fmr, threshold in TINY_CALIBRATION["conditions"][0]["thresholds"].items():
        assert condition.threshold(float(fmr)) == threshold


def test_between_them_the_threshold_is_linear_in_log_fmr(calibration: Calibration) -> None:
    condition = calibration.condition(1, 1, recompressed=False)
    assert condition.threshold(math.sqrt(0.01 * 0.001)) == pytest.approx((0.95 + 0.97) / 2)
    assert condition.threshold(0.02) == pytest.approx(
        0.95 + (0.93 - 0.95) * math.log(2) / math.log(5)
    )


@given(st.floats(0.001, 0.1), st.floats(0.001, 0.1))
def test_a_lower_fmr_never_has_a_lower_threshold(a: float, b: float) -> None:
    condition = Calibration.from_json(json.dumps(TINY_CALIBRATION)).conditions[0]
    low, high = sorted((a, b))
    assert condition.threshold(low) >= condition.threshold(high)
    below, above = condition.uncertain_band(low)
    assert below <= condition.threshold(low) <= above


@pytest.mark.parametrize("fmr", [0.0009, 0.11, 0, 1, -1, math.nan, math.inf, "0.01", None])
def test_outside_the_table_is_an_error_that_names_the_range(
    calibration: Calibration, fmr: Any
) -> None:
    with pytest.raises(OperatingPointError, match=r"0\.001 to 0\.1"):
        calibration.condition(1, 1, recompressed=False).threshold(fmr)


def test_the_uncertain_band_runs_from_double_to_half_the_fmr(calibration: Calibration) -> None:
    condition = calibration.condition(1, 1, recompressed=False)
    assert condition.uncertain_band(0.01) == (
        condition.threshold(0.02),
        condition.threshold(0.005),
    )
    assert condition.uncertain_band(0.1) == (0.90, condition.threshold(0.05))
    assert condition.uncertain_band(0.001) == (condition.threshold(0.002), 0.97)


def test_probability_is_the_logistic_and_never_overflows(calibration: Calibration) -> None:
    condition = calibration.condition(1, 1, recompressed=False)
    assert condition.probability(0.94) == pytest.approx(0.5)
    assert condition.probability(0.95) == pytest.approx(1 / (1 + math.exp(-0.8)))
    steep = copy.deepcopy(TINY_CALIBRATION)
    steep["conditions"][0]["logistic"] = [1e6, 0.0]
    condition = Calibration.from_json(json.dumps(steep)).conditions[0]
    assert condition.probability(-1) == 0
    assert condition.probability(1) == 1


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
        changed(["default_fmr"], KeyError),
        changed(["default_fmr"], "0.01"),
        changed(["default_fmr"], 0.5),
        changed(["conditions"], KeyError),
        changed(["conditions"], []),
        changed(["conditions"], {}),
        changed(["conditions", 0], None),
        changed(["conditions", 1], TINY_CALIBRATION["conditions"][0]),
        changed([*first, "images_a"], 2),
        changed([*first, "images_a"], 0),
        changed([*first, "images_a"], 1.0),
        changed([*first, "images_b"], True),
        changed([*first, "recompressed"], 0),
        changed([*first, "thresholds"], {}),
        changed([*first, "thresholds"], [0.1]),
        changed([*first, "thresholds", "0.01"], 0.99),
        changed([*first, "thresholds", "0.01"], math.nan),
        changed([*first, "thresholds", "0.01"], "0.95"),
        changed([*first, "thresholds", "0.1"], -1.5),
        changed([*first, "thresholds", "many"], 0.9),
        changed([*first, "thresholds", "nan"], 0.9),
        changed([*first, "thresholds", "2"], 0.8),
        changed([*first, "thresholds", "0.10"], 0.9),
        changed([*first, "logistic"], [1.0]),
        changed([*first, "logistic"], [-1.0, 0.0]),
        changed([*first, "logistic"], [1.0, math.inf]),
        changed([*first, "logistic"], KeyError),
        [],
        None,
    ],
)
def test_an_invalid_calibration_is_a_model_error(data: Any) -> None:
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_text_that_is_not_json_is_a_model_error(text: str) -> None:
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_json(text)
