"""What is left when gallery and probes share no kind of contents?

    python benchmarks/quality/splits.py MODEL EVAL [--kept FOLDER] [--out FILE]

MODEL is a folder with `model.onnx`, EVAL holds the image sets `lossless`, `nets` and `jpeg`. Of
each image a thumbnail of 16×16 px tells its contents: brightness, colours, composition. The images
of a set are set out along each of the first principal components of all thumbnails. Ten images of
each generator from one end are enrolled, the ten from the other end looked for, and the other way
round; beside it, as many at random. Printed in percent and written as JSON is how often the
generator, and its decoder, comes first, and how far apart enrolled and probed contents lie, in
standard deviations of the component.

Embeddings are kept in FOLDER, as `answers.py` keeps them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from answers import SETS, Images, embedded
from PIL import Image

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from fingerprint_sdk.verification import mean_embedding
from trainer.evaluation import read_image_set

ENROLLED = 10
COMPONENTS = 4
DRAWS = 20
SIDE = 16

Split = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From the places of a generator's images to those that are enrolled, and those looked for."""


def contents(folder: Path) -> np.ndarray:
    """Places of a set's images along the components, (n, ``COMPONENTS``), of variance 1."""
    images = read_image_set(folder).images.values()
    thumbnails = np.array(
        [
            np.asarray(
                Image.fromarray(load_image(path).pixels).resize(
                    (SIDE, SIDE), Image.Resampling.BOX
                ),
                np.float64,
            ).ravel()
            for paths in images
            for path in paths
        ]
    )
    left, scale, _ = np.linalg.svd(thumbnails - thumbnails.mean(axis=0), full_matrices=False)
    along = (left * scale)[:, :COMPONENTS]
    return along / along.std(axis=0)


def first_ranked(images: Images, split: Split) -> tuple[float, float]:
    """Shares of probes whose own generator, and whose decoder, has the nearest mean."""
    names = sorted(set(images.generators))
    parts = {name: split(np.flatnonzero(images.generators == name)) for name in names}
    means = np.stack([mean_embedding(images.embeddings[parts[name][0]]) for name in names])
    family = {name: images.families[parts[name][0][0]] for name in names}
    own, decoder = [], []
    for name in names:
        best = [names[i] for i in (images.embeddings[parts[name][1]] @ means.T).argmax(axis=1)]
        own.append(np.mean([one == name for one in best]))
        decoder.append(np.mean([family[one] == family[name] for one in best]))
    return float(np.mean(own)), float(np.mean(decoder))


def at_random(rng: np.random.Generator) -> Split:
    def split(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shuffled = rng.permutation(places)
        return shuffled[:ENROLLED], shuffled[ENROLLED : 2 * ENROLLED]

    return split


def from_ends(along: np.ndarray, *, upper: bool) -> Split:
    """Enrolled from the upper or the lower end."""

    def split(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order = places[np.argsort(along[places], kind="stable")]
        low, high = order[:ENROLLED], order[-ENROLLED:]
        return (high, low) if upper else (low, high)

    return split


def splits(images: Images, along: np.ndarray) -> dict[str, Any]:
    """Percent, of every way to split."""

    def told(found: list[tuple[float, float]], apart: float) -> dict[str, float]:
        own, decoder = 100 * np.mean(found, axis=0)
        return {"generator": round(own, 1), "decoder": round(decoder, 1), "apart": round(apart, 2)}

    drawn = [first_ranked(images, at_random(np.random.default_rng(s))) for s in range(DRAWS)]
    report = {"at random": told(drawn, 0.0)}
    for number, component in enumerate(along.T, 1):
        ways = [from_ends(component, upper=upper) for upper in (False, True)]
        gaps = []
        for name in sorted(set(images.generators)):
            low, high = ways[0](np.flatnonzero(images.generators == name))
            gaps.append(component[high].mean() - component[low].mean())
        found = [first_ranked(images, way) for way in ways]
        report[f"component {number}"] = told(found, float(np.mean(gaps)))
    return report


def main(model: Path, folder: Path, kept: Path | None, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    report: dict[str, Any] = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
    }  # fmt: skip
    for name in SETS:
        report[name] = found = splits(
            embedded(extractor, folder / name, kept), contents(folder / name)
        )
        for how, shares in found.items():
            print(
                f"{name:9s} {how:12s} {shares['generator']:.1f} [{shares['decoder']:.1f}], "
                f"contents {shares['apart']:.2f} apart",
                flush=True,
            )
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("splits.json"))
    arguments = parser.parse_args()
    main(arguments.model, arguments.images, arguments.kept, arguments.out)
