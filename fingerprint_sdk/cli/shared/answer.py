"""Verdicts and what they rest on, for people. All of it is taken from the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fingerprint_sdk.cli.shared.output import note

if TYPE_CHECKING:
    from fingerprint_sdk.identification import Identification
    from fingerprint_sdk.images.quality import Quality
    from fingerprint_sdk.verification import Verification

VERIFIED = {
    "same": "same generator",
    "different": "different generators",
    "inconclusive": "inconclusive",
}


def identified(result: Identification) -> str:
    """``source: NAME``, ``none of these`` or ``inconclusive, nearest NAME``."""
    from fingerprint_sdk.explanation.sentences import called

    if result.verdict == "named":
        return f"source: {called(result)}"
    if result.verdict == "none":
        return "none of these"
    return "inconclusive" if result.reasons else f"inconclusive, nearest {called(result)}"


def verification_pairs(result: Verification) -> Iterator[tuple[str, object]]:
    """What a comparison rests on, as ``print_pairs`` takes it."""
    if not result.reasons:
        fmr, fnmr = _percent(result.fmr), _percent(result.fnmr)
        yield from _number(result, "one generator")
        yield "same from", f"{result.threshold:.4f}: {fmr} of different generators reach it (FMR)"
        yield "different below", f"{result.missed:.4f}: {fnmr} of true pairs score less (FNMR)"
    yield "images", f"{result.images[0]} against {result.images[1]}"
    yield from _rest(result)


def identification_pairs(result: Identification) -> Iterator[tuple[str, object]]:
    """What an identification rests on, as ``print_pairs`` takes it."""
    from fingerprint_sdk.explanation.sentences import family, gallery

    if not result.reasons:
        fpir, fnir = _percent(result.fpir), _percent(result.fnir)
        yield from _number(result, f"{result.nearest}, by itself")
        yield "named from", f"{result.threshold:.4f}: {fpir} of strangers reach it (FPIR)"
        yield "none below", f"{result.missed:.4f}: {fnir} of known ones score less (FNIR)"
        if said := family(result):
            yield "family", said
    yield "images", f"{result.images} against {gallery(result)}"
    yield from _rest(result)


def tell_weak(paths: Sequence[Path], quality: Sequence[Quality], voting: int) -> None:
    """Name on stderr the images with a flag, and say if not all have a vote."""
    for path, one in zip(paths, quality, strict=True):
        if one.flags:
            note(f"note: {path}: {', '.join(one.flags)}")
    if voting < len(paths):
        note(
            f"note: {voting} of the {len(paths)} images have a vote: a picture given twice counts "
            "once, a flat, tiny or untypical one only where a side has no other"
        )


def _number(result: Verification | Identification, what: str) -> Iterator[tuple[str, object]]:
    yield "probability", f"{result.probability:.4f} of {what}, if {result.prior:g} beforehand"
    yield "score", result.score


def _rest(result: Verification | Identification) -> Iterator[tuple[str, object]]:
    from fingerprint_sdk.explanation.sentences import CONDITIONS, presumed, settled_by, why

    yield "condition", CONDITIONS[result.condition]
    if result.reasons:
        yield "reason", why(result)
    if said := settled_by(result):
        yield "settled by", said
    if said := presumed(result):
        yield "presumes", said


def _percent(rate: float) -> str:
    return f"at most {100 * rate:g} %"
