"""What one request, and all of them together, may take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fingerprint_sdk.errors import ArgumentError


@dataclass(frozen=True)
class Limits:
    """Bounds of the service. All are more than 0.

    Attributes:
        megabytes: of the body of a request, 2**20 bytes each.
        megapixels: of an image, 10**6 pixels each.
        images: of a request.
        seconds: from a request's first byte to its answer.
        requests: that are worked on or wait at a time; one more is told to come again. Times
            ``megabytes``, it bounds the memory that uploads take.
        batch: images of waiting requests that are embedded in one call.
    """

    megabytes: float = 32.0
    megapixels: float = 64.0
    images: int = 32
    seconds: float = 60.0
    requests: int = 32
    batch: int = 16

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"the limit of {name} must be more than 0, not {value}")

    @property
    def bytes(self) -> int:
        """Of the body of a request."""
        return max(1, round(self.megabytes * 2**20))

    @property
    def pixels(self) -> int:
        """Of an image."""
        return max(1, round(self.megapixels * 10**6))
