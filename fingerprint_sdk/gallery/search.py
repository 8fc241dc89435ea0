"""Exact search of a gallery for the source of a probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.embeddings_file import Embeddings, check_embeddings
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.file import Entry
from fingerprint_sdk.images.copies import LOSSY
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import Candidate, Identification, is_uncertain


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """What a gallery is searched by.

    Attributes:
        matrix: float32, shape (P, D): a fingerprint of every entry and of each kind of its copies,
            entry by entry, the images as enrolled first.
        first: int, shape (N,), the row of each entry's first fingerprint.
        kinds: of the P rows, the kind of copy, None for the images as enrolled.
    """

    matrix: Embeddings
    first: npt.NDArray[np.intp]
    kinds: tuple[str | None, ...]


def fingerprints_of(entries: Mapping[str, Entry]) -> Fingerprints:
    """The fingerprints of all entries; computed only of those that are new."""
    kinds: list[str | None] = []
    first = []
    for entry in entries.values():
        first.append(len(kinds))
        kinds += [None, *entry.copies]
    rows = [entry.fingerprints for entry in entries.values()]
    matrix = np.concatenate(rows) if rows else np.empty((0, 0), np.float32)
    return Fingerprints(matrix, np.array(first, np.intp), tuple(kinds))


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
    """See ``Gallery.search``; an entry scores as the best of its fingerprints does."""
    if top < 1:
        raise GalleryError(f"top must be at least 1, not {top}")
    if not entries:
        raise GalleryError("the gallery is empty: enroll something first")
    if len(embeddings) == 0:
        raise GalleryError("no probe embeddings were given")
    check_embeddings(embeddings, known.matrix.shape[1], "probe embeddings")
    names = list(entries)
    single = np.clip(known.matrix @ mean_embedding(embeddings), -1, 1).astype(np.float64)
    scores = np.maximum.reduceat(single, known.first)
    order = np.argsort(-scores, kind="stable")
    lossy = any(q.lossy for q in quality)
    candidates = []
    for place_in_ranking, place in enumerate(order[:top]):
        entry, score = entries[names[place]], float(scores[place])
        rows = slice(known.first[place], known.first[place] + 1 + len(entry.copies))
        kind = known.kinds[rows][int(single[rows].argmax())]
        condition = calibration.condition(
            len(embeddings),
            len(entry.embeddings if kind is None else entry.copies[kind]),
            recompressed=lossy or kind == LOSSY or bool(entry.lossy.any()),
        )
        share = _share(fmr, 1 + len(entry.copies), condition)
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
