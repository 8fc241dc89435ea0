"""What a result amounts to, in sentences that the pages and ``Explanation.summary`` share.

Verdicts, rates and numbers are the results' own. Where nothing can be said, no number is told.
"""

from __future__ import annotations

from typing import TypeAlias

from fingerprint_sdk.declaration import Agreement, Credentials
from fingerprint_sdk.evidence.verdict import Verdict, rounded
from fingerprint_sdk.identification import Identification, Named
from fingerprint_sdk.verification import Verification

Result: TypeAlias = Verification | Identification

_ANSWERS: dict[Verdict, str] = {
    "same": "Same generator",
    "different": "Different generators",
    "inconclusive": "Inconclusive",
}
_KINDS: dict[Named, Verdict] = {
    "named": "same",
    "none": "different",
    "inconclusive": "inconclusive",
}
_REASONS = {
    "flat": "A flat image has no fingerprint to compare.",
    "tiny": (
        "An image is so small that nearly all that is seen of it is our own enlargement, which "
        "any two share."
    ),
    "untypical": (
        "The signal of an image is like nothing that the model was calibrated for, so no error "
        "rate holds."
    ),
    "contents": (
        "Both sides show the same: one picture, or words, a logo or a frame over them. That makes "
        "them alike whoever made them."
    ),
    "pattern": (
        "The same regular pattern runs through both sides, such as resizing, turning, print or a "
        "screen leave, and hardly any generator. That makes them alike whoever made them."
    ),
}
CONDITIONS = {
    "as is": "unprocessed images",
    "lossy": "finely compressed images",
    "coarse": "coarsely compressed images",
    "resized": "resized images",
    "grey": "grey images",
    "other": "images that were processed in another way",
}
"""What is meant by each of ``images.treatment.TREATMENTS``."""


def kind(result: Result) -> Verdict:
    """The verdict; of an identification the one that it corresponds to."""
    return result.verdict if isinstance(result, Verification) else _KINDS[result.verdict]


def answer(result: Result) -> str:
    """The verdict as a title."""
    if isinstance(result, Verification):
        return _ANSWERS[result.verdict]
    if result.verdict == "named":
        return called(result)
    if result.verdict == "none":
        return "None of these"
    return "Inconclusive" if result.reasons else f"Inconclusive, nearest {called(result)}"


def called(result: Identification) -> str:
    """The nearest, with the generators that it may be."""
    if not result.members:
        return result.nearest
    return f"{result.nearest} ({', '.join(result.members)})"


def family(result: Result) -> str:
    """That the members of a family are not told apart; empty where there is nothing to tell."""
    if isinstance(result, Verification) or result.reasons or len(result.members) < 2:
        return ""
    return (
        f"The answer is the family: its {len(result.members)} members share an image decoder and "
        "are not told apart."
    )


def marks(result: Result) -> tuple[float | None, float | None]:
    """Scores that bound the verdicts, to be drawn: "different" below, "same" from.

    None where nothing can be said.
    """
    return (None, None) if result.reasons else (result.missed, result.threshold)


def why(result: Result) -> str:
    """What the verdict rests on, with the scores."""
    if result.reasons:
        return " ".join(_REASONS[reason] for reason in result.reasons)
    verdict = kind(result)
    below, above = bounds(result)
    of = "" if isinstance(result, Verification) else f" of {result.nearest}, the nearest,"
    if verdict == "same":
        score, limit = spelled(result.score, result.threshold)
        return f"The score {score}{of} reaches the threshold {limit}."
    if verdict == "different":
        score, limit = spelled(result.score, result.missed)
        return f"The score {score}{of} stays below {limit}."
    score, low, high = spelled(result.score, result.missed, result.threshold)
    return f"The score {score}{of} lies between two: {below} {low}, {above} {high}."


def bounds(result: Result) -> tuple[str, str]:
    """What the two ``marks`` are, each to be followed by its score."""
    if isinstance(result, Verification):
        return "different below", "same from"
    return "none of these below", "named from"


def rates(result: Result) -> str:
    """How often each answer would be wrong."""
    if isinstance(result, Verification):
        return (
            f"Of comparisons of different generators {one_in(result.fmr)} would be called the "
            f"same; of comparisons of one generator {one_in(result.fnmr)} would be called "
            "different."
        )
    return (
        f"Of probes by generators outside the gallery, of {gallery(result)}, "
        f"{one_in(result.fpir)} would be named; of probes by generators in it "
        f"{one_in(result.fnir)} would be called none of these."
    )


def gallery(result: Identification) -> str:
    """What it was compared with: "16 families", or "4 entries" where these are of no family."""
    one, many = ("entry", "entries")
    if any(candidate.members for candidate in result.candidates):
        one, many = ("family", "families")
    return f"1 {one}" if result.compared == 1 else f"{result.compared:,} {many}"


