"""Scores of pairs of image sets, and the thresholds and ratios that are read from them."""

from __future__ import annotations

import json
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calibrations import one_kind
from support.embeddings import unit
from support.tiny_model import TINY_CALIBRATION

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort, no_cohort, stored
from fingerprint_sdk.evidence.side import compare, side_of
from trainer.calibration import CalibrationRecipe
from trainer.calibration.scores import Sets, logistic, misses, pair_scores, thresholds

FMRS, FNMRS = CalibrationRecipe().fmrs, CalibrationRecipe().fnmrs

SCORES = st.lists(st.floats(-1, 0.999), min_size=1, max_size=300).map(np.array)


# thresholds and misses


@given(SCORES)
@settings(deadline=None)
def test_thresholds_realise_no_more_than_the_nominal_rate(impostor: np.ndarray) -> None:
    table = thresholds(impostor, FMRS)
    assert set(table) == {str(fmr) for fmr in FMRS}
    for fmr, threshold in ((float(key), value) for key, value in table.items()):
        assert np.mean(impostor >= threshold) <= fmr
        # It is the smallest such number: a step down, and some score is accepted too much.
        below = np.nextafter(threshold, -np.inf)
        assert np.mean(impostor >= below) > fmr
    falling = [table[str(fmr)] for fmr in sorted(FMRS)]
    assert falling == sorted(falling, reverse=True)


@given(SCORES, st.sampled_from([1.0, 0.25, 0.05]))
@settings(deadline=None)
def test_misses_realise_no_more_than_a_share_of_the_nominal_rate(
    genuine: np.ndarray, spread: float
) -> None:
    table = misses(genuine, FNMRS, spread)
    assert set(table) == {str(fnmr) for fnmr in FNMRS}
    for fnmr, missed in ((float(key), value) for key, value in table.items()):
        assert np.mean(genuine < missed) <= spread * fnmr
        # It is the largest such number: a step up, and too many stay below.
        assert np.mean(genuine < np.nextafter(missed, np.inf)) > spread * fnmr
    rising = [table[str(fnmr)] for fnmr in sorted(FNMRS)]
    assert rising == sorted(rising)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_the_order_statistics_of_a_brute_force_search(dtype: type) -> None:
    values = np.random.default_rng(0).normal(0.2, 0.2, 5000).clip(-1, 1).astype(dtype)
    values[:40] = values[40]  # ties
    for key, threshold in thresholds(values, FMRS).items():
        allowed = [s for s in np.unique(values) if (values > s).mean() <= float(key)]
        assert threshold == pytest.approx(float(min(allowed)), abs=1e-6)
        assert (values >= threshold).mean() <= float(key)


def test_the_logistic_is_the_log_of_the_likelihood_ratio() -> None:
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(0.7, 0.1, 4000), rng.normal(0.3, 0.1, 1000)
    slope, intercept = logistic(genuine, impostor)
    # Two normal densities of one deviation: log odds = (difference / variance)(s - midpoint),
    # however many there are of either.
    assert slope == pytest.approx(0.4 / 0.01, rel=0.15)
    assert -intercept / slope == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("genuine_mean", [0.3, 0.29, 0.1])
def test_scores_that_tell_nothing_support_no_answer(genuine_mean: float) -> None:
    rng = np.random.default_rng(0)
    genuine, impostor = rng.normal(genuine_mean, 0.1, 4000), rng.normal(0.3, 0.1, 1000)
    slope, intercept = logistic(genuine, impostor)
    assert slope > 0
    if genuine_mean < 0.3:
        ratios = np.exp(slope * np.linspace(-1, 1, 9) + intercept)
        assert (ratios > 0.5).all()
        assert (ratios < 2).all()


# pairs


SIZES = (1, 2)


def sets_of(embeddings: np.ndarray, cohort: Cohort | None = None, **changed: int) -> Sets:
    wanted = {"draws": 40, "sets": 12, "seed": 0} | changed
    found = cohort or no_cohort(embeddings.shape[2])
    return Sets.of(np.asarray(embeddings, np.float32), found, SIZES, **wanted)


@pytest.mark.parametrize(("images_a", "images_b"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_scores_are_those_of_the_sdk(images_a: int, images_b: int) -> None:
    """Every score is that of one of all the pairs of sets that there are, and none is left out."""
    rng = np.random.default_rng(1)
    embeddings = unit(rng.standard_normal((3, 1, 8)) + 0.7 * rng.standard_normal((3, 4, 8)))
    cohort = one_kind(
        stored(unit(rng.standard_normal((6, 8)))), "grey", nearest=2, base=-0.2, weight=0.7
    )
    calibration = Calibration.from_json(json.dumps(TINY_CALIBRATION), cohort)

    def of(models: list[tuple[int, int]]) -> np.ndarray:
        found = []
        for first, second in models:
            for a in combinations(range(4), images_a):
                # The sides of a pair share no photograph, whoever made them.
                for b in combinations([i for i in range(4) if i not in a], images_b):
                    sides = (
                        side_of(embeddings[model, list(places)], (), calibration)
                        for model, places in ((first, a), (second, b))
                    )
                    found.append(compare(*sides, calibration)[0])
        return np.array(found)

    sets = sets_of(embeddings, cohort)
    assert (sets.drawn[1].explained > 0).mean() > 0.5  # else the cohort would not count
    drawn = pair_scores(sets, images_a, images_b)
    expected = of([(m, m) for m in range(3)]), of(list(permutations(range(3), 2)))
    for scores, known in zip(drawn, expected, strict=True):
        distance = np.abs(scores[:, None] - known)
        assert distance.min(axis=1).max() < 1e-5
        assert distance.min(axis=0).max() < 1e-5


def test_pairs_share_no_photograph() -> None:
    """Every photograph on an axis of its own: against itself it would score above 0."""
    rendered = np.broadcast_to(np.eye(4, dtype=np.float32), (3, 4, 4))
    for scores in pair_scores(sets_of(rendered), 2, 2):
        np.testing.assert_allclose(scores, 0, atol=1e-6)


def test_the_models_most_alike_are_impostors_first() -> None:
    """Models on a circle, ever further apart: the nearest of each is known."""
    angles = np.array([0.0, 0.1, 0.5, 0.7, 2.0])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None].repeat(4, axis=1)
    sets = sets_of(embeddings)

    def apart(pairs: set[tuple[int, int]]) -> set[float]:
        return {round(float(np.cos(angles[a] - angles[b])), 4) for a, b in pairs}

    _, impostor = pair_scores(sets, 1, 1)
    assert {round(float(x), 4) for x in impostor} == apart(set(permutations(range(5), 2)))
    for share in (0.25, 0.0):  # the most alike of four; one is always left
        _, impostor = pair_scores(sets, 1, 1, share)
        assert {round(float(x), 4) for x in impostor} == apart(
            {(0, 1), (1, 0), (2, 3), (3, 2), (4, 3)}
        )


def test_a_set_is_at_most_half_of_a_models_images() -> None:
    with pytest.raises(ValueError, match="twice as many of a model, not 3"):
        sets_of(np.broadcast_to(np.eye(3), (2, 3, 3)))
