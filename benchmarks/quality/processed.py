"""Are images found that were processed since their generator was enrolled? And with copies?

    python benchmarks/quality/processed.py MODEL IMAGES…

MODEL is a folder with `model.onnx`, IMAGES pools of real generators. Originals are enrolled, every
second image of a generator and ten at most, with and without copies (`Gallery.enroll`); the others
are identified as they are, as JPEG of quality 95 and 85, and at 80 and 60 % of their size. Also
printed: how many of the comparisons with other generators pass their threshold, at the default
false match rate of one comparison.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import read_pool
from trainer.processing import jpeg, resize

PROCESSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda image: image,
    "JPEG 95": lambda image: jpeg(image, 95),
    "JPEG 85": lambda image: jpeg(image, 85),
    "80 %": lambda image: resize(image, 0.8),
    "60 %": lambda image: resize(image, 0.6),
}


def main(model: Path, pools: list[Path]) -> None:
    extractor = fp.load(model)
    for folder in pools:
        images = read_pool(folder).images
        galleries = {"originals": fp.Gallery(extractor), "and copies": fp.Gallery(extractor)}
        for name, paths in images.items():
            for kind, gallery in galleries.items():
                gallery.enroll(name, paths[1::2][:10], copies=kind == "and copies")
        for processing, apply in PROCESSED.items():
            probes = [
                (name, *extractor.embed_with_quality(apply(load_image(path).pixels)))
                for name, paths in images.items()
                for path in paths[::2]
            ]
            for kind, gallery in galleries.items():
                right, claimed = [], []
                for name, embedding, quality in probes:
                    found = gallery.search(
                        embedding, extractor.calibration, quality=quality, top=len(images)
                    )
                    right.append(found.candidates[0].name == name)
                    rivals = [c.score >= c.threshold for c in found.candidates if c.name != name]
                    claimed.append(np.mean(rivals))
                print(
                    f"{folder.name:9s} {processing:9s} {kind:11s}",
                    f"identification {100 * np.mean(right):.1f},",
                    f"FMR of a comparison {100 * np.mean(claimed):.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
