"""Marra et al. 2019, "Do GANs leave artificial fingerprints?": the averaged noise residual.

A generator's fingerprint is the mean of its images' noise residuals, x - denoise(x); an image
belongs to the fingerprint its own residual correlates with most. Nothing is trained: `embed` gives
residuals less their mean, so that a cosine is a correlation coefficient, and a gallery's mean is
the fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from trainer.denoiser import load_weights
from trainer.experiments.rivals.crops import embed_by, normalised
from trainer.progress import Progress, silent


@dataclass
class Marra:
    """`side`: the residual of this many px from the top left, where the pixel grids align.

    `denoiser`: published weights, "student" (fast) or "dncnn" (as in the paper's own method).
    Embeddings have 3·side² numbers; a smaller image's residual is padded with zeros.
    """

    side: int = 256
    denoiser: str = "student"
    title: str = field(default="Marra et al.", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        """Loads the denoiser; there is nothing to learn."""
        self._network = load_weights(self.denoiser).eval()

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 3·side²), L2-normalised."""
        return normalised(embed_by(images, self._residual))

    @torch.inference_mode()
    def _residual(self, image: np.ndarray) -> np.ndarray:
        if self._network is None:
            raise ValueError("fit this rival before it embeds")
        margin, cut = self._network.margin, image[: self.side, : self.side]
        padded = np.pad(cut, [(margin, margin), (margin, margin), (0, 0)], mode="symmetric")
        pixels = torch.from_numpy(padded.transpose(2, 0, 1).copy())[None].float() / 255.0
        residual = self._network(pixels)[0].numpy()
        out = np.zeros((3, self.side, self.side), np.float32)
        out[:, : cut.shape[0], : cut.shape[1]] = residual - residual.mean(
            axis=(1, 2), keepdims=True
        )
        return out.ravel()
