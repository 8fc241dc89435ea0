"""Results as parts of the web page: verdicts in words, with their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fingerprint_sdk.evidence.verdict import NO_EVIDENCE, support
from fingerprint_sdk.explanation import Explanation
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
from fingerprint_sdk.markup import joined, render
from fingerprint_sdk.verification import Verification
from fingerprint_sdk.web.quality import quality_list
from fingerprint_sdk.web.scale import scale
from fingerprint_sdk.web.uploads import Upload

if TYPE_CHECKING:
    from markupsafe import Markup


def verification(result: Verification, images: Sequence[Upload]) -> Markup:
    """The verdict on two sides.

    Args:
        result: the verdict.
        images: of both sides, side A first, as ``result.quality``.
    """
    said = [belief(result), settled_by(result)]
    if not result.reasons:
        said += [rates(result), condition(result)]
    parts = [_words(said), quality_list(images, result.quality)]
    if not result.reasons:
        # Otherwise a number would be read as evidence, which images without a fingerprint cannot
        # give.
        facts = render("web/parts/facts.html", facts=_numbers(result))
        parts = [_scale(result), facts, *parts]
    return _card(result, parts)


def identification(result: Identification, images: Sequence[Upload]) -> Markup:
    """The verdict on one probe against a gallery."""
    # One scale for all, so that scores can be compared down the card.
    drawn = [mark for mark in marks(result) if mark is not None]
    lowest = min([*drawn, *(candidate.score for candidate in result.candidates)])
    # The marks are the nearest one's: from which score it is named depends on the second, too.
    lines = [_scale(result, lowest)]
    lines += [scale(candidate.score, lowest=lowest) for candidate in result.candidates[1:]]
    candidates = [
        _candidate(candidate, line, result)
        for candidate, line in zip(result.candidates, lines, strict=True)
    ]
    said = [belief(result), family(result), settled_by(result)]
    if not result.reasons:
        said.append(condition(result))
    parts = [_words(said), quality_list(images, result.quality)]
    if not result.reasons:
        parts.insert(0, render("web/parts/candidates.html", candidates=candidates))
    return _card(result, parts, probe=", ".join(image.name for image in images))


def identification_rates(result: Identification) -> Markup:
    """How often answers of this gallery would be wrong."""
    return _words([rates(result)])


def explained(explanation: Explanation) -> Markup:
    """The words of an explanation, and its verdict on a scale: of the pair or the one image."""
    first, *rest = explanation.summary
    result: Result | None = explanation.verification
    if result is None:
        result = explanation.images[0].identification
    if result is None:
        return render(
            "web/parts/card.html", kind="plain", probe="", answer="", why=first, body=_words(rest)
        )
    return _card(result, [_words(rest)] if result.reasons else [_scale(result), _words(rest)])


def _numbers(result: Verification) -> list[tuple[str, str]]:
    return [
        ("Probability of same", chance(result.probability)),
        ("Beforehand", percent(result.prior)),
        ("False match rate", percent(result.fmr)),
        ("False non-match rate", percent(result.fnmr)),
        ("Images", f"{result.images[0]} against {result.images[1]}"),
    ]


def _scale(result: Result, lowest: float = 0.0) -> Markup:
    return scale(result.score, marks(result), bounds(result), lowest)


def _card(result: Result, parts: Iterable[Markup], probe: str = "") -> Markup:
    return render(
        "web/parts/card.html",
        kind=kind(result),
        probe=probe,
        answer=answer(result),
        why=why(result),
        body=joined(parts),
    )


def _words(sentences: Iterable[str]) -> Markup:
    return render("web/parts/words.html", sentences=[one for one in sentences if one])


def _candidate(candidate: Candidate, line: Markup, result: Identification) -> dict[str, object]:
    said = []
    # An entry of many images may support itself below a nearer one that counts against it.
    if result.verdict != "none" or candidate.likelihood_ratio < NO_EVIDENCE:
        said.append(support(candidate.likelihood_ratio))
    if candidate.copy is not None:
        said.append(f"compared as {candidate.copy}")
    named = candidate.name == result.best
    return {"name": candidate.name, "said": ", ".join(said), "line": line, "named": named}
