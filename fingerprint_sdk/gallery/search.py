"""Exact search of a gallery for the source of a probe, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embeddings_file import check_embeddings, probe_rows
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.evidence.side import Side, side_of
from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, judge, words
from fingerprint_sdk.evidence.verdict import probability as probability_of
from fingerprint_sdk.gallery.background import Background
from fingerprint_sdk.gallery.eligible import Likeness, likeness
from fingerprint_sdk.gallery.strangers import ENOUGH, MARGIN
from fingerprint_sdk.identification import Candidate, Identification, Named
from fingerprint_sdk.images.processing import kind_named
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import most
from fingerprint_sdk.stream import positive

_NAMED: dict[str, Named] = {"same": "named", "different": "none", "inconclusive": "inconclusive"}


def rank(
    background: Background,
    embeddings: npt.NDArray[np.floating],
    calibration: Calibration,
    *,
    quality: tuple[Quality, ...],
    fpir: float,
    fnir: float,
    prior: float,
    top: int,
) -> Identification:
    """See ``Gallery.search``; entries are compared as ``eligible.likeness`` says."""
    top = positive("top", top, 5, GalleryError)
    if not background.entries:
        raise GalleryError("the gallery is empty: enroll something first")
    embeddings = probe_rows(embeddings)
    if len(embeddings) == 0:
        raise GalleryError("no probe embeddings were given")
    check_embeddings(embeddings, background.known.matrix.shape[1], "probe embeddings")
    side = side_of(embeddings, quality, calibration)
    found = likeness(
        background.known,
        embeddings[list(side.voting)],
        tuple(quality[place] for place in side.voting) if quality else (),
    )
    return answer(
        background,
        side,
        found,
        calibration,
        quality=quality,
        fpir=fpir,
        fnir=fnir,
        prior=prior,
        top=top,
    )


def answer(
    background: Background,
    side: Side,
    found: Likeness,
    calibration: Calibration,
    *,
    quality: tuple[Quality, ...] = (),
    fpir: float,
    fnir: float,
    prior: float = 0.5,
    top: int = 1,
) -> Identification:
    """What is said of a probe of which it is known how near it is to every entry."""
    ranked = background.ranked(
        found.scores - side.explained,
        found.copies,
        calibration,
        wanted=top,
        excess=side.excess,
    )
    scores, order, highest = ranked.scores, ranked.order, ranked.highest
    conditions = [_condition(background, side, found, place, calibration) for place in order[:top]]
    # While any entry may still be it, no score speaks against the nearest.
    may = [highest.max(), *highest[order[1:top]]]
    conditions = [
        replace(condition, excess=float(high - scores[place]))
        for condition, high, place in zip(conditions, may, order, strict=False)
    ]
    candidates = tuple(
        _candidate(background, side, place, scores, order, found, condition, prior)
        for place, condition in zip(order[:top], conditions, strict=True)
    )
    first, condition = candidates[0], conditions[0]
    second = float(scores[order[1]]) if len(order) > 1 else 0.0
    needed = _threshold(background, side, found, second, condition, calibration, fpir)
    threshold = max(needed, condition.even)
    missed, _ = condition.limits(condition.fmr_range[1], fnir)
    ratio = first.likelihood_ratio
    verdict = _NAMED[judge(first.score, ratio, threshold, missed)]
    return Identification(
        verdict=verdict,
        best=first.name if verdict == "named" else None,
        nearest=first.name,
        likelihood_ratio=ratio,
        probability=probability_of(ratio, prior),
        prior=prior,
        words=words(ratio),
        score=first.score,
        threshold=threshold,
        missed=missed,
        fpir=fpir,
        fnir=fnir,
        condition=condition.treatment,
        reasons=side.reasons,
        images=side.images,
        compared=len(order),
        candidates=candidates,
        quality=quality,
    )


def _condition(
    background: Background, side: Side, found: Likeness, place: int, calibration: Calibration
) -> Condition:
    """Like with like: of a resized or recompressed copy the condition is that of such images."""
    treatments = [side.treatment]
    copy = found.copies[place]
    if copy is not None:
        treatments.append("coarse" if kind_named(copy).lossy else "resized")
    elif background.known.lossy[place]:
        treatments.append("coarse")
    return calibration.condition(
        side.images, int(found.counts[place]), treatment=most(treatments), windows=side.windows
    )


def _candidate(
    background: Background,
    side: Side,
    place: int,
    scores: npt.NDArray[np.float64],
    order: npt.NDArray[np.intp],
    found: Likeness,
    condition: Condition,
    prior: float,
) -> Candidate:
    score = float(scores[place])
    rival = order[1 if place == order[0] else 0] if len(order) > 1 else None
    ratio = NO_EVIDENCE if side.reasons else condition.likelihood_ratio(score)
    name = background.names[place]
    known = background.entries[name].provenance
    return Candidate(
        name=background.answers[place],
        entry=name,
        members=known.members if known else (),
        score=score,
        margin=None if rival is None else score - float(scores[rival]),
        likelihood_ratio=ratio,
        probability=probability_of(ratio, prior),
        copy=found.copies[place],
    )


def _threshold(
    background: Background,
    side: Side,
    found: Likeness,
    second: float,
    condition: Condition,
    calibration: Calibration,
    fpir: float,
) -> float:
    """Score from which the nearest is named; what a stranger scores, the gallery knows best."""
    if background.answered < ENOUGH:
        low, _ = condition.fmr_range
        return condition.threshold(max(low, fpir / len(background.names)))
    strangers = background.strangers(found.like, side.images, calibration)
    asked = calibration.condition(
        strangers.images,
        condition.images_b if condition.images_a == side.images else condition.images_a,
        treatment=condition.treatment,
        windows=condition.windows,
    )
    plain = calibration.condition(condition.images_a, condition.images_b, windows=side.windows)
    return strangers.threshold(fpir, condition, asked, plain) + MARGIN * second
