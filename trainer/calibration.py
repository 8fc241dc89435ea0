"""Thresholds with a known error rate, from synthetic models never trained on.

Whole images (3×3 windows, as the SDK takes them) of held-out architectures are compared; the
impostor scores give a threshold per false match rate, a logistic regression the probability that
two images share a source. Both are fitted per number of images a side, and apart for recompressed
images: there all images of a pair have the same JPEG quality, since images that come down the same
pipeline look alike whoever made them, and the strictest quality's threshold counts.

A codec leaves so little of the trace in a window that scores of recompressed images depend on how
many windows share none of their pixels: the more, the less contents hide what the codec has made
alike. Shrunk photographs are too small for many, so recompressed images are collages of several.

An analyst compares generators that resemble each other, on the same subjects. So every model
renders the same photographs, and the impostors of a model are the models most like it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fingerprint_sdk.embedding import embed_images
from trainer.images.operations import jpeg
from trainer.images.photos import Photos
from trainer.progress import Progress, silent
from trainer.synthesis import ExtendedAutoencoder, GroupedAutoencoder, PoolEntry, load_model

Embed = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CalibrationRecipe:
    """`images` photographs of `side` px through each of at most `models` held-out models.

    Recompressed images are made of `collage` × `collage` such photographs, side by side. `alike`
    is the share of the other models that a model's impostors are drawn from, those of the most
    similar mean embedding; 1 takes all. `constant` is that of the embeddings
    (`fingerprint_sdk.verification.image_embedding`). Each of `sides` is a number of images on
    either side that gets thresholds of its own, one for each of `fmrs`; `default_fmr` is what the
    SDK decides at unless asked otherwise.

    Equations: docs/method.md#calibration.
    """

    models: int = 120
    images: int = 20
    side: int = 224
    collage: int = 2
    qualities: tuple[int, ...] = (75, 85, 95)
    pairs: int = 40_000
    alike: float = 0.5
    constant: float = 1.0
    fmrs: tuple[float, ...] = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
    default_fmr: float = 0.01
    sides: tuple[tuple[int, int], ...] = (
        (1, 1), (1, 5), (1, 10), (2, 2), (5, 5), (5, 10), (10, 10),
    )  # fmt: skip
    seed: int = 0


def fit_calibration(
    embed_windows: Embed,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
    recipe: CalibrationRecipe,
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The calibration document that goes into the model file (its JSON form).

    `embed_windows` maps uint8 (N, 3, 128, 128) to float32 (N, D); `pools` are held-out models;
    `photos` photographs kept out of training.
    """
    rng = np.random.default_rng(recipe.seed)
    chosen = [pools[i] for i in rng.permutation(len(pools))[: recipe.models]]
    if len(chosen) < 2:
        raise ValueError("calibration needs at least two held-out synthetic models")
    levels: dict[int | None, list[np.ndarray]] = {None: []}  # JPEG quality -> each model's images
    levels |= {quality: [] for quality in recipe.qualities}
    single, collages = _contents(photos, recipe, 1), _contents(photos, recipe, recipe.collage)
    for i, (pool, entry) in enumerate(chosen):
        model = load_model(pool, entry)
        images, large = _render(model, single), _render(model, collages)
        for quality, embedded in levels.items():
            seen = images if quality is None else [jpeg(image, quality) for image in large]
            embedded.append(embed_images(embed_windows, seen, recipe.constant))
        progress("calibration", i + 1, len(chosen))
    conditions = []
    for recompressed, qualities in ((False, (None,)), (True, recipe.qualities)):
        for images_a, images_b in recipe.sides:
            if images_a + images_b > recipe.images:
                continue
            scores = [
                pair_scores(
                    np.stack(levels[quality]), images_a, images_b, recipe.pairs, rng, recipe.alike
                )
                for quality in qualities
            ]
            tables = [thresholds(impostor, recipe.fmrs) for _, impostor in scores]
            genuine, impostor = (np.concatenate(side) for side in zip(*scores, strict=True))
            conditions.append(
                {
                    "images_a": images_a,
                    "images_b": images_b,
                    "recompressed": recompressed,
                    "thresholds": {fmr: max(table[fmr] for table in tables) for fmr in tables[0]},
                    "logistic": logistic(genuine, impostor),
                }
            )
    return {"default_fmr": recipe.default_fmr, "conditions": conditions}


def pair_scores(
    embeddings: np.ndarray,
    images_a: int,
    images_b: int,
    pairs: int,
    rng: np.random.Generator,
    alike: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of (genuine, impostor) pairs of image sets; `embeddings` (models, images, D).

    `alike` as in `CalibrationRecipe`.
    """
    models, images, _ = embeddings.shape
    means = embeddings.mean(1)
    means = means / np.linalg.norm(means, axis=1, keepdims=True)
    similarity = means @ means.T
    np.fill_diagonal(similarity, -np.inf)
    ranked = np.argsort(-similarity, axis=1)
    near = max(1, round(alike * (models - 1)))
    scores = []
    for genuine in (True, False):
        first = rng.integers(models, size=pairs)
        other = ranked[first, rng.integers(near, size=pairs)]
        second = first if genuine else other
        order = rng.permuted(np.tile(np.arange(images), (pairs, 1)), axis=1)
        a = embeddings[first[:, None], order[:, :images_a]].mean(1)
        b = embeddings[second[:, None], order[:, images_a : images_a + images_b]].mean(1)
        cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
        scores.append(cosine)
    return scores[0], scores[1]


def thresholds(impostor: np.ndarray, fmrs: Sequence[float]) -> dict[str, float]:
    """Smallest threshold, at most 1, whose impostor rate does not exceed each FMR."""
    ordered = np.sort(impostor)
    table = {}
    for fmr in fmrs:
        allowed = int(np.floor(fmr * len(ordered)))
        above = float(np.nextafter(ordered[len(ordered) - allowed - 1], np.inf))
        table[str(fmr)] = min(above, 1.0)
    return table


def logistic(genuine: np.ndarray, impostor: np.ndarray) -> list[float]:
    """[slope, intercept] of P(same source | score) at even prior."""
    from sklearn.linear_model import LogisticRegression

    score = np.concatenate([genuine, impostor])[:, None]
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    fit = LogisticRegression(C=1e3).fit(score, same)
    return [float(fit.coef_[0, 0]), float(fit.intercept_[0])]


def _contents(photos: Photos, recipe: CalibrationRecipe, tiles: int) -> np.ndarray:
    """`tiles` × `tiles` photographs an image: uint8 (images, 3, tiles · side, tiles · side)."""
    rng, side = np.random.default_rng((recipe.seed, tiles - 1)), recipe.side
    crops = photos.crops(recipe.images * tiles**2, side, rng)
    rows = crops.reshape(recipe.images, tiles, tiles, 3, side, side).transpose(0, 3, 1, 4, 2, 5)
    return np.ascontiguousarray(rows.reshape(recipe.images, 3, tiles * side, tiles * side))


def _render(model: GroupedAutoencoder | ExtendedAutoencoder, contents: np.ndarray) -> np.ndarray:
    """What `model` makes of them, one after the other to save memory: uint8 (images, H, W, 3)."""
    images = [model.render(torch.from_numpy(image[None]))[0, 0] for image in contents]
    return np.ascontiguousarray(torch.stack(images).numpy().transpose(0, 2, 3, 1))
