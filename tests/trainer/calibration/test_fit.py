"""Calibrating a model on synthetic models that it never saw."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.photographs import write_photographs

from fingerprint_sdk import Calibration, Extractor
from fingerprint_sdk.evidence.cohort import Cohort
from fingerprint_sdk.evidence.side import compare, side_of
from fingerprint_sdk.images.quality import counted_windows
from fingerprint_sdk.images.treatment import TREATMENTS
from trainer.calibration import CalibrationRecipe, CohortRecipe, fit_calibration
from trainer.calibration.conditions import CONDITIONS
from trainer.calibration.contents import contents, rendered
from trainer.images.photos import Photos, load_photos
from trainer.images.treatments import TREATMENTS as KINDS
from trainer.synthesis import (
    PoolEntry,
    SynthesisRecipe,
    load_model,
    paper288,
    read_pool,
    synthesize,
)

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = CalibrationRecipe(
    models=5,
    treated=3,
    images=4,
    side=144,
    collage=2,
    draws=2,
    sets=6,
    spread=1.0,
    evidence=1.0,
    constant=0.0,
    sides=(1, 2),
    windows=(1, 4),
    cohort=CohortRecipe(settings=2, together=2, more=(), side=144, nearest=3),
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    folder = write_photographs(tmp_path_factory.mktemp("calibration") / "photos", 5)
    return load_photos(folder, side=144)


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, PoolEntry]]:
    root = tmp_path_factory.mktemp("pools")
    recipe = SynthesisRecipe(steps=0, batch=2, side=16, solve_crops=2)
    chosen = (paper288(4)[2], paper288(4)[9], paper288(4)[30])
    synthesize(write_photographs(root / "photos", 5), root / "pool", chosen, (0, 1), recipe)
    return [(root / "pool", entry) for entry in read_pool(root / "pool")]


@pytest.fixture(scope="module")
def fitted(
    extractor: Extractor, pools: list[tuple[Path, PoolEntry]], photos: Photos
) -> tuple[dict[str, Any], Cohort]:
    """A real calibration of the tiny model on five synthetic models."""
    return fit_calibration(extractor.embed_windows, pools, photos, SMALL)


def test_every_combination_has_a_condition(fitted: tuple[dict[str, Any], Cohort]) -> None:
    document, _ = fitted
    keys = [
        (c["treatment"], c["windows"], c["images_a"], c["images_b"])
        for c in document["conditions"]
    ]
    assert keys == [
        (treatment, windows, *sides)
        for treatment in TREATMENTS
        for windows in (1, 4)
        for sides in ((1, 1), (1, 2), (2, 2))
    ]
    for condition in document["conditions"]:
        assert {float(rate) for rate in condition["thresholds"]} == set(SMALL.fmrs)
        assert {float(rate) for rate in condition["misses"]} == set(SMALL.fnmrs)
        # Every third would be two, of which there is one pair: three are treated at least.
        models = 5 if condition["treatment"] == "as is" else 3
        # No ratio is known better than by all the sources, or pairs of them, that there are.
        assert condition["bounds"] == pytest.approx(
            [1 / models, models * (models - 1) / 2], rel=1e-5
        )
    assert document["default_fmr"] == SMALL.default_fmr
    assert document["default_fnmr"] == SMALL.default_fnmr


def test_calibration_knows_every_treatment() -> None:
    assert tuple(CONDITIONS) == tuple(KINDS) == TREATMENTS


def test_the_strictest_kind_of_a_treatment_counts(
    extractor: Extractor,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two kinds of "lossy" together have the stricter threshold of the two, and the lower miss."""

    def fit(*kinds: str) -> dict[str, Any]:
        chosen = {t: ({**k} if t != "lossy" else {n: k[n] for n in kinds}) for t, k in known}
        monkeypatch.setattr("trainer.calibration.fit.CONDITIONS", chosen)
        document, _ = fit_calibration(extractor.embed_windows, pools, photos, few)
        (found,) = (c for c in document["conditions"] if c["treatment"] == "lossy")
        return found

    known = [("as is", CONDITIONS["as is"]), ("lossy", CONDITIONS["lossy"])]
    few = replace(SMALL, sides=(1,), windows=(4,))
    together = fit("jpeg 95", "jpeg 90")
    apart = [fit("jpeg 95"), fit("jpeg 90")]
    for rate in ("0.2", "0.1"):
        strictest = max(one["thresholds"][rate] for one in apart)
        assert together["thresholds"][rate] == pytest.approx(strictest, abs=2e-3)
    lowest = min(one["misses"]["0.5"] for one in apart)
    assert together["misses"]["0.5"] == pytest.approx(lowest, abs=2e-3)


