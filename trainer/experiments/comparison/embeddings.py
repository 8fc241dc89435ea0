"""Embeddings of a split's test images by any method, kept on disk: a killed command goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fingerprint_sdk.images import load_image
from trainer.experiments.cache import cache_key, kept_arrays
from trainer.experiments.comparison.split import Split
from trainer.experiments.rivals import Rival
from trainer.progress import Progress, part_of, silent

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]
Read = Callable[[Path], np.ndarray]
"""From a file to the uint8 (H, W, 3) pixels that every method sees."""


def read_pixels(path: Path) -> np.ndarray:
    """The file as it is."""
    return load_image(path).pixels


def embed_split(
    cache: Path,
    name: str,
    settings: str,
    split: Split,
    prepare: Callable[[], Embed],
    progress: Progress = silent,
    digest: str | None = None,
    read: Read = read_pixels,
) -> dict[str, np.ndarray]:
    """Embeddings of every test image, seen and unseen, as `cache` has them or as `prepare` gives.

    Args:
        cache: folder; an entry is known by `name`, `settings` and the files of the split.
        settings: all that the embeddings depend on besides the images.
        prepare: called when there is no entry; returns the method, fitted.
        progress: told of the images done, and of all.
        digest: `digest_split(split)`, where the caller has it already.
        read: how files become pixels; `digest` tells ways apart.

    Returns:
        For each generator float32, shape (n, D), in the order of its paths.
    """
    path = cache / f"{name}-{cache_key(settings, digest or digest_split(split))}.npz"

    def compute() -> dict[str, np.ndarray]:
        embed, test = prepare(), split.seen | split.unseen
        total, rows = sum(map(len, test.values())), []
        for paths in test.values():
            for image in paths:  # one at a time: an image set need not fit into memory
                rows.append(embed([read(image)]))
                progress("embedding", len(rows), total)
        ends = np.cumsum([len(paths) for paths in test.values()])[:-1]
        return dict(zip(test, np.split(shrink(np.concatenate(rows)), ends), strict=True))

    return kept_arrays(path, compute)


def embed_rival(
    name: str,
    rival: Rival,
    split: Split,
    cache: Path,
    progress: Progress = silent,
    *,
    training: Callable[[], Mapping[str, Sequence[np.ndarray]]] | None = None,
    digest: str | None = None,
    read: Read = read_pixels,
) -> dict[str, np.ndarray]:
    """Fit a rival on the split's training images and embed its test images; see `embed_split`.

    `training` returns the training images' pixels, where several rivals share them.

    Raises ModuleNotFoundError when the rival needs a package that is not installed.
    """

    def fitted() -> Embed:
        images = training() if training else read_training(split, read)
        rival.fit(images, part_of(progress, f"{rival.title}: training"))
        return rival.embed

    shown = part_of(progress, f"{rival.title}: embedding")
    return embed_split(cache, name, repr(rival), split, fitted, shown, digest, read)


def read_training(split: Split, read: Read = read_pixels) -> dict[str, list[np.ndarray]]:
    """Pixels of the images that a method may learn from."""
    return {name: [read(path) for path in paths] for name, paths in split.train.items()}


def shrink(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) in at most N dimensions, every inner product kept.

    Scores know inner products only, and a residual has 200,000 numbers.
    """
    if rows.shape[1] <= len(rows):
        return rows
    wide = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(wide @ wide.T)
    small = vectors * np.sqrt(np.clip(values, 0, None))
    norms = np.linalg.norm(small, axis=1, keepdims=True)
    return (small / np.where(norms > 1e-6, norms, 1)).astype(np.float32)


def digest_split(split: Split) -> str:
    """Of the files and of who sees what."""
    digest = hashlib.sha256()
    for part, images in vars(split).items():
        for name, paths in images.items():
            for path in paths:
                digest.update(f"{part}/{name}/{path.name}".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
