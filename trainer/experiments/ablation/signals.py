"""Signals of the images that variants are scored on: computed once, kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.images import load_image, windows
from trainer.evaluation import ImageSet
from trainer.experiments.ablation.variants import EMBEDDINGS

Progress = Callable[[int, int], None]
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
    progress: Progress | None = None,
) -> Signals:
    """For each generator, each image's signals: float16 (n, *shape) of its n windows.

    Kept in `folder` under a name that tells the images, the signal and the windows.
    """
    key = hashlib.sha256(
        f"{signal_key}:{per_axis}:{image_set_digest(image_set)}".encode()
    ).hexdigest()
    path = folder / f"{key[:16]}.npz"
    if not path.exists():
        _write(path, _compute(image_set, signal, per_axis, progress))
    with np.load(path, allow_pickle=False) as stored:
        return {
            name: np.split(stored[f"{i}"], np.cumsum(stored[f"{i}-counts"])[:-1])
            for i, name in enumerate(image_set.images)
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
            stacked = torch.from_numpy(np.concatenate(images)).float()
            units = nn.functional.normalize(network(stacked), dim=1)
            rows = torch.stack([part.mean(0) for part in units.split([len(x) for x in images])])
        else:
            means = np.stack([image.astype(np.float32).mean(0) for image in images])
            rows = network(torch.from_numpy(means))
        rows = nn.functional.normalize(rows, dim=1)
        if constant:
            rows = torch.cat([rows, torch.full_like(rows[:, :1], constant)], dim=1)
        out[name] = nn.functional.normalize(rows, dim=1).numpy()
    return out


@torch.inference_mode()
def _compute(
    image_set: ImageSet, signal: nn.Module, per_axis: int | None, progress: Progress | None
) -> dict[str, np.ndarray]:
    arrays, done, total = {}, 0, sum(map(len, image_set.images.values()))
    for i, paths in enumerate(image_set.images.values()):
        parts = []
        for path in paths:
            crops = windows(load_image(path).pixels, per_axis)
            parts.append(signal(torch.from_numpy(crops)).half().numpy())
            done += 1
            if progress is not None:
                progress(done, total)
        arrays[f"{i}"] = np.concatenate(parts)
        arrays[f"{i}-counts"] = np.array([len(part) for part in parts])
    return arrays


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
    temporary.replace(path)
