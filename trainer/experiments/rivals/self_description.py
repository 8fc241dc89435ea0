"""After Nguyen et al. 2025, Forensic Self-Descriptions: how an image's residual predicts itself.

A linear predictor, learned once, takes away what a pixel's neighbours say of it. What is left is
described, image by image, by the coefficients of the best linear predictor of it at three scales:
the self-description. In the manner of that work, not a copy: it learns eight predictors by descent
from real images and describes 960 numbers; here there is one a colour, in closed form, learned
from the seen generators' images. It fits a Gaussian mixture to each known source; here the
scatter within sources, one for all, is the measure of distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trainer.experiments.rivals.crops import embed_by, normalised
from trainer.progress import Progress, silent

# Luma and two opponent colours, orthonormal.
_COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


@dataclass
class SelfDescription:
    """Neighbourhoods (2·`reach` + 1)² less the centre, at each of `scales`; `side` px at most.

    `shrinkage` of the mean variance is added to all directions of the scatter within a source.
    """

    reach: int = 2
    scales: tuple[int, ...] = (1, 2, 4)
    side: int = 256
    shrinkage: float = 0.1
    title: str = field(default="self-descriptions", init=False)
    _predictor: np.ndarray | None = field(default=None, init=False, repr=False)
    _mean: np.ndarray | None = field(default=None, init=False, repr=False)
    _whitening: np.ndarray | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        pixels = [image for group in images.values() for image in group]
        normal = [[_normal(p, self.reach, 1) for p in self._planes(image)] for image in pixels]
        self._predictor = np.stack(
            [
                _solve(sum(n[c][0] for n in normal), sum(n[c][1] for n in normal))
                for c in range(len(_COLOURS))
            ]
        )
        rows = embed_by(pixels, self._describe)
        self._mean, deviation = rows.mean(0), rows.std(0) + 1e-6
        source = np.repeat(np.arange(len(images)), [len(group) for group in images.values()])
        self._whitening = self._scatter_off((rows - self._mean) / deviation, source)
        self._whitening /= deviation[:, None]

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 3 · scales · neighbours), whitened by the seen images, L2-normalised."""
        if self._mean is None:
            raise ValueError("fit this rival before it embeds")
        return normalised((embed_by(images, self._describe) - self._mean) @ self._whitening)

    def _scatter_off(self, rows: np.ndarray, source: np.ndarray) -> np.ndarray:
        """A matrix (D, D) after which rows (N, D) scatter alike in all directions of a source."""
        means = np.stack([rows[source == own].mean(0) for own in range(source.max() + 1)])
        scatter = np.cov(rows - means[source], rowvar=False)
        scatter += self.shrinkage * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
        values, vectors = np.linalg.eigh(scatter)
        return vectors / np.sqrt(values)

    def _planes(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        top, left = max(0, height - self.side) // 2, max(0, width - self.side) // 2
        cut = image[top : top + self.side, left : left + self.side].astype(np.float32)
        return np.einsum("ck,hwk->chw", _COLOURS.astype(np.float32), cut - 127.5)

    def _describe(self, image: np.ndarray) -> np.ndarray:
        parts = []
        for plane, predictor in zip(self._planes(image), self._predictor, strict=True):
            residual = _residual(plane, predictor, self.reach)
            parts += [_solve(*_normal(residual, self.reach, scale)) for scale in self.scales]
        return np.concatenate(parts)


def _neighbours(plane: np.ndarray, reach: int, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Each inner pixel's neighbours (count, pixels), and the pixels themselves (pixels,)."""
    margin = reach * scale
    height, width = plane.shape
    inner = [
        plane[margin + dy : height - margin + dy, margin + dx : width - margin + dx].ravel()
        for dy in range(-margin, margin + 1, scale)
        for dx in range(-margin, margin + 1, scale)
    ]
    centre = len(inner) // 2
    return np.stack(inner[:centre] + inner[centre + 1 :]), inner[centre]


def _normal(plane: np.ndarray, reach: int, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """The normal equations of predicting a pixel by its neighbours."""
    around, centre = _neighbours(plane, reach, scale)
    return (around @ around.T).astype(np.float64), (around @ centre).astype(np.float64)


def _solve(gram: np.ndarray, right: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    # Flat areas make the equations singular: a little ridge, in the equations' own unit.
    ridge *= np.trace(gram) / len(gram) + 1e-3
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), right)


def _residual(plane: np.ndarray, predictor: np.ndarray, reach: int) -> np.ndarray:
    around, centre = _neighbours(plane, reach, 1)
    height, width = plane.shape
    return (centre - predictor.astype(plane.dtype) @ around).reshape(
        height - 2 * reach, width - 2 * reach
    )