def test_a_share_of_the_evidence_counts(
    extractor: Extractor,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the logarithm of a likelihood ratio, so that it stays even at the same score."""
    monkeypatch.setattr("trainer.calibration.fit.CONDITIONS", {"as is": CONDITIONS["as is"]})
    few = replace(SMALL, sides=(1,), windows=(4,))
    whole, half = (
        fit_calibration(extractor.embed_windows, pools, photos, replace(few, evidence=share))[0]
        for share in (1.0, 0.5)
    )
    for one, other in zip(whole["conditions"], half["conditions"], strict=True):
        assert other["logistic"] == pytest.approx(
            [value / 2 for value in one["logistic"]], rel=1e-5
        )
        assert other["thresholds"] == one["thresholds"]
        assert other["bounds"] == one["bounds"]


def test_rates_are_realised_on_the_models_they_come_from(
    fitted: tuple[dict[str, Any], Cohort],
    extractor: Extractor,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
) -> None:
    """All pairs of single images as they are, judged as the SDK does."""
    document, cohort = fitted
    calibration = Calibration.from_json(json.dumps(document), cohort)
    made_of = contents(photos, SMALL)
    sides = []
    for pool, entry in pools:
        each = [
            extractor.embed_windows(counted_windows(image, budget=16)).mean(0)
            for image in rendered(load_model(pool, entry), made_of)
        ]
        rows = np.array(each) / np.linalg.norm(each, axis=1, keepdims=True)
        sides.append([side_of(row[None], (), calibration) for row in rows])
    impostor = [
        compare(sides[a][i], sides[b][j], calibration)[0]
        for a in range(6)
        for b in range(6)
        for i in range(4)
        for j in range(4)
        if a != b and i != j
    ]
    condition = calibration.condition(1, 1)
    # The calibration has five of the six models, and four windows of each image, drawn.
    assert np.mean(np.array(impostor) >= condition.threshold(0.2)) == pytest.approx(0.2, abs=0.12)


def test_the_sdk_takes_a_fitted_calibration(fitted: tuple[dict[str, Any], Cohort]) -> None:
    document, cohort = fitted
    calibration = Calibration.from_json(json.dumps(document), cohort)
    assert calibration.images == SMALL.sides
    assert calibration.windows == SMALL.windows
    for condition in calibration.conditions.values():
        rising = np.geomspace(*condition.fmr_range, 30)
        values = [condition.threshold(float(fmr)) for fmr in rising]
        assert values == sorted(values, reverse=True)
        assert condition.likelihood_ratio(-1) < 1 < condition.likelihood_ratio(1)


def test_it_is_the_same_each_time(
    fitted: tuple[dict[str, Any], Cohort],
    extractor: Extractor,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
) -> None:
    document, cohort = fitted
    again, same = fit_calibration(extractor.embed_windows, pools, photos, SMALL)
    assert again == document
    np.testing.assert_array_equal(same.embeddings, cohort.embeddings)


def test_calibration_needs_three_models(
    pools: list[tuple[Path, PoolEntry]], photos: Photos, extractor: Extractor
) -> None:
    with pytest.raises(ValueError, match="at least 3 held-out"):
        fit_calibration(extractor.embed_windows, pools[:2], photos, SMALL)
