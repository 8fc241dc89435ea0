"""The cohort: processed photographs that no generator made (docs/method.md#cohort)."""

from __future__ import annotations

import zlib

import numpy as np

from fingerprint_sdk.embedding import Run, embed_images
from fingerprint_sdk.evidence.cohort import Cohort, stored
from trainer.calibration.recipe import CohortRecipe
from trainer.images.photos import Photos
from trainer.images.treatments import TREATMENTS
from trainer.progress import Progress, silent

_STAGE = "cohort"


def make_cohort(
    embed_windows: Run,
    photos: Photos,
    unprocessed: np.ndarray,
    recipe: CohortRecipe,
    constant: float,
    *,
    progress: Progress = silent,
) -> Cohort:
    """Photographs of every kind of treatment, and how like them an unprocessed image is.

    `unprocessed` are embeddings of images by held-out models as they are, (N, D), L2-normalised.
    """
    kinds = [
        (treatment, name, kind)
        for treatment, kinds in TREATMENTS.items()
        for name, kind in kinds.items()
    ]
    rows, treatments = [], []
    for done, (treatment, name, kind) in enumerate(kinds):
        # Each kind draws by itself, so that another one more changes none of the rest.
        rng = np.random.default_rng((recipe.seed, zlib.crc32(name.encode())))
        count = recipe.photographs * dict(recipe.more).get(name, 1)
        crops = photos.crops(count, recipe.side, rng).transpose(0, 2, 3, 1)
        treated = [np.ascontiguousarray(kind(np.ascontiguousarray(crop), rng)) for crop in crops]
        rows.append(embed_images(embed_windows, treated, constant))
        treatments += [treatment] * len(treated)
        progress(_STAGE, done + 1, len(kinds))
    embeddings = stored(np.concatenate(rows))
    cohort = Cohort(embeddings, tuple(treatments), recipe.nearest, 0.0, 1.0, recipe.weight)
    likeness = [one.likeness for one in cohort.explain(unprocessed)]
    base, processed = (float(np.quantile(likeness, q)) for q in (recipe.base, recipe.processed))
    return Cohort(embeddings, tuple(treatments), recipe.nearest, base, processed, recipe.weight)
