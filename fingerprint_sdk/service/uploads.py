"""Images that clients send: checked by their headers, and named as the client named them."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import UploadFile

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.decode import encoded_size
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.text import visible

_LONGEST = 255  # characters of a name


class Upload(bytes):
    """An encoded image with the client's name of it; it may be read as often as needed."""

    name: str

    @classmethod
    def of(cls, content: bytes, name: str) -> Upload:
        """``content`` under ``name``."""
        upload = cls(content)
        upload.name = name
        return upload

    def __str__(self) -> str:
        return self.name


async def read_uploads(
    files: Sequence[UploadFile], limits: Limits, *, already: int = 0
) -> list[Upload]:
    """The images of a request.

    Args:
        files: as they came.
        limits: of the service.
        already: images that the request has beside these.

    Raises:
        ImageError: there are too many, or one has no file name.
    """
    if already + len(files) > limits.images:
        raise ImageError(
            f"{already + len(files)} images are more than the {limits.images} that this server "
            "takes in a request: send them in several"
        )
    return [
        Upload.of(await file.read(), visible(file.filename or "image")[:_LONGEST])
        for file in files
    ]


def check_pixels(uploads: Sequence[Upload], limits: Limits) -> None:
    """Refuse images that are too large, before they are decoded.

    What cannot be opened at all is let through: to decode it tells better what is wrong.

    Raises:
        ImageError: an image has more pixels than the server takes.
    """
    for upload in uploads:
        try:
            width, height = encoded_size(upload)
        except ImageError:
            continue
        if width * height > limits.pixels:
            raise ImageError(
                f"{upload.name!r} has {width}x{height} pixels, more than the {limits.pixels} that "
                "this server takes: crop it"
            )
