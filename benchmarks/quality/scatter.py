"""Whose scatter within a model should a linear head level? For insight; nothing of it is shipped.

    python benchmarks/quality/scatter.py RUN IMAGES…

RUN is a `trainer extractor` run, IMAGES sets of images by real generators. One linear head on each
part of the signal is told how models differ by synthetic ones (every eighth), and how images of
one model differ by: the synthetic models; these and photographs, as shipped; or real generators.
The last are half of an image set's, with half of their images; every head is scored on the other
halves, and the mean of four such splits is printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fingerprint_sdk.verification import image_embedding
from trainer.evaluation import ImageSet, read_image_set, score
from trainer.experiments.ablation import image_signals, read_cache
from trainer.extractor import HEADS, CompactRecipe, held_out_models
from trainer.extractor.compact.discriminant import directions_between, shrunk
from trainer.extractor.compact.heads import Seen

SPLITS = 4
RECIPE = CompactRecipe()


def main(run: Path, image_sets: list[Path]) -> None:
    cache = read_cache(run)
    for folder in image_sets:
        image_set = read_image_set(folder)
        with tempfile.TemporaryDirectory() as kept:
            signals = image_signals(image_set, cache.signal, "signal", None, Path(kept))
        start = 0
        for head in HEADS:
            (name,) = head.parts
            size = int(np.prod(cache.signal.parts[name]))
            real = {
                generator: [
                    torch.from_numpy(image[:, start : start + size]).float() for image in x
                ]
                for generator, x in signals.items()
            }
            start += size
            for label, figures in compare(
                Seen(cache.source, cache.signal.parts, head), real, image_set
            ):
                print(f"{folder.name:9s} {name:13s} {label:27s} {figures}", flush=True)


def compare(
    seen: Seen, real: dict[str, list[Tensor]], image_set: ImageSet
) -> list[tuple[str, str]]:
    """The lines of one part of the signal: whose scatter, and what came of it."""
    train = np.flatnonzero(~held_out_models(seen.models, RECIPE.held_out))[::8]
    image, variant = (x.ravel() for x in np.mgrid[: seen.images, : seen.variants])
    models = torch.stack(
        [seen.fetch(np.full_like(image, m), image[:, None], variant) for m in train]
    )
    mean = models.mean((0, 1))
    scale = models.flatten(0, 1)[::7].std(0).clamp(min=1e-3)
    models = (models - mean) / scale
    means = models.mean(1).double()
    synthetic = scatter([*models])
    photographs = torch.stack(
        [
            scatter([(crops - mean) / scale])
            for v in range(3)
            if (crops := seen.photographs(v)) is not None
        ]
    ).mean(0)
    found: dict[str, list[np.ndarray]] = {}
    for split in range(SPLITS):
        rng = np.random.default_rng(split)
        names = rng.permutation(sorted(real))
        told, asked = names[: len(names) // 2], names[len(names) // 2 :]
        halves = {name: rng.permutation(len(images)) for name, images in real.items()}
        others = scatter(
            [
                torch.cat([(real[name][i] - mean) / scale for i in halves[name][::2]])
                for name in told
            ]
        )
        whose = {
            "synthetic models'": synthetic,
            "the same and photographs'": synthetic + RECIPE.contents_weight * photographs,
            "other real generators'": others,
        }
        for label, within in whose.items():
            levelled = shrunk(within, RECIPE.shrinkage)
            axes = directions_between(levelled, means - means.mean(0), RECIPE.embedding).T
            embeddings = {
                name: np.stack(
                    [embed((real[name][i] - mean) / scale, axes) for i in halves[name][1::2]]
                )
                for name in asked
            }
            found.setdefault(label, []).append(figures_of(embeddings, image_set))
    return [
        (label, "identification {:.1f} [{:.1f}], AUC {:.1f}".format(*np.mean(rows, 0)))
        for label, rows in found.items()
    ]


def scatter(groups: list[Tensor]) -> Tensor:
    """Covariance (n, n) of groups of signals (images, n), each about its own mean."""
    centred = torch.cat([group - group.mean(0) for group in groups])
    return (centred.T @ centred).double() / len(centred)


def embed(windows: Tensor, axes: Tensor) -> np.ndarray:
    return image_embedding(torch.nn.functional.normalize(windows.double() @ axes, dim=1).numpy())


def figures_of(embeddings: dict[str, np.ndarray], image_set: ImageSet) -> np.ndarray:
    scores = score(embeddings, image_set.decoders, resamples=0)
    found = scores.identification
    return 100 * np.array(
        [
            found.model.accuracy.value,
            found.decoder.accuracy.value,
            scores.verification.model.auc.value,
        ]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
