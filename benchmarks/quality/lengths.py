"""How long should gated and other embeddings be? What it does to images processed since.

    python benchmarks/quality/lengths.py RUN IMAGES…

RUN is a finished `trainer extractor` run, IMAGES pools of real generators. Originals are enrolled,
every second image of a generator and ten at most; the others are identified as they are, as JPEG
of quality 95 and 85, and at 80 % of their size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from fingerprint_sdk.images import load_image, windows
from trainer.evaluation import read_pool
from trainer.extractor import load_run
from trainer.processing import jpeg, resize

PROCESSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda image: image,
    "JPEG 95": lambda image: jpeg(image, 95),
    "JPEG 85": lambda image: jpeg(image, 85),
    "80 %": lambda image: resize(image, 0.8),
}
# Squared lengths of the embeddings, where g is the chance that a window is unprocessed.
LENGTHS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "1 - g/2 and g, shipped": lambda g: (1 - g / 2, g),
    "1 - g and g": lambda g: (1 - g, g),
    "1 and g": lambda g: (np.ones_like(g), g),
    "1 and 1": lambda g: (np.ones_like(g), np.ones_like(g)),
}


@torch.inference_mode()
def main(run: Path, pools: list[Path]) -> None:
    finished = load_run(run)
    network, apart = finished.network, finished.network.ungated()

    def embed(pixels: np.ndarray) -> dict[str, np.ndarray]:
        signal = finished.signal(torch.from_numpy(windows(pixels)))
        chance = network.chance(signal).numpy()
        heads = np.split(apart(signal).numpy(), len(network.gated), axis=1)
        found = {}
        for name, squares in LENGTHS.items():
            lengths = [np.sqrt(square) for square in squares(chance)]
            parts = [z * lengths[gated] for z, gated in zip(heads, network.gated, strict=True)]
            found[name] = _unit(_unit(np.concatenate(parts, axis=1)).mean(0))
        return found

    for folder in pools:
        images = read_pool(folder).images
        gallery = {
            generator: [embed(load_image(path).pixels) for path in paths[1::2][:10]]
            for generator, paths in images.items()
        }
        probes = [(row, path) for row, paths in enumerate(images.values()) for path in paths[::2]]
        truth = np.array([row for row, _ in probes])
        for processing, apply in PROCESSED.items():
            found = [embed(apply(load_image(path).pixels)) for _, path in probes]
            for name in LENGTHS:
                enrolled = [
                    _unit(np.mean([e[name] for e in rows], 0)) for rows in gallery.values()
                ]
                scores = np.stack([embedding[name] for embedding in found]) @ np.stack(enrolled).T
                right = 100 * np.mean(scores.argmax(1) == truth)
                print(f"{folder.name:9s} {processing:9s} {name:23s} {right:.1f}", flush=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
