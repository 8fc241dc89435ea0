"""The verdict of an explanation in words."""

from __future__ import annotations

from collections.abc import Sequence

from fingerprint_sdk.explanation.view import ImageView
from fingerprint_sdk.verification import Identification, Verification

_QUALITY = {
    "too_small": "is smaller than a window of 128 pixels and was enlarged, which weakens it",
    "lossy": "carries lossy compression, which weakens it; the threshold allows for that",
    "flat": "is flat: it has no fingerprint, and no score of it means anything",
    "grey": "is grey: it has no colours, which are a part of the fingerprint",
}


def summary(views: Sequence[ImageView], verification: Verification | None) -> tuple[str, ...]:
    """See ``Explanation.summary``."""
    said: list[str] = []
    names = ["The image"] if len(views) == 1 else ["Image 1", "Image 2"]
    if verification is not None:
        said += _verdict(verification)
    for name, view in zip(names, views, strict=True):
        if view.identification is not None:
            said.append(_neighbour(name, view.identification))
    for name, view in zip(names, views, strict=True):
        said.append(_agreement(name, view))
        said += [f"{name} {_QUALITY[flag]}." for flag in view.quality.flags]
    return tuple(said)


def percent(rate: float) -> str:
    """A rate as people read it: "1 %", "0.1 %"."""
    return f"{100 * rate:g} %"


def _verdict(result: Verification) -> list[str]:
    reaches = "reaches" if result.same else "stays below"
    verdict = "Same generator" if result.same else "Different generators, or no sign of the same"
    said = [
        f"{verdict}: the score {result.score:.3f} {reaches} the threshold {result.threshold:.3f}.",
        f"Two images by different generators reach that threshold in {percent(result.fmr)} of "
        "comparisons (false match rate). If both answers were equally likely beforehand, the "
        f"probability of the same generator is now {percent(round(result.probability, 3))}.",
    ]
    if result.uncertain:
        said.append(
            "Do not rely on this verdict: the score is too near the threshold, or an image is "
            "flat."
        )
    return said


def _neighbour(name: str, result: Identification) -> str:
    first = result.candidates[0]
    if result.known:
        text = (
            f"{name} is nearest to {first.name}: the score {first.score:.3f} reaches the "
            f"threshold {first.threshold:.3f}, which a wrong entry does in {percent(result.fmr)} "
            "of comparisons."
        )
    else:
        text = (
            f"{name} is by none of the known generators, as far as can be told: the nearest, "
            f"{first.name}, scores {first.score:.3f}, below the threshold {first.threshold:.3f} "
            f"of a false match rate of {percent(result.fmr)}."
        )
    return text + (" Do not rely on this: it is a close call." if result.uncertain else "")


def _agreement(name: str, view: ImageView) -> str:
    count = view.agreement.size
    if count == 1:
        return f"{name} is a single window of 128 pixels; larger images decide better."
    return (
        f"The {count} windows of {name[0].lower() + name[1:]} agree with their mean by "
        f"{view.agreement.mean():.2f} on average, {view.agreement.min():.2f} at the lowest "
        "(1 is perfect)."
    )
