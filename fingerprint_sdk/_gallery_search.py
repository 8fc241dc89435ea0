"""Exact search of a gallery for the source of a probe."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fingerprint_sdk._embeddings_file import Embeddings, check_embeddings
from fingerprint_sdk._gallery_file import Entry
from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.quality import Quality
from fingerprint_sdk.verification import Candidate, Identification, is_uncertain, mean_embedding


def rank(
    known: Mapping[str, Entry],
    matrix: Embeddings,
    embeddings: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    quality: tuple[Quality, ...],
    fmr: float,
    top: int,
) -> Identification:
    """See ``Gallery.search``; the rows of ``matrix`` are the fingerprints of ``known``."""
    if top < 1:
        raise GalleryError(f"top must be at least 1, not {top}")
    if not known:
        raise GalleryError("the gallery is empty: enroll something first")
    if len(embeddings) == 0:
        raise GalleryError("no probe embeddings were given")
    check_embeddings(embeddings, matrix.shape[1], "probe embeddings")
    names, entries = list(known), list(known.values())
    scores = np.clip(matrix @ mean_embedding(embeddings), -1, 1).astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    lossy = any(q.lossy for q in quality)
    candidates = []
    for place_in_ranking, place in enumerate(order[:top]):
        entry, score = entries[place], float(scores[place])
        condition = calibration.condition(
            len(embeddings), len(entry.embeddings), recompressed=lossy or bool(entry.lossy.any())
        )
        rival = order[1 if place_in_ranking == 0 else 0] if len(order) > 1 else None
        candidate = Candidate(
            name=names[place],
            score=score,
            margin=None if rival is None else score - float(scores[rival]),
            probability=condition.probability(score),
            threshold=condition.threshold(fmr),
        )
        candidates.append(candidate)
        if place_in_ranking == 0:
            uncertain = is_uncertain(score, condition, fmr, quality)
    first = candidates[0]
    known_source = first.score >= first.threshold
    return Identification(
        best=first.name if known_source else None,
        known=known_source,
        threshold=first.threshold,
        fmr=fmr,
        uncertain=uncertain,
        candidates=tuple(candidates),
        quality=quality,
    )
