"""Error rates and likelihood ratios by condition, from synthetic models never trained on.

Images of held-out architectures are compared, all of a pair treated in the same way: as they are,
recompressed, resized, grey... The impostor scores give a threshold for each false match rate, the
genuine ones a score for each false non-match rate, both a likelihood ratio; each by treatment, by
windows of an image and by images a side. Of several kinds of one treatment, the strictest counts.
Every model renders the same photographs: an analyst compares generators on the same subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint_sdk.embedding import Run, image_embedding
from fingerprint_sdk.evidence.cohort import Cohort
from fingerprint_sdk.images.quality import counted_windows
from trainer.calibration.cohort import make_cohort
from trainer.calibration.conditions import CONDITIONS, Treat
from trainer.calibration.contents import contents, rendered
from trainer.calibration.recipe import CalibrationRecipe
from trainer.calibration.scores import Sets, draw_means, logistic, misses, pair_scores, thresholds
from trainer.images.photos import Photos
from trainer.progress import Progress, silent
from trainer.synthesis import PoolEntry, load_model

AS_IS = "as is"
_STAGE = "calibration"
_FEWEST = 3  # models: of two there is one pair, which bounds no ratio
_BUDGET = 16  # windows to choose from: those of 512 px
_FORMAT = 2  # of the document, see fingerprint_sdk.calibration

Embedded = Mapping[str, Mapping[str, Mapping[int, np.ndarray]]]


def fit_calibration(
    embed_windows: Run,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
    recipe: CalibrationRecipe,
    *,
    progress: Progress = silent,
) -> tuple[dict[str, Any], Cohort]:
    """The calibration document that goes into the model file (its JSON form), and the cohort.

    `embed_windows` maps uint8 (N, 3, 128, 128) to float32 (N, D); `pools` are held-out models;
    `photos` photographs kept out of training.
    """
    rng = np.random.default_rng(recipe.seed)
    chosen = [pools[i] for i in rng.permutation(len(pools))[: recipe.models]]
    if len(chosen) < _FEWEST:
        raise ValueError(f"calibration needs at least {_FEWEST} held-out synthetic models")
    embedded = _embed_all(embed_windows, chosen, photos, recipe, progress)
    unprocessed = {
        count: draw_means(
            embedded[AS_IS][AS_IS][recipe.windows[-1]],
            count,
            draws=recipe.draws,
            sets=recipe.sets,
            seed=recipe.seed,
        )
        for count in recipe.sides
    }
    cohort = make_cohort(
        embed_windows, photos, unprocessed, recipe.cohort, recipe.constant, progress=progress
    )
    return conditions_of(embedded, cohort, recipe, progress=progress), cohort


def conditions_of(
    embedded: Embedded,
    cohort: Cohort,
    recipe: CalibrationRecipe,
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The calibration document, from the image embeddings of held-out models.

    `embedded` holds them by treatment, kind and windows, (models, images, D).
    """
    conditions = []
    for treatment, kinds in embedded.items():
        for windows in recipe.windows:
            processed = treatment != AS_IS
            seen = (windows, *recipe.more_windows) if processed else (windows,)
            alike = recipe.alike if processed else 1.0
            sets = [
                Sets.of(
                    kind[n],
                    cohort,
                    recipe.sides,
                    draws=recipe.draws,
                    sets=recipe.sets,
                    seed=recipe.seed,
                )
                for kind in kinds.values()
                for n in seen
            ]
            conditions += [
                {
                    "treatment": treatment,
                    "windows": windows,
                    "images_a": images_a,
                    "images_b": images_b,
                    **_condition(sets, images_a, images_b, recipe, alike),
                }
                for images_a in recipe.sides
                for images_b in recipe.sides
                if images_a <= images_b
            ]
        progress(f"{_STAGE}: conditions", list(embedded).index(treatment) + 1, len(embedded))
    return {
        "format": _FORMAT,
        "default_fmr": recipe.default_fmr,
        "default_fnmr": recipe.default_fnmr,
        "conditions": conditions,
    }


def _condition(
    kinds: Sequence[Sets],
    images_a: int,
    images_b: int,
    recipe: CalibrationRecipe,
    alike: float,
) -> dict[str, Any]:
    scores = [pair_scores(sets, images_a, images_b, alike) for sets in kinds]
    passed = [thresholds(impostor, recipe.fmrs) for _, impostor in scores]
    missed = [misses(genuine, recipe.fnmrs, recipe.spread) for genuine, _ in scores]
    genuine, impostor = (np.concatenate(side) for side in zip(*scores, strict=True))
    models = len(kinds[0].alike)
    # No ratio is known better than the sources that could have contradicted it are many.
    bounds = [1 / models, min(1 / min(recipe.fmrs), models * (models - 1) / 2)]
    return {
        "thresholds": {rate: _digits(max(t[rate] for t in passed)) for rate in passed[0]},
        "misses": {rate: _digits(min(m[rate] for m in missed)) for rate in missed[0]},
        "logistic": [_digits(recipe.evidence * value) for value in logistic(genuine, impostor)],
        "bounds": [_digits(bound) for bound in bounds],
    }


def _digits(value: float) -> float:
    return float(f"{value:.6g}")  # as many as scores of single precision have


def _counts(recipe: CalibrationRecipe) -> tuple[int, ...]:
    return tuple(sorted({*recipe.windows, *recipe.more_windows}))


def _embed_all(
    embed_windows: Run,
    chosen: Sequence[tuple[Path, PoolEntry]],
    photos: Photos,
    recipe: CalibrationRecipe,
    progress: Progress,
) -> Embedded:
    """Treatment -> kind -> windows -> image embeddings, (models, images, D)."""
    made_of = contents(photos, recipe)
    found: dict[str, dict[str, dict[int, list[np.ndarray]]]] = {
        treatment: {name: {n: [] for n in _counts(recipe)} for name in kinds}
        for treatment, kinds in CONDITIONS.items()
    }
    every = min(recipe.treated, (len(chosen) - 1) // (_FEWEST - 1))
    for done, (pool, entry) in enumerate(chosen):
        images = rendered(load_model(pool, entry), made_of)
        for treatment, kinds in CONDITIONS.items():
            if treatment != AS_IS and done % every:
                continue
            for name, treat in kinds.items():
                rows = _embed(embed_windows, images, treat, (recipe.seed, done), recipe)
                for windows, embeddings in rows.items():
                    found[treatment][name][windows].append(embeddings)
        progress(_STAGE, done + 1, len(chosen))
    return {
        treatment: {
            name: {n: np.stack(each) for n, each in counts.items()}
            for name, counts in kinds.items()
        }
        for treatment, kinds in found.items()
    }


def _embed(
    embed_windows: Run,
    images: np.ndarray,
    treat: Treat,
    seed: tuple[int, ...],
    recipe: CalibrationRecipe,
) -> dict[int, np.ndarray]:
    """Image embeddings, (images, D), by as many of their windows as were asked for."""
    rng = np.random.default_rng(seed)
    rows: dict[int, list[np.ndarray]] = {count: [] for count in _counts(recipe)}
    for image in images:
        cut = counted_windows(np.ascontiguousarray(treat(image, rng)), budget=_BUDGET)
        cut = cut[rng.permutation(len(cut))[: max(rows)]]
        embeddings = embed_windows(cut)
        for count, found in rows.items():
            found.append(image_embedding(embeddings[:count], recipe.constant))
    return {count: np.stack(found) for count, found in rows.items()}
