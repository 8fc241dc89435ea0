"""Uploaded images with what may make their fingerprints weak."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image

from fingerprint_sdk.explanation.page import text
from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.web.uploads import Upload

_THUMBNAIL = 96  # pixels, shown at half of it for dense screens
_FLAGS = {
    "too_small": ("small", "a side below 128 pixels was enlarged, which weakens the fingerprint"),
    "lossy": ("lossy", "compression weakens the fingerprint; the error rates allow for that"),
    "flat": ("flat", "there is no fingerprint in it, and no score of it means anything"),
    "grey": ("grey", "without colours, which are a part of the fingerprint"),
    "untypical": ("untypical", "like nothing that the model was calibrated for"),
}


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
