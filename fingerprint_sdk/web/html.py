"""Results as parts of the web page: verdicts, scores on a scale, and quality, in words."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence

from PIL import Image

from fingerprint_sdk.explanation import Explanation
from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.explanation.words import percent
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.gallery.file import Entry
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.verification import Candidate, Identification, Verification
from fingerprint_sdk.web.uploads import Upload, UploadLimit

_ANSWERS = {
    "same": "Same generator",
    "different": "Different generators",
    "uncertain": "Uncertain",
}
_THUMBNAIL = 96  # pixels, shown at half of it for dense screens
_FLAGS = {
    "too_small": ("small", "a side below 128 pixels was enlarged, which weakens the fingerprint"),
    "lossy": ("lossy", "compression weakens the fingerprint; the threshold allows for that"),
    "flat": ("flat", "there is no fingerprint in it, and no score of it means anything"),
}


def header() -> str:
    """The top of the page."""
    return (
        "<header class='fp-header'><h1>Fingerprint</h1><p>Which generative model made this image? "
        "The answer is evidence with a stated error rate, not proof.</p></header>"
    )


def footer(model: Extractor, limit: UploadLimit) -> str:
    """The bottom of the page: the model, and what happens to uploads."""
    return (
        f"<footer class='fp-footer'>Model {text(model.name)} {text(model.version)}. Files of at "
        f"most {limit.megabytes:g} MB each; they stay on the machine that serves this page and "
        "are deleted from it within two hours.</footer>"
    )


def notice(message: str, kind: str = "problem") -> str:
    """A sentence about what went wrong ("problem"), what happened ("done"), or "hint"."""
    role = "alert" if kind == "problem" else "status"
    return f'<div class="fp-notice fp-{kind}" role="{role}">{text(_sentence(message))}</div>'


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


def scale(
    score: float,
    threshold: float,
    band: tuple[float, float] | None = None,
    lowest: float = 0.0,
) -> str:
    """The score and the threshold on a line to 1, from 0 or a tenth below what is negative."""
    lowest = math.floor(10 * min(0.0, lowest, score, threshold)) / 10

    def place(value: float) -> float:
        return round(100 * (min(value, 1.0) - lowest) / (1 - lowest), 2)

    shade = ""
    if band is not None and band[0] < band[1]:
        left, right = place(band[0]), place(band[1])
        shade = f"<span class='fp-band' style='left:{left}%;width:{right - left:.2f}%'></span>"
    spoken = f"score {score:.3f}, threshold {threshold:.3f}, on a scale from {lowest:.2g} to 1"
    return (
        f"<div class='fp-scale' role='img' aria-label='{spoken}'>"
        f"{_label('fp-above', place(score), f'score {score:.3f}')}"
        f"<span class='fp-end'>{lowest:.2g}</span>"
        f"<div class='fp-line'>{shade}"
        f"<span class='fp-fill' style='width:{place(score)}%'></span>"
        f"<span class='fp-tick' style='left:{place(threshold)}%'></span>"
        f"<span class='fp-dot' style='left:{place(score)}%'></span></div>"
        "<span class='fp-end'>1</span>"
        f"{_label('fp-below', place(threshold), f'threshold {threshold:.3f}')}</div>"
    )


def quality_list(images: Sequence[Upload], quality: Sequence[Quality]) -> str:
    """Every image with its thumbnail, format and the problems found."""
    rows = "".join(_quality(image, one) for image, one in zip(images, quality, strict=True))
    weak = sum(bool(one.flags) for one in quality)
    said = f"{weak} of {len(quality)} with a remark" if weak else "no remarks"
    fold = "" if len(quality) > 6 else " open"
    return (
        f"<details class='fp-quality'{fold}><summary>Image quality: {said}</summary>"
        f"<ul>{rows}</ul></details>"
    )


def gallery_list(entries: Iterable[tuple[str, Entry]], origin: str) -> str:
    """The gallery in use, and where it came from."""
    entries = list(entries)
    if not entries:
        return notice("The gallery is empty. Enroll generators, or open a gallery file.", "hint")
    chips = "".join(
        f"<li>{text(name)} <span>{len(entry.embeddings)}</span></li>" for name, entry in entries
    )
    count = f"{len(entries)} generator" + ("s" if len(entries) > 1 else "")
    return (
        f"<section class='fp-gallery'><p>Gallery in use: <b>{count}</b>, {text(origin)}. The "
        f"number is that of enrolled images.</p><ul>{chips}</ul></section>"
    )


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


def _label(side: str, place: float, words: str) -> str:
    # Shifted by its own share of the width, a label stays inside at both ends.
    style = f"left:{place}%;transform:translateX(-{place}%)"
    return f"<div class='{side}'><span style='{style}'>{words}</span></div>"


def _quality(image: Upload, quality: Quality) -> str:
    facts = f"{quality.width} by {quality.height} pixels, {quality.format or 'no format'}"
    if quality.jpeg_quality is not None:
        facts += f" quality {quality.jpeg_quality}"
    flags = "".join(
        f"<div><mark>{_FLAGS[flag][0]}</mark> {_FLAGS[flag][1]}</div>" for flag in quality.flags
    )
    return (
        f"<li><img alt='' src='{_thumbnail(image)}'><div><b>{text(image.name)}</b>"
        f"<div class='fp-faint'>{facts}</div>{flags}</div></li>"
    )


def _thumbnail(image: Upload) -> str:
    small = Image.fromarray(load_image(image).pixels)
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def _sentence(message: str) -> str:
    """An error's message as a sentence."""
    message = message[:1].upper() + message[1:]
    return message if message.endswith((".", "!", "?", "”")) else message + "."
