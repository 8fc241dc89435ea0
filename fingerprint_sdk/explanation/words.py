"""An explanation in words."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint_sdk.explanation.sentences import (
    Result,
    answer,
    belief,
    condition,
    presumed,
    rates,
    settled_by,
    why,
)
from fingerprint_sdk.explanation.view import ImageView
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import Verification

_QUALITY = {
    "too_small": "is smaller than a window of 128 pixels and was enlarged, which weakens it",
    "tiny": "is so small that hardly more than our enlargement is seen: nothing can be said of it",
    "lossy": "carries lossy compression, which weakens it; the error rates allow for that",
    "flat": "is flat: it has no fingerprint, and no score of it means anything",
    "grey": "is grey: it has no colours, which are a part of the fingerprint",
    "untypical": "is like nothing that the model was calibrated for: no error rate holds for it",
}


def summary(views: Sequence[ImageView], verification: Verification | None) -> tuple[str, ...]:
    """See ``Explanation.summary``."""
    said: list[str] = []
    names = ["The image"] if len(views) == 1 else ["Image 1", "Image 2"]
    if verification is not None:
        said += _told("", verification)
    found = [view.identification for view in views]
    for name, known in zip(names, found, strict=True):
        if known is not None:
            said += _told(f"{name} in the gallery: ", known)
    judged = [one for one in (verification, *found) if one is not None and not one.reasons]
    said += dict.fromkeys(rates(one) for one in judged)  # once those of a gallery
    for name, view in zip(names, views, strict=True):
        if not view.quality.flat:
            said.append(_agreement(name, view))
        said += remarks(name, view.quality)
    return tuple(said)


def remarks(name: str, quality: Quality) -> list[str]:
    """What is weak about an image, in sentences about ``name``."""
    return [f"{name} {_QUALITY[flag]}." for flag in quality.flags]


def _told(start: str, result: Result) -> list[str]:
    said = [
        f"{start}{answer(result)}. {why(result)}",
        belief(result),
        settled_by(result),
        presumed(result),
    ]
    if not result.reasons:
        said.append(condition(result))
    return [one for one in said if one]


def _agreement(name: str, view: ImageView) -> str:
    count = view.agreement.size
    if count == 1:
        return f"{name} is a single window of 128 pixels; larger images decide better."
    return (
        f"The {count} windows of {name[0].lower() + name[1:]} agree with their mean by "
        f"{view.agreement.mean():.2f} on average, {view.agreement.min():.2f} at the lowest "
        "(1 is perfect)."
    )
