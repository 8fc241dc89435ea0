"""See why: what a fingerprint is taken from, and what a decision rests on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk._default import default_extractor
from fingerprint_sdk.embedding import image_embedding, mean_embedding
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.explanation.view import Floats, ImageView
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.images import WINDOW_SIZE, LoadedImage, load_image, window_grid, windows
from fingerprint_sdk.images.grid import at_least_a_window
from fingerprint_sdk.images.quality import assess, counted
from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude
from fingerprint_sdk.verification import Verification

if TYPE_CHECKING:
    from fingerprint_sdk.gallery import Gallery
    from fingerprint_sdk.images import ImageInput

_NEIGHBOURS = 8
_LONGEST = 16_384  # pixels of the long side of a picture narrower than a window
_FLOOR = 1e-6  # of power, so that a residual of nothing has a logarithm


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one image, or a pair, is judged as it is.

    Attributes:
        images: one view, or two.
        verification: of the pair; None for one image.
        model: name and version of the extractor.
    """

    images: tuple[ImageView, ...]
    verification: Verification | None
    model: str

    @property
    def summary(self) -> tuple[str, ...]:
        """The verdict in words, with its error rate; one sentence or more each."""
        from fingerprint_sdk.explanation.words import summary

        return summary(self.images, self.verification)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; the pictures are left out."""
        return {
            "model": self.model,
            "summary": list(self.summary),
            "images": [view.to_dict() for view in self.images],
            "verification": None if self.verification is None else self.verification.to_dict(),
        }

    def pictures(self) -> dict[str, bytes]:
        """The pictures, PNG files by name: "1-windows", "1-residual", "1-spectrum", "profile"...

        Raises:
            FingerprintError: matplotlib is not installed (extra ``plots``).
        """
        from fingerprint_sdk.explanation.plots import pictures

        return pictures(self.images)

    def html(self) -> str:
        """One page with everything in it: it loads nothing from anywhere.

        Raises:
            FingerprintError: matplotlib is not installed (extra ``plots``).
        """
        from fingerprint_sdk.explanation.page import page

        return page(self.images, self.verification, self.model, self.pictures())

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write one page if ``path`` ends in .html, else a folder of PNG files and the page.

        Returns:
            The files written, the page last.

        Raises:
            FingerprintError: a file cannot be written, or matplotlib is not installed.
        """
        from fingerprint_sdk.explanation.page import page, save

        pictures = self.pictures()
        written = page(self.images, self.verification, self.model, pictures)
        return save(written, pictures, Path(path))


def explain(
    image: ImageInput,
    other: ImageInput | None = None,
    gallery: Gallery | None = None,
    *,
    model: Extractor | None = None,
    fmr: float | None = None,
) -> Explanation:
    """Show what the fingerprint of an image is taken from, and what a decision rests on.

    Args:
        image: the image.
        other: a second one to verify it against.
        gallery: known models to compare with.
        model: the extractor; None for the gallery's, or else the default model.
        fmr: false match rate to decide at; None for the model's default.

    Raises:
        ImageError: an image cannot be used.
        GalleryError: the gallery is empty or belongs to another model.
        OperatingPointError: ``fmr`` lies outside the calibrated range.
    """
    if model is None:
        model = default_extractor() if gallery is None else gallery.extractor
    if gallery is not None:
        gallery.check_model(model)
    sources = [image] if other is None else [image, other]
    looked = [_view(source, model, gallery, fmr) for source in sources]
    verification = None
    if len(looked) == 2:
        verification = model.verify(*(loaded for _, loaded in looked), fmr=fmr)
    views = tuple(view for view, _ in looked)
    return Explanation(views, verification, f"{model.name} {model.version}")


def high_pass(windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pixels minus their blur by the 3x3 binomial kernel ``outer([1, 2, 1], [1, 2, 1]) / 16``.

    Borders are mirrored. It stands in for the residual inside the model, which it resembles in
    what it removes (the content) and not in detail.

    Args:
        windows: uint8, shape (..., H, W).

    Returns:
        float32, same shape, grey levels.
    """
    pixels = windows.astype(np.float32)
    padding = [(0, 0)] * (pixels.ndim - 2) + [(1, 1), (1, 1)]
    padded = np.pad(pixels, padding, mode="reflect")
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    blurred = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16
    return np.asarray(pixels - blurred, np.float32)


def _view(
    source: ImageInput, model: Extractor, gallery: Gallery | None, fmr: float | None
) -> tuple[ImageView, LoadedImage]:
    """The view of an image, and the image, decoded."""
    loaded = load_image(source)
    _check_shape(loaded)
    crops = windows(loaded.pixels, budget=model.windows)
    counts = counted(crops)
    quality = assess(loaded, crops[counts])
    vectors = model.embed_windows(crops)
    pixels = at_least_a_window(loaded.pixels)
    height, width = pixels.shape[:2]
    tops, lefts = (tuple(places) for places in window_grid(height, width, model.windows))
    cosines = np.clip(vectors.astype(np.float64) @ mean_embedding(vectors[counts]), -1, 1)
    residual = high_pass(crops).astype(np.float64)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SIZE) / WINDOW_SIZE)
    power = np.square(dft_magnitude(residual * np.outer(hann, hann)))
    identification = None
    if gallery is not None:
        identification = gallery.search(
            image_embedding(vectors[counts], model.constant)[None],
            model.calibration,
            quality=(quality,),
            fmr=fmr,
            top=_NEIGHBOURS,
        )
    view = ImageView(
        name=loaded.name,
        pixels=pixels,
        residual=residual[len(residual) // 2],
        spectrum=np.fft.fftshift(_decibel(power).mean(axis=(0, 1))),
        profile=_decibel(azimuthal_integration(power)).mean(axis=(0, 1)),
        tops=tops,
        lefts=lefts,
        agreement=cosines.reshape(len(tops), len(lefts)),
        quality=quality,
        identification=identification,
    )
    return view, loaded


def _check_shape(loaded: LoadedImage) -> None:
    """Enlarged to a window's side, a very thin picture would not fit into memory."""
    short, long = sorted(loaded.pixels.shape[:2])
    if short < WINDOW_SIZE and long > _LONGEST:
        raise ImageError(f"{loaded.name} is {long} pixels by {short}: too thin to draw, crop it")


def _decibel(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, _FLOOR)), np.float64)
