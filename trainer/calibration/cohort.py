"""The cohort: processed photographs that no generator made (docs/method.md#cohort)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fingerprint_sdk.embedding import Run, embed_images
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, stored
from trainer.calibration.recipe import CohortRecipe
from trainer.images.photos import Photos
from trainer.images.treatments import TREATMENTS
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
    """Photographs of every kind of treatment, and how like them unprocessed sides are.

    `unprocessed` are embeddings of sides by held-out models, (..., D), L2-normalised, whose images
    are as they were made, by the number of images of a side.
    """
    kinds = [
        (treatment, name, kind)
        for treatment, kinds in TREATMENTS.items()
        for name, kind in kinds.items()
    ]
    rows, found = [], []
    for done, (treatment, name, kind) in enumerate(kinds):
        # Each kind draws by itself, so that another one more changes none of the rest.
        rng = np.random.default_rng((recipe.seed, zlib.crc32(name.encode())))
        count = recipe.photographs * dict(recipe.more).get(name, 1)
        crops = photos.crops(count, recipe.side, rng).transpose(0, 2, 3, 1)
        treated = [np.ascontiguousarray(kind(np.ascontiguousarray(crop), rng)) for crop in crops]
        rows.append(embed_images(embed_windows, treated, constant))
        found.append(CohortKind(name, treatment, len(treated)))
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
