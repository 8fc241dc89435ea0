"""Pretend embeddings: models in places of their own."""

from __future__ import annotations

import numpy as np


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def clusters(models: int, images: int, spread: float, *, size: int = 32) -> dict[str, np.ndarray]:
    """Embeddings around one direction for each model; ``spread`` 0 puts them all on it."""
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.standard_normal((size, size)))[0][:models]
    noise = rng.standard_normal((models, images, size))
    return {f"model{i}": unit(centre + spread * noise[i]) for i, centre in enumerate(centres)}
