"""What is each head of an exported extractor worth by itself, and what all together?

    python benchmarks/quality/heads.py MODEL IMAGES… [--windows N]

MODEL is a folder with `model.onnx` by the recipe `compact`, IMAGES sets of images by real
generators, N the windows an axis if not as many as the SDK takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image, windows
from fingerprint_sdk.verification import image_embedding
from trainer.calibration import CalibrationRecipe
from trainer.evaluation import ImageSet, read_image_set, score
from trainer.extractor import HEADS


def main(model: Path, image_sets: list[Path], per_axis: int | None) -> None:
    extractor = fp.load(model)
    for folder in image_sets:
        image_set = read_image_set(folder)
        embedded = {
            generator: [
                extractor.embed_windows(windows(load_image(path).pixels, per_axis))
                for path in paths
            ]
            for generator, paths in image_set.images.items()
        }
        show(folder.name, "all", embed(embedded, CalibrationRecipe().constant), image_set)
        whole = embed(embedded)
        show(folder.name, "all, without the constant", whole, image_set)
        for number, head in enumerate(HEADS):
            embeddings = {}
            for generator, rows in whole.items():
                seen = np.split(rows, len(HEADS), axis=1)[number]
                embeddings[generator] = seen / np.linalg.norm(seen, axis=1, keepdims=True)
            show(folder.name, " + ".join(head.parts), embeddings, image_set)


def embed(embedded: dict[str, list[np.ndarray]], constant: float = 0.0) -> dict[str, np.ndarray]:
    """For each generator, its images' embeddings."""
    return {
        generator: np.stack([image_embedding(rows, constant) for rows in images])
        for generator, images in embedded.items()
    }


def show(folder: str, name: str, embeddings: dict[str, np.ndarray], image_set: ImageSet) -> None:
    """Print one line of scores, in percent; in brackets, models of one decoder count as one."""
    scores = score(embeddings, image_set.decoders, resamples=0)
    identification, verification = scores.identification, scores.verification.model
    print(
        f"{folder:9s} {name:33s} identification "
        f"{100 * identification.model.accuracy.value:.1f} "
        f"[{100 * identification.decoder.accuracy.value:.1f}], "
        f"AUC {100 * verification.auc.value:.1f}, "
        f"FNMR {100 * verification.fnmr_at_fmr_1:.1f}, "
        f"five a side AUC {100 * scores.set_verification.model.auc.value:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--windows", type=int)
    given = parser.parse_args()
    main(given.model, given.images, given.windows)
