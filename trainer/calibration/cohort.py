"""The cohort: processed photographs that no generator made (docs/method.md#cohort)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from fingerprint_sdk.embedding import Run, image_embedding, mean_embedding
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, stored
from fingerprint_sdk.images.quality import counted_windows
from fingerprint_sdk.process.cores import cores
from trainer.calibration.recipe import CohortRecipe
from trainer.images.photos import Photos
from trainer.images.treatments import TREATMENTS, Kind
from trainer.progress import Progress, silent

_STAGE = "cohort"


def make_cohort(
    embed_windows: Run,
    photos: Photos,
    unprocessed: Mapping[int, np.ndarray],
    recipe: CohortRecipe,
    constant: float,
    *,
    progress: Progress = silent,
) -> Cohort:
    """Settings of every kind of treatment, and how like them unprocessed sides are.

    `unprocessed` are embeddings of sides by held-out models, (..., D), L2-normalised, whose images
    are as they were made, by the number of images of a side.
    """
    kinds = [
        (treatment, name, kind)
        for treatment, kinds in TREATMENTS.items()
        for name, kind in kinds.items()
    ]
    rows, found = [], []
    with ThreadPoolExecutor(cores()) as pool:
        for done, (treatment, name, kind) in enumerate(kinds):
            rows.append(
                np.stack(
                    [
                        _row(embed_windows(windows), constant)
                        for windows in _settings(photos, kind, name, recipe, pool)
                    ]
                )
            )
            found.append(CohortKind(name, treatment, len(rows[-1])))
            progress(_STAGE, done + 1, len(kinds))
    cohort = Cohort(
        stored(np.concatenate(rows)),
        tuple(found),
        recipe.nearest,
        recipe.others,
        recipe.likeness_weight,
        recipe.contrast_weight,
        (Usual(1, 1.0, 0.0, 0.0),),
    )
    return replace(cohort, usual=usual(cohort, unprocessed, recipe))


def _settings(
    photos: Photos, kind: Kind, name: str, recipe: CohortRecipe, pool: Executor
) -> Iterator[np.ndarray]:
    """A window of each photograph that went through a setting of a kind, setting by setting."""
    # Each kind draws by itself, so that another one more changes none of the rest.
    rng = np.random.default_rng((recipe.seed, zlib.crc32(name.encode())))
    for _ in range(recipe.settings * dict(recipe.more).get(name, 1)):
        crops = photos.crops(recipe.together, recipe.side, rng).transpose(0, 2, 3, 1)
        setting = int(rng.integers(2**32))
        cut = pool.map(partial(_window, kind, setting), range(len(crops)), crops)
        yield np.stack(list(cut))


def _window(kind: Kind, setting: int, place: int, crop: np.ndarray) -> np.ndarray:
    treated = kind(np.ascontiguousarray(crop), np.random.default_rng(setting))
    windows = counted_windows(np.ascontiguousarray(treated))
    return windows[np.random.default_rng((setting, place)).integers(len(windows))]


def _row(windows: np.ndarray, constant: float) -> np.ndarray:
    """Of window embeddings, (together, D), one row: the mean of images of a window each."""
    return mean_embedding(np.stack([image_embedding(one[None], constant) for one in windows]))


def usual(
    cohort: Cohort, unprocessed: Mapping[int, np.ndarray], recipe: CohortRecipe
) -> tuple[Usual, ...]:
    """What is usual of unprocessed sides, see `make_cohort`."""
    found = []
    for images, sides in sorted(unprocessed.items()):
        rows = sides.reshape(-1, sides.shape[-1])
        likeness = [one.likeness for one in cohort.explain(rows, images)]
        base = float(np.quantile(likeness, recipe.base))
        measured = replace(cohort, usual=(Usual(1, base, 0.0, 0.0),))
        amounts = [one.amount for one in measured.explain(rows)]
        many, most = (float(np.quantile(amounts, q)) for q in (recipe.base, recipe.processed))
        found.append(Usual(images, base, many, most))
    return tuple(found)
