"""What calibration looks at: contents, and what held-out models make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from fingerprint_sdk.images.quality import counted_windows
from trainer.calibration.recipe import CalibrationRecipe
from trainer.images.photos import Photos
from trainer.synthesis import ExtendedAutoencoder, GroupedAutoencoder, PoolEntry, load_model


def contents(photos: Photos, recipe: CalibrationRecipe) -> np.ndarray:
    """`collage` × `collage` photographs an image, side by side: uint8 (images, 3, H, W)."""
    rng, side, tiles = np.random.default_rng((recipe.seed, 1)), recipe.side, recipe.collage
    crops = photos.crops(recipe.images * tiles**2, side, rng)
    rows = crops.reshape(recipe.images, tiles, tiles, 3, side, side).transpose(0, 3, 1, 4, 2, 5)
    return np.ascontiguousarray(rows.reshape(recipe.images, 3, tiles * side, tiles * side))


def rendered(model: GroupedAutoencoder | ExtendedAutoencoder, images: np.ndarray) -> np.ndarray:
    """What `model` makes of them, one after the other to save memory: uint8 (images, H, W, 3)."""
    made = [model.render(torch.from_numpy(image[None]))[0, 0] for image in images]
    return np.ascontiguousarray(torch.stack(made).numpy().transpose(0, 2, 3, 1))


def reference_windows(
    pools: list[tuple[Path, PoolEntry]], photos: Photos, recipe: CalibrationRecipe
) -> list[np.ndarray]:
    """Windows of each reference image of `TypicalityRecipe`: uint8 (windows, 3, 128, 128).

    Photographs and renderings take turns two by two, so that every second image is one of each.
    """
    wanted = recipe.typicality
    rng = np.random.default_rng((wanted.seed, 2))
    crops = photos.crops(2 * wanted.images, recipe.side, rng)
    found = []
    for place in range(wanted.images):
        pool, entry = pools[rng.integers(len(pools))]
        image = rendered(load_model(pool, entry), crops[2 * place][None])[0]
        found.append((image, crops[2 * place + 1].transpose(1, 2, 0)))
    ordered = [
        pair[side]
        for start in range(0, len(found) - 1, 2)
        for side in (0, 1)
        for pair in found[start : start + 2]
    ]
    windows = []
    for image in ordered:
        cut = counted_windows(np.ascontiguousarray(image))
        chosen = np.linspace(0, len(cut) - 1, wanted.windows).round().astype(int)
        windows.append(cut[chosen])
    return windows
