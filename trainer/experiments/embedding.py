"""Embeddings of an image set, as they are or after an operation."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fingerprint_sdk.images import load_image
from trainer.experiments.cache import cache_key, kept_arrays
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor


@dataclass(frozen=True)
class Change:
    """What is done to pixels before they are embedded; `name` tells it from any other change.

    `apply` maps uint8 H×W×3 pixels and a random generator, seeded by the image's name, to pixels.
    """

    name: str
    apply: Callable[[np.ndarray, np.random.Generator], np.ndarray]


def limited(
    images: Mapping[str, Sequence[Path]], limit: int | None
) -> dict[str, tuple[Path, ...]]:
    """At most `limit` images of each model, spread evenly over its list; None for all."""
    if limit is None:
        return {model: tuple(paths) for model, paths in images.items()}
    out = {}
    for model, paths in images.items():
        picks = np.unique(np.linspace(0, len(paths) - 1, min(limit, len(paths))).round())
        out[model] = tuple(paths[int(i)] for i in picks)
    return out


def embed_generators(
    extractor: Extractor,
    images: Mapping[str, Sequence[Path]],
    change: Change | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Embed every image with the SDK, as a user would.

    Args:
        extractor: a loaded model.
        images: for each generator, the paths of its images.
        change: applied to the pixels first.
        cache: folder that keeps each generator's embeddings, so that a killed run resumes and
            experiments share them. An entry is known by the model's hash, the change's name, and
            path, size and time of every file.
        progress: told of the images done, and of all.

    Returns:
        For each generator float32, shape (n, D), L2-normalised.

    Raises:
        ImageError: an image cannot be used; leaving it out would change the figures silently.
    """
    total, done = sum(map(len, images.values())), 0
    embeddings = {}
    for generator, paths in images.items():

        def compute(
            generator: str = generator, paths: Sequence[Path] = paths, before: int = done
        ) -> dict[str, np.ndarray]:
            found = extractor.embed_many(
                paths if change is None else _changed(generator, paths, change),
                on_error="raise",
                progress=lambda part: progress("images", before + part, total),
            )
            return {"embeddings": found.embeddings}

        kept = None if cache is None else cache / f"{_key(extractor, paths, change)}.npz"
        found = compute() if kept is None else kept_arrays(kept, compute)
        embeddings[generator] = found["embeddings"]
        done += len(paths)
        progress("images", done, total)
    return embeddings


def describe(extractor: Extractor) -> dict[str, str]:
    """What ties a figure to a model: its name, version and hash."""
    return {
        "name": extractor.name,
        "version": extractor.version,
        "sha256": extractor.model_sha256,
    }


def _changed(generator: str, paths: Sequence[Path], change: Change) -> Iterator[np.ndarray]:
    for path in paths:
        seed = zlib.crc32(f"{generator}/{path.name}".encode())
        yield change.apply(load_image(path).pixels, np.random.default_rng(seed))


def _key(extractor: Extractor, paths: Sequence[Path], change: Change | None) -> str:
    files = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    return cache_key(extractor.model_sha256, change and change.name, files)
