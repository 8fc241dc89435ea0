"""Nearest centroid on the raw log spectrum: what anyone tries first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fingerprint_sdk.images import WINDOW_SIZE, windows
from trainer.experiments.rivals.crops import embed_by, normalised
from trainer.progress import Progress, silent


@dataclass
class Spectrum:
    """Log power of the grey image's DFT under a Hann window, averaged over its windows.

    No residual, no learning, but the seen generators' mean is taken off, since all natural spectra
    point the same way. A gallery's mean is then a centroid, and cosine says which is nearest.
    """

    title: str = field(default="raw log spectrum", init=False)
    _mean: np.ndarray | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        means = [embed_by(pixels, log_spectrum).mean(0) for pixels in images.values()]
        self._mean = np.mean(means, axis=0)

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 128·65), L2-normalised."""
        if self._mean is None:
            raise ValueError("fit this rival before it embeds")
        return normalised(embed_by(images, log_spectrum) - self._mean)


def log_spectrum(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> (128·65,): mean power over the windows, then the logarithm."""
    hann = np.hanning(WINDOW_SIZE + 1)[:-1]
    grey = windows(image).mean(axis=1) - 127.5
    power = np.abs(np.fft.rfft2(grey * np.outer(hann, hann))) ** 2
    return np.log(power.mean(axis=0) + 1.0).ravel()
