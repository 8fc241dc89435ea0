"""Signals of the images that variants are scored on: computed once, kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.embedding import image_embeddings
from fingerprint_sdk.images import load_image, windows
from trainer.evaluation import ImageSet
from trainer.experiments.ablation.variants import EMBEDDINGS
from trainer.experiments.cache import cache_key, kept_arrays
from trainer.progress import Progress, silent

Signals = dict[str, list[np.ndarray]]


class Pixels(nn.Module):
    """The middle of a window as it is: (N, 3, 128, 128) in [0, 255] -> (N, 3, 64, 64) in [-1, 1].

    Table VI's RGB input, at a quarter of the pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = (3, 64, 64)
        self.parts = {"pixels": self.shape}

    def forward(self, windows: Tensor) -> Tensor:
        return windows[..., 32:96, 32:96].float() / 127.5 - 1


def image_signals(
    image_set: ImageSet,
    signal: nn.Module,
    signal_key: str,
    per_axis: int | None,
    folder: Path,
    *,
    progress: Progress = silent,
) -> Signals:
    """For each generator, each image's signals: float16 (n, *shape) of its n windows.

    Kept in `folder` under a name that tells the images, the signal and the windows.
    """
    key = cache_key(signal_key, per_axis, image_set_digest(image_set))
    stored = kept_arrays(
        folder / f"{key}.npz", lambda: _compute(image_set, signal, per_axis, progress)
    )
    return {
        name: np.split(stored[name], np.cumsum(stored[f"{name}/counts"])[:-1])
        for name in image_set.images
    }


def image_set_digest(image_set: ImageSet) -> str:
    """Of the generators' names and the files."""
    digest = hashlib.sha256()
    for name, paths in image_set.images.items():
        for path in paths:
            digest.update(f"{name}/{path.name}".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@torch.inference_mode()
def embed_signals(
    network: nn.Module, signals: Signals, pooled: str = EMBEDDINGS, *, constant: float = 0.0
) -> dict[str, np.ndarray]:
    """Each image's embedding, L2-normalised, (images, D) for each generator.

    Windows are averaged as normalised embeddings, as the SDK does, or as spectra before the
    network. `constant` is that of a model (`fingerprint_sdk.verification.image_embedding`).
    """
    out = {}
    for name, images in signals.items():
        if pooled == EMBEDDINGS:
            seen, counts = np.concatenate(images), [len(image) for image in images]
        else:
            seen = np.stack([image.astype(np.float32).mean(0) for image in images])
            counts = [1] * len(images)
        vectors = nn.functional.normalize(network(torch.from_numpy(seen).float()), dim=1)
        out[name] = np.stack([*image_embeddings(vectors.numpy(), counts, constant)])
    return out


@torch.inference_mode()
def _compute(
    image_set: ImageSet, signal: nn.Module, per_axis: int | None, progress: Progress
) -> dict[str, np.ndarray]:
    arrays, done, total = {}, 0, sum(map(len, image_set.images.values()))
    for name, paths in image_set.images.items():
        parts = []
        for path in paths:
            crops = windows(load_image(path).pixels, per_axis)
            parts.append(signal(torch.from_numpy(crops)).half().numpy())
            done += 1
            progress("signals of images", done, total)
        arrays[name] = np.concatenate(parts)
        arrays[f"{name}/counts"] = np.array([len(part) for part in parts])
    return arrays
