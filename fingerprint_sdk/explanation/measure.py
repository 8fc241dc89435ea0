"""What an explanation measures of one image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import mean_embedding
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.explanation.view import Floats, ImageView
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.identification import Identification
from fingerprint_sdk.images import WINDOW_SIZE, LoadedImage, window_grid, windows
from fingerprint_sdk.images.grid import at_least_a_window
from fingerprint_sdk.images.quality import Quality, counted
from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude

_LONGEST = 16_384  # pixels of the long side of a picture narrower than a window
_FLOOR = 1e-6  # of power, so that a residual of nothing has a logarithm


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


def view_of(
    loaded: LoadedImage,
    model: Extractor,
    quality: Quality,
    identification: Identification | None,
) -> ImageView:
    """What the extractor meets in an image.

    Args:
        loaded: the image.
        model: the extractor.
        quality, identification: of the image, for the view.
    """
    crops = windows(loaded.pixels, budget=model.windows)
    vectors = model.embed_windows(crops)
    pixels = at_least_a_window(loaded.pixels)
    height, width = pixels.shape[:2]
    tops, lefts = (tuple(places) for places in window_grid(height, width, model.windows))
    mean = mean_embedding(vectors[counted(crops)])
    cosines = np.clip(vectors.astype(np.float64) @ mean, -1, 1)
    residual = high_pass(crops).astype(np.float64)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SIZE) / WINDOW_SIZE)
    power = np.square(dft_magnitude(residual * np.outer(hann, hann)))
    return ImageView(
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


def check_shape(loaded: LoadedImage) -> None:
    """Raise ImageError for a picture too thin to draw: enlarged, it would not fit into memory."""
    short, long = sorted(loaded.pixels.shape[:2])
    if short < WINDOW_SIZE and long > _LONGEST:
        raise ImageError(f"{loaded.name} is {long} pixels by {short}: too thin to draw, crop it")


def _decibel(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, _FLOOR)), np.float64)
