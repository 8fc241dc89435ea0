"""Calibrating a model: thresholds, probabilities, and the pairs they come from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photographs import write_photographs

from fingerprint_sdk import Calibration
from trainer.calibration import (
    CalibrationRecipe,
    _contents,
    fit_calibration,
    logistic,
    pair_scores,
    thresholds,
)
from trainer.images.photos import Photos, load_photos
from trainer.synthesis import SynthesisRecipe, paper288, read_pool, synthesize

FMRS = CalibrationRecipe().fmrs

pytestmark = pytest.mark.usefixtures("one_thread")


scores = st.lists(st.floats(-1, 0.999), min_size=1, max_size=300)


@given(scores)
@settings(deadline=None)
def test_thresholds_realise_no_more_than_the_nominal_rate(impostor: list[float]) -> None:
    values = np.array(impostor)
    table = thresholds(values, FMRS)
    assert set(table) == {str(fmr) for fmr in FMRS}
    for fmr, threshold in ((float(key), value) for key, value in table.items()):
        assert np.mean(values >= threshold) <= fmr
        # It is the smallest such number: a step down, and some score is accepted too much.
        below = np.nextafter(threshold, -np.inf)
        assert np.mean(values >= below) > fmr
    falling = [table[str(fmr)] for fmr in sorted(FMRS)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_the_order_statistics_of_a_brute_force_search(dtype: type) -> None:
    values = np.random.default_rng(0).normal(0.2, 0.2, 5000).clip(-1, 1).astype(dtype)
    values[:40] = values[40]  # ties
    for key, threshold in thresholds(values, FMRS).items():
        allowed = [s for s in np.unique(values) if (values > s).mean() <= float(key)]
        assert threshold == pytest.approx(float(min(allowed)), abs=1e-6)
        assert (values >= threshold).mean() <= float(key)


def test_the_logistic_is_calibrated_at_even_prior() -> None:
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(0.7, 0.1, 4000), rng.normal(0.3, 0.1, 4000)
    slope, intercept = logistic(genuine, impostor)
    # Two normal densities of one deviation: log odds = (difference / variance)(s - midpoint).
    assert slope == pytest.approx(0.4 / 0.01, rel=0.15)
    assert -intercept / slope == pytest.approx(0.5, abs=0.01)


def test_pairs_share_no_image_and_average_their_sides() -> None:
    """Embeddings that name model and image, so that each score tells which pair it came from."""
    embeddings = np.eye(12).reshape(3, 4, 12)  # every image its own axis
    rng = np.random.default_rng(0)
    genuine, impostor = pair_scores(embeddings, 2, 2, 500, rng)
    np.testing.assert_array_equal(genuine, 0)  # an image against itself would score above 0
    np.testing.assert_array_equal(impostor, 0)
    by_model = np.repeat(np.eye(3)[:, None], 4, axis=1)
    genuine, impostor = pair_scores(by_model, 1, 3, 500, rng)
    np.testing.assert_allclose(genuine, 1)
    np.testing.assert_allclose(impostor, 0, atol=1e-12)


def test_impostors_are_drawn_from_the_models_most_alike() -> None:
    """Models on a circle, ever further apart: the nearest of each is known."""
    angles = np.array([0.0, 0.1, 0.5, 0.7, 2.0])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None].repeat(2, axis=1)
    nearest = {0: 0.1, 1: 0.1, 2: 0.2, 3: 0.2, 4: 1.3}
    rng = np.random.default_rng(0)
    _, impostor = pair_scores(embeddings, 1, 1, 500, rng, 0.25)  # a quarter of four models
    assert {round(float(x), 6) for x in impostor} == {
        round(float(np.cos(x)), 6) for x in nearest.values()
    }
    _, every = pair_scores(embeddings, 1, 1, 2000, rng)
    apart = {round(float(np.cos(a - b)), 6) for a in angles for b in angles if a != b}
    assert {round(float(x), 6) for x in every} == apart


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A real calibration on four synthetic models, and the window batches that it embedded."""
    root = tmp_path_factory.mktemp("calibration")
    photos = write_photographs(root / "photos", 5)
    chosen = (paper288(4)[2], paper288(4)[9])
    recipe = SynthesisRecipe(steps=2, batch=2, side=16, solve_crops=2)
    synthesize(photos, root / "pool", chosen, (0, 1), recipe)
    seen: list[np.ndarray] = []

    def embed(windows: np.ndarray) -> np.ndarray:
        """An axis for each model in turn, and noise: an extractor that is right on average."""
        z = np.random.default_rng(len(seen)).normal(0, 0.3, (len(windows), 3))
        z[:, len(seen) // 4] += 1  # each model is seen four times: clean, then as JPEG
        seen.append(windows)
        return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)

    pools = [(root / "pool", entry) for entry in read_pool(root / "pool")]
    small = CalibrationRecipe(models=3, images=6, side=144, collage=4, pairs=2000)
    return fit_calibration(embed, pools, load_photos(photos, side=144), small), seen


def test_a_calibration_covers_every_condition_that_its_images_allow(
    fitted: tuple[dict[str, Any], list[np.ndarray]],
) -> None:
    document, seen = fitted
    keys = [(c["images_a"], c["images_b"], c["recompressed"]) for c in document["conditions"]]
    sides = [(a, b) for a, b in CalibrationRecipe().sides if a + b <= 6]
    assert keys == [(a, b, flag) for flag in (False, True) for a, b in sides]
    assert len(seen) == 4 * 3  # three models, clean and at three JPEG qualities
    for i, batch in enumerate(seen):  # 144 px, or as JPEG 576 px, which five windows cover
        assert batch.shape == (6 * (25 if i % 4 else 9), 3, 128, 128)
        assert batch.dtype == np.uint8
    assert (seen[1] != seen[2]).any()
    assert document["default_fmr"] == CalibrationRecipe().default_fmr


def test_a_collage_is_whole_photographs_side_by_side() -> None:
    flat = tuple(np.full((20, 20, 3), grey, np.uint8) for grey in range(0, 250, 10))
    photos = Photos(flat, tuple(map(str, range(len(flat)))), 20)
    images = _contents(photos, CalibrationRecipe(images=5, side=16), 3)
    assert images.shape == (5, 3, 48, 48)
    tiles = images[:, :, ::16, ::16]
    np.testing.assert_array_equal(images, tiles.repeat(16, axis=2).repeat(16, axis=3))
    assert len(np.unique(tiles)) > 10


def test_the_sdk_takes_a_fitted_calibration(
    fitted: tuple[dict[str, Any], list[np.ndarray]],
) -> None:
    document, _ = fitted
    calibration = Calibration.from_json(json.dumps(document))
    for condition in calibration.conditions:
        rising = np.geomspace(*condition.fmr_range, 30)
        values = [condition.threshold(float(fmr)) for fmr in rising]
        assert values == sorted(values, reverse=True)
        assert all(math.isfinite(value) for value in values)
        assert 0 <= condition.probability(-1) < condition.probability(1) <= 1
    assert calibration.condition(9, 1, recompressed=False).images_b == 5


def test_calibration_needs_two_models(tmp_path: Path) -> None:
    photos = load_photos(write_photographs(tmp_path, 1))
    with pytest.raises(ValueError, match="two held-out"):
        fit_calibration(lambda x: x, [], photos, CalibrationRecipe())
