"""Exact search of a gallery for the source of a probe, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration, Condition
from fingerprint_sdk.embeddings_file import check_embeddings, probe_rows
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.evidence.side import Side, side_of
from fingerprint_sdk.evidence.verdict import LEAST, NO_EVIDENCE, judge, words
from fingerprint_sdk.evidence.verdict import probability as probability_of
from fingerprint_sdk.gallery.background import Background, Ranked
from fingerprint_sdk.gallery.eligible import Likeness, likeness
from fingerprint_sdk.gallery.measured import strangers
from fingerprint_sdk.gallery.strangers import ENOUGH, MARGIN, Strangers
from fingerprint_sdk.identification import Candidate, Identification, Named
from fingerprint_sdk.images.processing import Jpeg, kind_named
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import ANY_LOSSY, FINE_JPEG, TREATMENTS, most
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
        found.scores - side.beyond,
        found.copies,
        calibration,
        wanted=top,
        usual=side.explained - side.beyond,
        excess=side.excess,
    )
    order = ranked.order
    conditions = [
        _condition(background, side, found, ranked, place, calibration) for place in order[:top]
    ]
    others = _strangers(background, side, found, order[0], calibration)
    candidates = tuple(
        _candidate(background, side, found, ranked, place, condition, others, prior)
        for place, condition in zip(order[:top], conditions, strict=True)
    )
    first, condition = candidates[0], conditions[0]
    if others is None:
        low, _ = condition.fmr_range
        needed = condition.threshold(max(low, fpir / len(background.names)))
        against, supported = condition.supported
    else:
        second = float(ranked.scores[order[1]])
        needed = others.threshold(fpir) + MARGIN * second
        against, supported = (
            others.reaches(ratio, 1 - MARGIN * second) + MARGIN * second
            for ratio in (1 / LEAST, LEAST)
        )
    threshold = max(needed, supported)
    missed = min(condition.limits(condition.fmr_range[1], fnir)[0], against)
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
    background: Background,
    side: Side,
    found: Likeness,
    ranked: Ranked,
    place: int,
    calibration: Calibration,
) -> Condition:
    """Of the scores, which are higher than what was calibrated by what is not taken off them.

    Like with like: of a resized or recompressed copy the condition is that of such images.
    """
    condition = max(
        (
            calibration.condition(
                side.images,
                int(found.counts[place]),
                treatment=most([side.treatment, told]),
                windows=side.windows,
            )
            for told in _may_be(found.copies[place], lossy=bool(background.known.lossy[place]))
        ),
        key=lambda one: one.threshold(calibration.default_fmr),
    )
    # While any entry may still be it, no score speaks against the nearest.
    may = ranked.highest.max() if place == ranked.order[0] else ranked.highest[place]
    return replace(
        condition.shifted(float(ranked.scores[place] - ranked.evidence[place])),
        excess=float(may - ranked.evidence[place]),
    )


def _may_be(copy: str | None, *, lossy: bool) -> tuple[str, ...]:
    """The treatments that a copy, or an image as enrolled, may have had."""
    if copy is None:
        return ANY_LOSSY if lossy else (TREATMENTS[0],)
    kind = kind_named(copy)
    if not kind.lossy:
        return ("resized",)
    return ("lossy" if isinstance(kind, Jpeg) and kind.quality >= FINE_JPEG else "coarse",)


def _strangers(
    background: Background, side: Side, found: Likeness, place: int, calibration: Calibration
) -> Strangers | None:
    """What a stranger scores, the gallery knows best; None where it is too small for that."""
    if background.answered < ENOUGH:
        return None
    return strangers(background, found.copies[place], found.like, side.images, calibration)


def _candidate(
    background: Background,
    side: Side,
    found: Likeness,
    ranked: Ranked,
    place: int,
    condition: Condition,
    others: Strangers | None,
    prior: float,
) -> Candidate:
    score, order = float(ranked.scores[place]), ranked.order
    best, second = (float(ranked.scores[order[rank]]) for rank in (0, min(1, len(order) - 1)))
    best_other = None if len(order) == 1 else second if place == order[0] else best
    ratio = condition.likelihood_ratio(score)
    if others is not None and best_other is not None:
        ratio = _ratio(score - MARGIN * best_other, 1 - MARGIN * second, others, condition, ratio)
    if side.reasons:
        ratio = NO_EVIDENCE
    name = background.names[place]
    known = background.entries[name].provenance
    return Candidate(
        name=background.answers[place],
        entry=name,
        members=known.members if known else (),
        score=score,
        margin=None if best_other is None else score - best_other,
        likelihood_ratio=ratio,
        probability=probability_of(ratio, prior),
        copy=found.copies[place],
    )


def _ratio(
    margin: float, most: float, others: Strangers, condition: Condition, calibrated: float
) -> float:
    """How many times more probable a margin is of the entry's generator than of a stranger.

    By what strangers score in the gallery; how far an entry's own stay below them, only the
    calibration tells.
    """
    low, high = condition.bounds
    ratio = min(others.likelihood_ratio(margin, most), high)
    if margin < others.mean:
        ratio = min(ratio, calibrated)
    return max(ratio, low)
