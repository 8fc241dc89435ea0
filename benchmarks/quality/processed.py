"""Are images recognised that were processed since? And with copies of the originals?

    python benchmarks/quality/processed.py MODEL IMAGES…

MODEL is a folder with `model.onnx`, IMAGES sets of images by real generators. Originals are
enrolled, every second image of a generator and ten at most, with and without copies
(`Gallery.enroll`); the others are identified as they are, as JPEG of quality 95 and 85, and at 80
and 60 % of their size.

Also printed: how many of the comparisons with other generators pass their threshold, at the
default false match rate of one comparison, and the AUC of each probe against each enrolled image,
one to one: as both are, and, for JPEG, with the original as JPEG, as `Extractor.verify` has it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import read_image_set
from trainer.evaluation.metrics import roc_auc
from trainer.images.operations import jpeg, resize

PROCESSED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda image: image,
    "JPEG 95": lambda image: jpeg(image, 95),
    "JPEG 85": lambda image: jpeg(image, 85),
    "80 %": lambda image: resize(image, 0.8),
    "60 %": lambda image: resize(image, 0.6),
}


def main(model: Path, image_sets: list[Path]) -> None:
    extractor = fp.load(model)
    for folder in image_sets:
        images = read_image_set(folder).images
        gallery, copied = fp.Gallery(extractor), fp.Gallery(extractor)
        for name, paths in images.items():
            gallery.enroll(name, paths[1::2][:10])
            copied.enroll(name, paths[1::2][:10], copies=True)
        originals = {name: copied[name].embeddings for name in images}
        as_jpeg = {name: copied[name].copies["jpeg"] for name in images}
        for processing, apply in PROCESSED.items():
            probes = [
                (name, *extractor.embed_with_quality(apply(load_image(path).pixels)))
                for name, paths in images.items()
                for path in paths[::2]
            ]
            for kind, known in (("originals", gallery), ("and copies", copied)):
                right, passed = [], []
                for name, embedding, quality in probes:
                    found = known.search(
                        embedding, extractor.calibration, quality=quality, top=len(images)
                    )
                    right.append(found.candidates[0].name == name)
                    passed += [c.score >= c.threshold for c in found.candidates if c.name != name]
                line = (
                    f"identification {100 * np.mean(right):.1f}, FMR {100 * np.mean(passed):.1f}"
                )
                seen = as_jpeg if known is copied else originals
                if known is gallery or processing.startswith("JPEG"):
                    line += f", one to one AUC {100 * one_to_one(probes, seen):.1f}"
                print(f"{folder.name:9s} {processing:9s} {kind:11s} {line}", flush=True)


def one_to_one(probes: list[tuple], known: Mapping[str, np.ndarray]) -> float:
    """AUC of the cosines of every probe with every image of `known`."""
    rows = np.concatenate([embedding for _, embedding, _ in probes])
    cosine = {name: rows @ images.T for name, images in known.items()}
    same = {name: np.array([probe == name for probe, _, _ in probes]) for name in known}
    genuine = np.concatenate([cosine[name][same[name]].ravel() for name in known])
    impostor = np.concatenate([cosine[name][~same[name]].ravel() for name in known])
    return roc_auc(genuine, impostor)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
