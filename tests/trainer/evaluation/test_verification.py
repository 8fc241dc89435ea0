"""Verification: which pairs are drawn, and what the shipped threshold makes of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the trainer extra")

from support.embeddings import clusters
from support.tiny_model import TINY_CALIBRATION

import fingerprint_sdk as fp
from trainer.evaluation import score
from trainer.evaluation.pairs import _distinct
from trainer.evaluation.verification import score_verification

FAST = {"galleries": 4, "pairs": 400, "resamples": 20}
CALIBRATION = fp.Calibration.from_json(json.dumps(TINY_CALIBRATION))


@pytest.mark.parametrize("images", [1, 5])
def test_no_image_is_on_both_sides(images: int) -> None:
    """One orthogonal embedding for each image: a shared one would show in a genuine score."""
    rows = np.eye(44, dtype=np.float32)
    embeddings = {f"model{i}": rows[11 * i : 11 * (i + 1)] for i in range(4)}
    scores = score_verification(
        embeddings, {name: name for name in embeddings}, images=images, pairs=1000, resamples=0
    )
    assert scores.model.auc.value == 0.5  # every score is exactly 0
    assert scores.model.auc.low is None


def test_distinct_numbers_are_uniform() -> None:
    counts = np.repeat([11, 30], 6000)
    chosen = _distinct(np.random.default_rng(0), counts, 10)
    ordered = np.sort(chosen, axis=1)
    assert (np.diff(ordered, axis=1) > 0).all()
    assert chosen.min() == 0
    assert (chosen < counts[:, None]).all()
    for column in (0, 4, 9):
        for count in (11, 30):
            seen = np.bincount(chosen[counts == count, column], minlength=count)
            assert seen.min() > 0.6 * 6000 / count
            assert seen.max() < 1.4 * 6000 / count


def test_the_shipped_threshold_is_the_sdks() -> None:
    """Lossy pairs are judged by the threshold the SDK would use for them."""
    embeddings = clusters(4, 14, 0.0)
    lossy = {name: np.zeros(14, bool) for name in embeddings}
    lossy["model0"][:] = True
    for part, recompressed, share in (
        (False, False, 0.0),
        (True, True, 1.0),
        (lossy, None, None),
    ):
        scores = score(embeddings, None, CALIBRATION, part, **FAST)
        for verification in (scores.verification, scores.set_verification):
            n = verification.images
            shipped = verification.model.shipped
            assert shipped is not None
            for flag, threshold in (
                (False, shipped.threshold),
                (True, shipped.recompressed_threshold),
            ):
                condition = CALIBRATION.condition(n, n, recompressed=flag)
                assert threshold == condition.threshold(CALIBRATION.default_fmr)
            assert shipped.nominal_fmr == 0.01
            if recompressed is not None:
                assert shipped.recompressed_pairs == share
            else:  # 1/4 of genuine pairs, 1/2 of impostor pairs
                assert shipped.recompressed_pairs == pytest.approx(0.375, abs=0.05)


def test_realised_rates_of_the_shipped_threshold() -> None:
    """Two models at a known cosine of 0.952: above 0.95, below the recompressed 0.954."""
    angle = np.arccos(0.952)
    rows = [np.array([np.cos(a), np.sin(a), 0, 0], np.float32) for a in (0.0, angle)]
    embeddings = {f"model{i}": np.tile(row, (12, 1)) for i, row in enumerate(rows)}
    for recompressed, fmr in ((False, 1.0), (True, 0.0)):
        shipped = score(embeddings, None, CALIBRATION, recompressed, **FAST).verification.model
        assert shipped.shipped is not None
        assert (shipped.shipped.fmr, shipped.shipped.fnmr) == (fmr, 0.0)
        assert shipped.shipped.accuracy == 1 - fmr / 2
    assert score(embeddings, **FAST).verification.model.shipped is None
