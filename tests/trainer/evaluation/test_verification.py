"""Verification: which pairs are drawn, and what the SDK says of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the trainer extra")

from support.calibrations import one_kind
from support.embeddings import clusters
from support.tiny_model import TINY_CALIBRATION, TINY_EMBEDDING_SIZE

from fingerprint_sdk import Calibration
from fingerprint_sdk.evidence.cohort import no_cohort, stored
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import verify_embeddings
from trainer.evaluation import score
from trainer.evaluation.decisions import findings
from trainer.evaluation.metrics import cllr, cllr_min
from trainer.evaluation.pairs import _distinct, draw_pairs
from trainer.evaluation.verification import score_verification

FAST = {"galleries": 4, "pairs": 400, "resamples": 20}
CALIBRATION = Calibration.from_json(json.dumps(TINY_CALIBRATION), no_cohort(TINY_EMBEDDING_SIZE))


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


def told(lossy: bool) -> Quality:
    """Of an image that was a coarse JPEG file once, or never."""
    return Quality(256, 256, "PNG", False, None, lossy, False, 4)


def pairs_of(embeddings: dict[str, np.ndarray], images: int, seed: int) -> tuple[Any, Any]:
    counts = [len(rows) for rows in embeddings.values()]
    return draw_pairs(counts, images, FAST["pairs"], np.random.default_rng(seed))


@pytest.mark.parametrize("images", [1, 5])
def test_the_decisions_are_the_sdks(images: int) -> None:
    """One model of coarse images among others: each pair is what `verify_embeddings` says."""
    embeddings = clusters(4, 14, 0.12, size=TINY_EMBEDDING_SIZE)
    quality = {name: (told(name == "model0"),) * len(rows) for name, rows in embeddings.items()}
    found = score_verification(
        embeddings,
        {name: name for name in embeddings},
        images=images,
        calibration=CALIBRATION,
        quality=quality,
        pairs=FAST["pairs"],
        resamples=0,
        seed=3,
    ).model
    rows, known = np.concatenate([*embeddings.values()]), sum(quality.values(), ())
    ratios, verdicts = [], []
    conditions = set()
    for pairs in pairs_of(embeddings, images, 3):
        answers = [
            verify_embeddings(
                rows[a], rows[b], CALIBRATION, quality=tuple(known[i] for i in (*a, *b))
            )
            for a, b in zip(pairs.a, pairs.b, strict=True)
        ]
        conditions |= {answer.condition for answer in answers}
        ratios.append(np.array([answer.likelihood_ratio for answer in answers]))
        verdicts.append(Counter(answer.verdict for answer in answers))
    assert conditions == {"as is", "coarse"}
    assert found.decisions is not None
    for shares, counted in zip(
        (found.decisions.genuine, found.decisions.impostor), verdicts, strict=True
    ):
        assert asdict(shares) == {
            word: counted[word] / FAST["pairs"] for word in ("same", "different", "inconclusive")
        }
    assert found.decisions.cllr == pytest.approx(cllr(*ratios))
    assert found.decisions.cllr_min == pytest.approx(cllr_min(*ratios))
    assert (found.decisions.fmr, found.decisions.fnmr) == (0.01, 0.05)


def test_what_the_cohort_explains_is_taken_off_the_scores() -> None:
    embeddings = clusters(3, 12, 0.2, size=TINY_EMBEDDING_SIZE)
    rows = embeddings["model0"]
    # Whatever is as like a picture of the cohort as model0's are, is explained by half of that.
    cohort = one_kind(stored(rows[:3]), "grey", weight=0.5)
    explaining = Calibration.from_json(json.dumps(TINY_CALIBRATION), cohort)
    drawn = pairs_of(embeddings, 1, 0)[0]
    stacked = np.concatenate([*embeddings.values()])
    plain, less = (findings(stacked, drawn, known).scores for known in (None, explaining))
    nearest = np.maximum((stacked @ cohort.embeddings.T).max(axis=1), 0) / 2
    np.testing.assert_allclose(
        less, plain - nearest[drawn.a[:, 0]] - nearest[drawn.b[:, 0]], atol=1e-6
    )
    assert (less < plain - 0.5).any()


def test_realised_rates_of_the_shipped_decisions() -> None:
    """Two models at a known cosine of 0.953: "same" as they are, not so of coarse images."""
    angle = np.arccos(0.953)
    rows = [np.eye(1, TINY_EMBEDDING_SIZE)[0] * np.cos(a) for a in (0.0, angle)]
    rows[1][1] = np.sin(angle)
    embeddings = {f"model{i}": np.tile(row, (12, 1)) for i, row in enumerate(rows)}
    # Rows that are equal count as one picture, so that five a side are judged as one is.
    for lossy, same in ((False, 1.0), (True, 0.0)):
        quality = {name: (told(lossy),) * 12 for name in embeddings}
        found = score(embeddings, None, CALIBRATION, quality, **FAST)
        for part in (found.verification, found.set_verification):
            decisions = part.model.decisions
            assert decisions is not None
            assert (decisions.impostor.same, decisions.impostor.inconclusive) == (same, 1 - same)
            assert decisions.genuine.same == 1.0
        assert found.lossy == lossy
    assert score(embeddings, **FAST).verification.model.decisions is None
    assert score(embeddings, **FAST).lossy is None
