"""Uploaded images with what may make their fingerprints weak."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.markup import render
from fingerprint_sdk.web.uploads import Upload

if TYPE_CHECKING:
    from markupsafe import Markup

_THUMBNAIL = 96  # pixels, shown at half of it for dense screens
_FLAGS = {
    "too_small": ("small", "a side below 128 pixels was enlarged, which weakens the fingerprint"),
    "tiny": ("tiny", "nearly all that is seen of it is our enlargement, so nothing can be said"),
    "lossy": ("lossy", "compression weakens the fingerprint; the error rates allow for that"),
    "flat": ("flat", "there is no fingerprint in it, and no score of it means anything"),
    "grey": ("grey", "without colours, which are a part of the fingerprint"),
    "untypical": ("untypical", "like nothing that the model was calibrated for"),
}


def quality_list(images: Sequence[Upload], quality: Sequence[Quality]) -> Markup:
    """Every image with its thumbnail, format and the problems found."""
    weak = sum(bool(one.flags) for one in quality)
    return render(
        "web/parts/quality.html",
        open=len(quality) <= 6,
        said=f"{weak} of {len(quality)} with a remark" if weak else "no remarks",
        images=[_seen(image, one) for image, one in zip(images, quality, strict=True)],
    )


def _seen(image: Upload, quality: Quality) -> dict[str, object]:
    facts = f"{quality.width} by {quality.height} pixels, {quality.format or 'no format'}"
    if quality.jpeg_quality is not None:
        facts += f" quality {quality.jpeg_quality}"
    flags = [_FLAGS[flag] for flag in quality.flags]
    return {"thumbnail": _thumbnail(image), "name": image.name, "facts": facts, "flags": flags}


def _thumbnail(image: Upload) -> str:
    small = Image.fromarray(load_image(image).pixels)
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
