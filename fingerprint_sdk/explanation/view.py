"""What an explanation shows of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.declaration import Agreement, Declaration
from fingerprint_sdk.explanation.declarations import declaration_dict
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.images.quality import Quality

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageView:
    """What the extractor meets in one image.

    Attributes:
        name: how messages name the image.
        pixels: uint8, shape (H, W, 3), RGB, with sides shorter than 128 resized to 128.
        residual: float64, shape (3, 128, 128), the window in the middle after ``high_pass``, in
            grey levels.
        spectrum: float64, shape (128, 128), dB: log power of the DFT of the Hann-windowed
            residual, mean over windows and channels, zero frequency in the middle. The logarithm
            is taken first, or the one window with most content would hide what all have in
            common.
        profile: float64, shape (65,), dB: azimuthal integration of the power (paper, equation
            (1)), mean alike, from frequency 0 to 0.5 cycles per pixel.
        tops, lefts: offsets of the windows on the two axes, in pixels.
        agreement: float64, shape (len(tops), len(lefts)): cosine of each window's embedding with
            the image's, -1 to 1. Low throughout: the fingerprint is weak, or differs from place
            to place. Low in one place: that place is flat, or was edited.
        quality: of the image.
        identification: its place in the gallery, if one was given.
        declaration: what its file says of itself; None where no path or encoded bytes were given.
        fit: how that agrees with ``identification``; None where either is missing.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    residual: Floats
    spectrum: Floats
    profile: Floats
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    agreement: Floats
    quality: Quality
    identification: Identification | None = None
    declaration: Declaration | None = None
    fit: Agreement | None = None

    def to_dict(self, private: bool = False) -> dict[str, Any]:
        """Plain values, ready for JSON; the pictures are left out.

        Args:
            private: with prompts and names of people that the file declares.
        """
        return {
            "name": self.name,
            "quality": self.quality.to_dict(),
            "profile": self.profile.tolist(),
            "tops": list(self.tops),
            "lefts": list(self.lefts),
            "agreement": self.agreement.tolist(),
            "identification": None
            if self.identification is None
            else self.identification.to_dict(),
            "declared": declaration_dict(self.declaration, self.fit, private),
        }
