"""Results as parts of the web page: verdicts in words, with their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, support
from fingerprint_sdk.explanation import Explanation
from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.explanation.sentences import (
    Result,
    answer,
    belief,
    bounds,
    chance,
    condition,
    family,
    kind,
    marks,
    percent,
    rates,
    settled_by,
    why,
)
from fingerprint_sdk.identification import Candidate, Identification
from fingerprint_sdk.verification import Verification
from fingerprint_sdk.web.quality import quality_list
from fingerprint_sdk.web.scale import scale
from fingerprint_sdk.web.uploads import Upload


def verification(result: Verification, images: Sequence[Upload]) -> str:
    """The verdict on two sides.

    Args:
        result: the verdict.
        images: of both sides, side A first, as ``result.quality``.
    """
    # A number would be read as evidence, which images without a fingerprint cannot give.
    shown = "" if result.reasons else _scale(result) + _facts(_numbers(result))
    said = [belief(result), settled_by(result)]
    if not result.reasons:
        said += [rates(result), condition(result)]
    return _card(result, shown + _words(said) + quality_list(images, result.quality))


def identification(result: Identification, images: Sequence[Upload]) -> str:
    """The verdict on one probe against a gallery."""
    # One scale for all, so that scores can be compared down the card.
    drawn = [mark for mark in marks(result) if mark is not None]
    lowest = min([*drawn, *(candidate.score for candidate in result.candidates)])
    # The marks are the nearest one's: from which score it is named depends on the second, too.
    lines = [_scale(result, lowest)]
    lines += [scale(candidate.score, lowest=lowest) for candidate in result.candidates[1:]]
    rows = "".join(
        _candidate(candidate, line, result)
        for candidate, line in zip(result.candidates, lines, strict=True)
    )
    shown = "" if result.reasons else f"<ol class='fp-candidates'>{rows}</ol>"
    said = [belief(result), family(result), settled_by(result)]
    if not result.reasons:
        said.append(condition(result))
    return _card(
        result,
        shown + _words(said) + quality_list(images, result.quality),
        probe=", ".join(image.name for image in images),
    )


def identification_rates(result: Identification) -> str:
    """How often answers of this gallery would be wrong."""
    return _words([rates(result)])


def explained(explanation: Explanation) -> str:
    """The words of an explanation, and its verdict on a scale: of the pair or the one image."""
    first, *rest = explanation.summary
    result: Result | None = explanation.verification
    if result is None:
        result = explanation.images[0].identification
    if result is None:
        return _plain(first, _words(rest))
    shown = "" if result.reasons else _scale(result)
    return _card(result, shown + _words(rest))


def _numbers(result: Verification) -> list[tuple[str, str]]:
    return [
        ("Probability of same", chance(result.probability)),
        ("Beforehand", percent(result.prior)),
        ("False match rate", percent(result.fmr)),
        ("False non-match rate", percent(result.fnmr)),
        ("Images", f"{result.images[0]} against {result.images[1]}"),
    ]


def _scale(result: Result, lowest: float = 0.0) -> str:
    return scale(result.score, marks(result), bounds(result), lowest)


def _card(result: Result, body: str, probe: str = "") -> str:
    about = f"<p class='fp-faint'>{text(probe)}</p>" if probe else ""
    return (
        f"<section class='fp-card fp-{kind(result)}' role='status'>{about}"
        f"<h3>{text(answer(result))}</h3><p class='fp-why'>{text(why(result))}</p>{body}</section>"
    )


def _plain(why: str, body: str) -> str:
    return (
        f"<section class='fp-card fp-plain' role='status'><p class='fp-why'>{text(why)}</p>"
        f"{body}</section>"
    )


def _words(sentences: Iterable[str]) -> str:
    return "".join(f"<p class='fp-words'>{text(one)}</p>" for one in sentences if one)


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(v)}</dd></div>" for name, v in facts)
    return f"<dl class='fp-facts'>{rows}</dl>"


def _candidate(candidate: Candidate, line: str, result: Identification) -> str:
    said = []
    # An entry of many images may support itself below a nearer one that counts against it.
    if result.verdict != "none" or candidate.likelihood_ratio < NO_EVIDENCE:
        said.append(support(candidate.likelihood_ratio))
    if candidate.copy is not None:
        said.append(f"compared as {candidate.copy}")
    over = " class='fp-over'" if candidate.name == result.best else ""
    return (
        f"<li{over}><b>{text(candidate.name)}</b> "
        f"<span class='fp-faint'>{text(', '.join(said))}</span>{line}</li>"
    )
