"""What looking at the whole of a large image gives and costs.

    python benchmarks/quality/windows.py MODEL POOL PHOTOS [IMAGES…]

MODEL is a folder with `model.onnx`. Held-out synthetic models of POOL, one of each of 16
architectures never trained on, render the same 12 collages of held-out PHOTOS at 1024×1024 px,
their traces as faint as a reconstruction error of 0.0001, kept as they are and as JPEG of quality
85; IMAGES are image sets by real generators. All are scored with 16, 36 and 64 windows at most:
identification by 8 galleries of half of the images each, AUC and FNMR of single images, and
milliseconds an image, decoded, on this machine's cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import read_image_set
from trainer.evaluation.metrics import roc_auc
from trainer.extractor import CompactRecipe, RenderRecipe, held_out_models
from trainer.extractor.variants import fade
from trainer.images.operations import jpeg
from trainer.images.photos import load_photos
from trainer.synthesis import load_model, read_pool

BUDGETS = (16, 36, 64)
MODELS, IMAGES, SIDE, TILES = 16, 12, 1024, 4
FAINT = 1e-4  # mean squared error on [-1, 1]
GALLERIES, FMR = 8, 0.1

Images = Mapping[str, list[np.ndarray]]


def rendered(pool: Path, photos_folder: Path) -> Images:
    """1024×1024 px images of held-out models, all of the same contents."""
    held_out = CompactRecipe().held_out
    entries = [e for e in read_pool(pool) if e.reconstruction_error <= RenderRecipe().worst_error]
    held = held_out_models([entry.id(pool) for entry in entries], held_out)
    chosen = {e.architecture: e for e, h in zip(entries, held, strict=True) if h}
    tile = SIDE // TILES
    _, photos = load_photos(photos_folder, side=tile).split(held_out)
    crops = photos.crops(IMAGES * TILES**2, tile, np.random.default_rng(0))
    rows = crops.reshape(IMAGES, TILES, TILES, 3, tile, tile).transpose(0, 3, 1, 4, 2, 5)
    contents = torch.from_numpy(np.ascontiguousarray(rows.reshape(IMAGES, 3, SIDE, SIDE)))
    images = {}
    for entry in list(chosen.values())[:MODELS]:
        model = load_model(pool, entry)
        made = [model.render(image[None])[0, 0].permute(1, 2, 0) for image in contents]
        share = min(1.0, (FAINT / entry.reconstruction_error) ** 0.5)
        images[entry.architecture] = [
            fade(one.numpy(), content.permute(1, 2, 0).numpy(), share)
            for one, content in zip(made, contents, strict=True)
        ]
    return images


def show(name: str, model: Path, images: Images) -> None:
    for budget in BUDGETS:
        extractor = fp.load(model, device="cpu", windows=budget)
        started, count = time.perf_counter(), sum(map(len, images.values()))
        rows = {key: extractor.embed(iter(value)) for key, value in images.items()}
        took = 1000 * (time.perf_counter() - started) / count
        identified, auc, missed = score(list(rows.values()))
        print(
            f"{name:22} {budget:2} windows: identification {identified:.1f}, AUC {auc:.1f}, "
            f"FNMR at FMR {FMR:.0%} {missed:.1f}, {took:.0f} ms an image",
            flush=True,
        )


def score(rows: list[np.ndarray]) -> tuple[float, float, float]:
    """Identification, AUC of single images, and FNMR at FMR 10 %, in percent."""
    rng, right = np.random.default_rng(0), []
    for _ in range(GALLERIES):
        order = [rng.permutation(len(r)) for r in rows]
        known = np.stack([r[o[: len(o) // 2]].mean(0) for r, o in zip(rows, order, strict=True)])
        known /= np.linalg.norm(known, axis=1, keepdims=True)
        for label, (r, o) in enumerate(zip(rows, order, strict=True)):
            right += list((r[o[len(o) // 2 :]] @ known.T).argmax(1) == label)
    stacked = np.concatenate(rows)
    labels = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    upper = np.triu_indices(len(stacked), 1)
    scores, same = (stacked @ stacked.T)[upper], (labels[:, None] == labels)[upper]
    threshold = np.quantile(scores[~same], 1 - FMR)
    missed = np.mean(scores[same] < threshold)
    return 100 * float(np.mean(right)), 100 * roc_auc(scores[same], scores[~same]), 100 * missed


def decoded(paths: Iterable[Path]) -> list[np.ndarray]:
    return [load_image(path).pixels for path in paths]


def main(model: Path, pool: Path, photos: Path, image_sets: list[Path]) -> None:
    images = rendered(pool, photos)
    show("1024 px, lossless", model, images)
    as_jpeg = {name: [jpeg(one, 85) for one in made] for name, made in images.items()}
    show("1024 px, JPEG 85", model, as_jpeg)
    for folder in image_sets:
        found = read_image_set(folder).images
        show(folder.name, model, {name: decoded(paths) for name, paths in found.items()})


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(given[0], given[1], given[2], given[3:])
