"""Results as parts of the web page: verdicts in words, with their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fingerprint_sdk.explanation import Explanation
from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.explanation.words import percent
from fingerprint_sdk.verification import Candidate, Identification, Verification
from fingerprint_sdk.web.quality import quality_list
from fingerprint_sdk.web.scale import scale
from fingerprint_sdk.web.uploads import Upload

_ANSWERS = {
    "same": "Same generator",
    "different": "Different generators",
    "uncertain": "Uncertain",
}


def verification(result: Verification, band: tuple[float, float], images: Sequence[Upload]) -> str:
    """The verdict on two sides.

    Args:
        result: the verdict.
        band: scores too near the threshold to trust.
        images: of both sides, side A first, as ``result.quality``.
    """
    flat = any(quality.flat for quality in result.quality)
    leaning = "same" if result.same else "different"
    if result.uncertain:
        kind = "uncertain"
        why = (
            "An image is flat and has no fingerprint to compare."
            if flat
            else f"The score is too near the threshold to be relied on; it leans to “{leaning}”."
        )
    elif result.same:
        kind = "same"
        why = "The score reaches the threshold: both sides carry the same fingerprint."
    else:
        kind = "different"
        why = (
            "The score stays below the threshold. Heavy editing can also bring images by one "
            "generator this low."
        )
    facts = [
        ("Score", f"{result.score:.3f}"),
        ("Threshold", f"{result.threshold:.3f}"),
        ("False match rate", percent(result.fmr)),
        ("Images", f"{result.images[0]} against {result.images[1]}"),
    ]
    words = (
        f"Images by two different generators reach this threshold in about {one_in(result.fmr)} "
        "comparisons. If “same” and “different” were equally likely beforehand, the probability "
        f"of “same” is now {_chance(result.probability)}."
    )
    shown = (
        f"{scale(result.score, result.threshold, band)}{_facts(facts)}"
        f"<p class='fp-words'>{text(words)}</p>"
    )
    qualities = quality_list(images, result.quality)
    # A number would be read as evidence, which a flat image cannot give.
    return _card(kind, _ANSWERS[kind], why, qualities if flat else shown + qualities)


def identification(result: Identification, images: Sequence[Upload]) -> str:
    """The verdict on one probe against a gallery."""
    first = result.candidates[0]
    flat = any(quality.flat for quality in result.quality)
    if result.uncertain:
        kind, answer = "uncertain", "Uncertain"
        why = (
            "An image is flat and has no fingerprint to compare."
            if flat
            else f"Nearest is {first.name}, too near its threshold to be relied on."
        )
    elif result.known:
        kind, answer = "same", first.name
        why = "The score reaches the threshold of this gallery entry."
    else:
        kind, answer = "different", "Not in this gallery"
        why = f"Even the nearest entry, {first.name}, stays below its threshold."
    # One scale for all, so that scores and thresholds can be compared down the card.
    lowest = min(candidate.score for candidate in result.candidates)
    rows = "".join(_candidate(candidate, lowest) for candidate in result.candidates)
    shown = "" if flat else f"<ol class='fp-candidates'>{rows}</ol>"
    return _card(
        kind,
        answer,
        why,
        shown + quality_list(images, result.quality),
        probe=", ".join(image.name for image in images),
    )


def identification_words(fmr: float, entries: int) -> str:
    """What the false match rate means when looking through so many entries."""
    chance = (
        f"An image by a generator outside the gallery reaches the threshold of an entry in about "
        f"{one_in(fmr)} comparisons (false match rate {percent(fmr)})"
    )
    if entries > 1:
        chance += f"; here there are {entries} entries that it could be mistaken for"
    return f"<p class='fp-words'>{text(chance)}.</p>"


def explained(explanation: Explanation) -> str:
    """The words of an explanation, and for a pair the score on its scale."""
    first, *rest = explanation.summary
    body = "".join(f"<p class='fp-words'>{text(sentence)}</p>" for sentence in rest)
    verdict = explanation.verification
    if verdict is None:
        return _card("plain", "", first, body)
    kind = "uncertain" if verdict.uncertain else "same" if verdict.same else "different"
    answer = _ANSWERS[kind]
    return _card(kind, answer, first, scale(verdict.score, verdict.threshold) + body)


def one_in(rate: float) -> str:
    """A rate as a count: "1 of 100"."""
    return f"1 of {round(1 / rate):,}"


def _chance(probability: float) -> str:
    """A probability that never claims to be sure."""
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else percent(round(probability, 3))


def _card(kind: str, answer: str, why: str, body: str, probe: str = "") -> str:
    about = f"<p class='fp-faint'>{text(probe)}</p>" if probe else ""
    title = f"<h3>{text(answer)}</h3>" if answer else ""
    return (
        f"<section class='fp-card fp-{kind}' role='status'>{about}{title}"
        f"<p class='fp-why'>{text(why)}</p>{body}</section>"
    )


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(v)}</dd></div>" for name, v in facts)
    return f"<dl class='fp-facts'>{rows}</dl>"


def _candidate(candidate: Candidate, lowest: float) -> str:
    over = " class='fp-over'" if candidate.score >= candidate.threshold else ""
    return (
        f"<li{over}><b>{text(candidate.name)}</b>"
        f"{scale(candidate.score, candidate.threshold, lowest=lowest)}</li>"
    )
