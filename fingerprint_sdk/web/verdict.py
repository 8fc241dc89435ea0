"""Results as parts of the web page: verdicts in words, with their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fingerprint_sdk.explanation import Explanation
from fingerprint_sdk.explanation.scale import candidates, scale_of
from fingerprint_sdk.explanation.sentences import (
    Result,
    answer,
    belief,
    chance,
    condition,
    family,
    kind,
    percent,
    presumed,
    rates,
    settled_by,
    why,
)
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.markup import joined, render
from fingerprint_sdk.verification import Verification
from fingerprint_sdk.web.quality import quality_list
from fingerprint_sdk.web.uploads import Upload

if TYPE_CHECKING:
    from markupsafe import Markup


def verification(result: Verification, images: Sequence[Upload]) -> Markup:
    """The verdict on two sides.

    Args:
        result: the verdict.
        images: of both sides, side A first, as ``result.quality``.
    """
    said = [belief(result), settled_by(result), presumed(result)]
    if not result.reasons:
        said += [rates(result), condition(result)]
    parts = [_words(said), quality_list(images, result.quality)]
    if not result.reasons:
        # Otherwise a number would be read as evidence, which images without a fingerprint cannot
        # give.
        facts = render("web/parts/facts.html", facts=_numbers(result))
        parts = [scale_of(result), facts, *parts]
    return _card(result, parts)


def identification(result: Identification, images: Sequence[Upload]) -> Markup:
    """The verdict on one probe against a gallery."""
    said = [belief(result), family(result), settled_by(result), presumed(result)]
    if not result.reasons:
        said.append(condition(result))
    parts = [_words(said), quality_list(images, result.quality)]
    if not result.reasons:
        parts.insert(0, candidates(result))
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
    return _card(result, [_words(rest)] if result.reasons else [scale_of(result), _words(rest)])


def _numbers(result: Verification) -> list[tuple[str, str]]:
    return [
        ("Probability of same", chance(result.probability)),
        ("Beforehand", percent(result.prior)),
        ("False match rate", percent(result.fmr)),
        ("False non-match rate", percent(result.fnmr)),
        ("Images", f"{result.images[0]} against {result.images[1]}"),
    ]


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