def belief(result: Result) -> str:
    """The likelihood ratio and what it makes of the prior; empty where nothing can be said."""
    if result.reasons:
        return ""
    of = "that both sides share a generator"
    if isinstance(result, Identification):
        of = f"that it is {result.nearest}"
    return (
        f"{result.words} The probability {of}, {percent(result.prior)} beforehand, is now "
        f"{chance(result.probability)}."
    )


def not_said(result: Result) -> str:
    """What the likelihood ratio does not say; empty where nothing can be said."""
    if result.reasons:
        return ""
    one = "one generator made both sides"
    more = ""
    if isinstance(result, Identification):
        one = f"{result.nearest} made it"
        more = " It sets the nearest entry against generators that the gallery does not hold."
    return (
        f"The likelihood ratio is not the probability that {one}: that rests on all else that is "
        f"known, too, here summed up as {percent(result.prior)} beforehand.{more} It says nothing "
        "of who used a generator, or when, nor whether what is shown is true; and no ratio allows "
        "for a forged trace."
    )


def ratio(result: Result) -> str:
    """The likelihood ratio as a person would say it: "320", or "1/320" where it is against."""
    value = result.likelihood_ratio
    return rounded(value) if value >= 1 else f"1/{rounded(1 / value)}"


def presumed(result: Result) -> str:
    """What an answer that denies presumes; empty for another one."""
    if kind(result) != "different":
        return ""
    return (
        "That presumes that no image was resized, filtered or recompressed without its file "
        "showing it: then images of one generator look different, too."
    )


def settled_by(result: Result) -> str:
    """What would settle an inconclusive answer; empty for another one."""
    if kind(result) != "inconclusive":
        return ""
    if "contents" in result.reasons:
        return "Images that show something else may settle it."
    if "pattern" in result.reasons:
        return "Other images may settle it, best as they were made and never resized."
    if result.reasons:
        return "Other images may settle it, best as the generator made them."
    if isinstance(result, Identification):
        return "More images by the same generator, judged together, may settle it."
    if result.images_needed is None:
        return (
            "More images of this kind would hardly settle it; less processed ones may, as the "
            "generator made them."
        )
    return (
        f"With {result.images_needed} images on each side, sides as alike as these would be "
        "called the same."
    )


def condition(result: Result) -> str:
    """What the rates are calibrated for, and how many images had a vote."""
    if isinstance(result, Verification):
        counts = f"{result.images[0]} against {result.images[1]}"
        voted = sum(result.images)
    else:
        voted = result.images
        counts = "1 image" if voted == 1 else f"{voted} images together"
    said = f"Judged as {CONDITIONS[result.condition]}, {counts}."
    if 0 < voted < len(result.quality):
        said += (
            f" {len(result.quality) - voted} of {len(result.quality)} images had no vote: given "
            "twice, flat, or like nothing that was calibrated."
        )
    if isinstance(result, Verification) and result.copy is not None:
        said += f" The side without lossy compression was compared as {result.copy}."
    return said


def fitting(agreement: Agreement) -> str:
    """Whether what a file declares fits what was measured of it."""
    if agreement.about == "nothing":
        return "The file declares nothing about a generator or a camera."
    word = f'"{agreement.declared}"'
    what = {
        "model": word,
        "camera": f"a camera, {word}",
        "generated": f"a generator, but none of a known family, {word}",
    }[agreement.about]
    found = agreement.measured or "none of the known generators"
    if agreement.fit == "agrees":
        return f"The file declares {what}. That agrees with the measurement, {found}."
    if agreement.fit == "contradicts":
        return f"The file declares {what}. That contradicts the measurement, {found}."
    return f"The file declares {what}. That neither confirms nor contradicts the measurement."


def signature(credentials: Credentials) -> str:
    """What is known of the signature of a file's content credentials."""
    by = f" by {credentials.signer}" if credentials.signer else ""
    because = f" ({', '.join(credentials.problems)})" if credentials.problems else ""
    if credentials.validation == "trusted":
        return f"validly signed{by}, which a trust list names"
    if credentials.validation == "valid":
        return f"validly signed{by}, by its own word: no trust list was asked"
    if credentials.validation == "invalid":
        return f"invalid: the signature does not hold, or the file was changed since{because}"
    return f"not validated{because}"


def percent(rate: float) -> str:
    """A rate as people read it: "1 %", "0.1 %"."""
    return f"{100 * rate:g} %"


def one_in(rate: float) -> str:
    """A rate as a count, "1 in 100", or in per cent where it is none."""
    count = round(1 / rate)
    return f"1 in {count:,}" if abs(rate * count - 1) < 1e-6 else percent(rate)


def chance(probability: float) -> str:
    """A probability that never claims to be sure."""
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else percent(round(probability, 3))


def spelled(*numbers: float) -> list[str]:
    """Numbers with three digits behind the point, or as many more as tell them apart."""
    for digits in range(3, 7):
        texts = [f"{number:.{digits}f}" for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts
