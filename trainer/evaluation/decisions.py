"""What the SDK says of pairs: scores, likelihood ratios, verdicts, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.side import sides_of
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import verify_sides
from trainer.evaluation.metrics import cllr, cllr_min
from trainer.evaluation.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Findings:
    """What is found of n pairs.

    Attributes:
        side_a, side_b: the generators of the sides, by number; int (n,).
        scores: float64, (n,).
        ratios: likelihood ratios, float64, (n,); None without a calibration.
        verdicts: str, (n,); None without a calibration.
    """

    side_a: np.ndarray
    side_b: np.ndarray
    scores: np.ndarray
    ratios: np.ndarray | None = None
    verdicts: np.ndarray | None = None

    def take(self, kept: np.ndarray) -> Findings:
        columns = (self.side_a, self.side_b, self.scores, self.ratios, self.verdicts)
        return Findings(*(None if column is None else column[kept] for column in columns))


@dataclass(frozen=True)
class Verdicts:
    """Shares of some pairs that get each verdict."""

    same: float
    different: float
    inconclusive: float


@dataclass(frozen=True)
class Decisions:
    """What a user gets of a model at the rates that it ships with.

    Attributes:
        fmr, fnmr: the nominal rates, the calibration's defaults.
        genuine: verdicts on pairs of one generator: "different" is a false exclusion.
        impostor: verdicts on pairs of two: "same" is a false match.
        cllr: cost of the likelihood ratios, in bits; genuine and impostor pairs weigh half each.
        cllr_min: what is left of it by the best calibration of the same ratios.
    """

    fmr: float
    fnmr: float
    genuine: Verdicts
    impostor: Verdicts
    cllr: float
    cllr_min: float


def findings(
    embeddings: np.ndarray,
    pairs: Pairs,
    calibration: Calibration | None = None,
    quality: Sequence[Quality] = (),
) -> Findings:
    """Compare pairs as `Extractor.verify` does; by the plain cosine without a calibration.

    Args:
        embeddings: of all images, L2-normalised, (n, D).
        pairs: of places in them.
        calibration: of the model that made them.
        quality: of each image; empty if unknown.
    """
    if calibration is None:
        a, b = (_mean(embeddings, side) for side in (pairs.a, pairs.b))
        scores = np.einsum("nd,nd->n", a, b).astype(np.float64)
        return Findings(pairs.side_a, pairs.side_b, scores)

    # A single image is a side of many pairs.
    chosen = list(dict.fromkeys(map(tuple, [*pairs.a.tolist(), *pairs.b.tolist()])))
    groups = [
        (embeddings[list(places)], [quality[place] for place in places] if quality else ())
        for places in chosen
    ]
    sides = dict(zip(chosen, sides_of(groups, calibration), strict=True))
    answers = [
        verify_sides(sides[tuple(a)], sides[tuple(b)], calibration)
        for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
    ]
    return Findings(
        pairs.side_a,
        pairs.side_b,
        np.array([answer.score for answer in answers]),
        np.array([answer.likelihood_ratio for answer in answers]),
        np.array([answer.verdict for answer in answers]),
    )


def decide(genuine: Findings, impostor: Findings, calibration: Calibration) -> Decisions | None:
    """How often the verdicts are right, and what the ratios cost; None where there are none."""
    if genuine.ratios is None or impostor.ratios is None:
        return None
    return Decisions(
        calibration.default_fmr,
        calibration.default_fnmr,
        _verdicts(genuine),
        _verdicts(impostor),
        cllr(genuine.ratios, impostor.ratios),
        cllr_min(genuine.ratios, impostor.ratios),
    )


def _verdicts(found: Findings) -> Verdicts:
    return Verdicts(
        *(float(np.mean(found.verdicts == word)) for word in ("same", "different", "inconclusive"))
    )


def _mean(stacked: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """L2-normalised mean of the chosen rows: (n, k) indices to (n, D)."""
    total = stacked[chosen[:, 0]]
    for column in chosen.T[1:]:
        total = total + stacked[column]
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.maximum(norm, 1e-12)
