"""One reduced spectrum per model: of synthetic models, and of folders of real images.

This is step I of the paper's Fréchet Frequency Distance (IV-B): images by a model, their
residuals, their power averaged, and the azimuthal integral of the average.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fingerprint_sdk.images import load_image, windows
from trainer.evaluation import read_image_set
from trainer.experiments.analysis.residuals import log_profile, residual_power
from trainer.images.photos import Photos
from trainer.progress import Progress, silent
from trainer.synthesis import PoolEntry, architecture_from_id, load_model, read_pool
from trainer.synthesis.families import AnyArchitecture


@dataclass(frozen=True)
class ProfileRecipe:
    """How much of a pool is looked at.

    `images` crops of `side` px, the same for every model, drawn with `seed`; at most `seeds`
    models of an architecture, as far apart in seed as the pool has them, and at most `models` in
    all (None: every one). Models whose reconstruction error exceeds `worst_error` are left
    out, as in extractor training.
    """

    images: int = 16
    side: int = 128
    seeds: int | None = 2
    models: int | None = 400
    worst_error: float = 0.06
    seed: int = 0


@dataclass(frozen=True)
class ModelProfiles:
    """Log10 reduced spectra of synthetic models: `profiles` float64 (M, n // 2 + 1).

    `reference` (n // 2 + 1,) is the spectrum of the photographs before any model; `available` the
    number of models in the pool.
    """

    architectures: tuple[AnyArchitecture, ...]
    seeds: tuple[int, ...]
    profiles: np.ndarray
    reference: np.ndarray
    available: int

    def __len__(self) -> int:
        return len(self.seeds)


def pool_profiles(
    pool: Path,
    photos: Photos,
    denoiser: nn.Module,
    recipe: ProfileRecipe,
    *,
    progress: Progress = silent,
) -> ModelProfiles:
    """Render the same photographs through the models of a pool and reduce their spectra."""
    entries = read_pool(pool)
    chosen = choose_models(entries, recipe)
    rng = np.random.default_rng(recipe.seed)
    crops = photos.crops(recipe.images, recipe.side, rng)
    tensor = torch.from_numpy(crops)
    profiles = []
    for i, entry in enumerate(chosen):
        images = load_model(pool, entry).render(tensor)[:, 0].numpy()
        profiles.append(log_profile(residual_power(images, denoiser).mean(axis=0)))
        progress("synthetic models", i + 1, len(chosen))
    return ModelProfiles(
        tuple(architecture_from_id(entry.architecture) for entry in chosen),
        tuple(entry.seed for entry in chosen),
        np.array(profiles),
        log_profile(residual_power(crops, denoiser).mean(axis=0)),
        len(entries),
    )


def choose_models(entries: list[PoolEntry], recipe: ProfileRecipe) -> list[PoolEntry]:
    """Whole architectures, drawn at random when there are too many.

    Raises ValueError when no model is faithful enough.
    """
    by_architecture: dict[str, list[PoolEntry]] = defaultdict(list)
    for entry in entries:
        if entry.reconstruction_error <= recipe.worst_error:
            by_architecture[entry.architecture].append(entry)
    if not by_architecture:
        best = min(entry.reconstruction_error for entry in entries)
        raise ValueError(
            f"no model has a reconstruction error under {recipe.worst_error:g} (the best has "
            f"{best:.3g}); train the pool for longer"
        )
    groups = [sorted(group, key=lambda e: e.seed) for group in by_architecture.values()]
    if recipe.seeds is not None:
        groups = [_spread(group, recipe.seeds) for group in groups]
    if recipe.models is not None:
        order = np.random.default_rng(recipe.seed).permutation(len(groups))
        total = np.cumsum([len(groups[i]) for i in order])
        kept = sorted(order[: max(1, int(np.searchsorted(total, recipe.models, "right")))])
        groups = [groups[i] for i in kept]
    return [entry for group in groups for entry in group]


def _spread(group: list[PoolEntry], count: int) -> list[PoolEntry]:
    indices = np.unique(np.linspace(0, len(group) - 1, min(count, len(group))).round())
    return [group[int(i)] for i in indices]


def read_windows(path: Path, count: int) -> np.ndarray:
    """`count` windows of an image, from corner to corner: uint8 (count, 3, 128, 128).

    Fewer when the image is too small for as many.
    """
    found = windows(load_image(path).pixels)
    indices = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return found[indices] if count > 1 else found[len(found) // 2][None]


@dataclass(frozen=True)
class ImagePowers:
    """Residual power spectra of one generator's images: `powers` float64 (images, n, n).

    Each is the mean over an image's windows. `example` is one window, uint8 (128, 128, 3).
    """

    name: str
    powers: np.ndarray
    example: np.ndarray


def image_powers(
    folders: list[Path],
    denoiser: nn.Module,
    *,
    images: int | None,
    windows_per_image: int,
    progress: Progress = silent,
) -> list[ImagePowers]:
    """The power spectra of the first `images` images of every generator, FOLDER/GENERATOR/IMAGE.

    A generator that stands in two folders is named `folder/generator` there.
    """
    paths = [
        (folder.name, name, found[:images])
        for folder in folders
        for name, found in read_image_set(folder).images.items()
    ]
    names = [name for _, name, _ in paths]
    total, done, out = sum(len(found) for _, _, found in paths), 0, []
    for folder_name, name, found in paths:
        powers = []
        for path in found:
            cut = read_windows(path, windows_per_image)
            powers.append(residual_power(cut, denoiser).mean(axis=0))
            done += 1
            progress("images", done, total)
        shown = name if names.count(name) == 1 else f"{folder_name}/{name}"
        out.append(ImagePowers(shown, np.array(powers), cut[len(cut) // 2].transpose(1, 2, 0)))
    return out
