"""Exact search of a gallery for the source of a probe."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embeddings_file import check_embeddings
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.eligible import likeness
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.fingerprints import Fingerprints
from fingerprint_sdk.images.processing import kind_named
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import Candidate, Identification, is_uncertain


def rank(
    entries: Mapping[str, Entry],
    known: Fingerprints,
    embeddings: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    quality: tuple[Quality, ...],
    fmr: float,
    top: int,
) -> Identification:
    """See ``Gallery.search``; entries are compared as ``eligible.likeness`` says."""
    if top < 1:
        raise GalleryError(f"top must be at least 1, not {top}")
    if not entries:
        raise GalleryError("the gallery is empty: enroll something first")
    if len(embeddings) == 0:
        raise GalleryError("no probe embeddings were given")
    check_embeddings(embeddings, known.matrix.shape[1], "probe embeddings")
    names = list(entries)
    found = likeness(known, embeddings, quality)
    scores = found.scores
    order = np.argsort(-scores, kind="stable")
    lossy = any(q.lossy for q in quality)
    candidates = []
    for place_in_ranking, place in enumerate(order[:top]):
        entry, score = entries[names[place]], float(scores[place])
        kind = found.copies[place]
        condition = calibration.condition(
            len(embeddings),
            int(found.counts[place]),
            recompressed=lossy
            or (kind is not None and kind_named(kind).lossy)
            or bool(entry.lossy.any()),
        )
        share = _share(fmr, found.tried, condition)
        rival = order[1 if place_in_ranking == 0 else 0] if len(order) > 1 else None
        candidate = Candidate(
            name=names[place],
            score=score,
            margin=None if rival is None else score - float(scores[rival]),
            probability=condition.probability(score),
            threshold=condition.threshold(share),
            copy=kind,
        )
        candidates.append(candidate)
        if place_in_ranking == 0:
            uncertain = is_uncertain(score, condition, share, quality)
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


def _share(fmr: float, fingerprints: int, condition: Condition) -> float:
    """The FMR of each of several fingerprints, so that the best of them keeps to ``fmr``.

    No less than the least that is calibrated.
    """
    condition.threshold(fmr)  # refuses a rate that is not calibrated
    low, _ = condition.fmr_range
    return max(low, fmr / fingerprints)
