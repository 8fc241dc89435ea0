"""Identification after processing (paper, Fig. 16 and Appendix A)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.evaluation import Estimate
from trainer.evaluation.identification import score_identification
from trainer.experiments.embedding import Change, embed_generators
from trainer.images.operations import (
    blur,
    crop_resize,
    jpeg,
    noise,
    resize,
    screenshot,
    webp,
)
from trainer.progress import Progress, part_of, silent

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor


@dataclass(frozen=True)
class Operation:
    """What is done to images, and the levels that are swept.

    Attributes:
        name: as users choose it.
        unit: of the level, for the axis.
        apply: (pixels, level, random generator) to pixels.
        levels: swept by default, mild ones first.
        fine: swept at full scale.
        both_ways: levels lie on both sides of 1, which leaves an image as it is.
    """

    name: str
    unit: str
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    levels: tuple[float, ...]
    fine: tuple[float, ...]
    both_ways: bool = False


OPERATIONS = (
    Operation(
        "jpeg", "quality, 4:2:0", lambda x, q, _: jpeg(x, int(q)),
        (95, 85, 70, 50), (95, 90, 85, 80, 75, 70, 60, 50, 40, 30),
    ),
    Operation(
        "crop-resize", "share of the area kept", lambda x, s, _: crop_resize(x, s),
        (0.8, 0.5), (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3),
    ),
    Operation(
        "resize", "factor, bicubic", lambda x, f, _: resize(x, f),
        (1.5, 0.75), (2.0, 1.5, 1.25, 1.1, 0.9, 0.75, 0.6, 0.5), True,
    ),
    Operation(
        "blur", "σ, pixels", lambda x, s, _: blur(x, s),
        (0.5, 1.0), (0.3, 0.5, 0.7, 1.0, 1.5, 2.0),
    ),
    Operation(
        "noise", "σ, grey levels", lambda x, s, rng: noise(x, s, rng),
        (1.0, 3.0), (0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
    ),
    Operation(
        "webp", "quality", lambda x, q, _: webp(x, int(q)),
        (90, 60), (95, 90, 80, 70, 60, 50, 40, 30),
    ),
    Operation(
        "screenshot", "viewer's scale", lambda x, s, _: screenshot(x, s),
        (1.25, 0.8), (2.0, 1.5, 1.25, 1.0, 0.9, 0.8, 0.67), True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Identification accuracy of one model at one level.

    Attributes:
        operation: its name; "none" for images as they are.
        level: of the operation; None for "none".
        probes: accuracy where only the probes were processed: what a user meets who enrolled
            originals.
        both: accuracy where the gallery was processed alike.
    """

    operation: str
    level: float | None
    probes: Estimate
    both: Estimate


def sweep(
    extractor: Extractor,
    images: Mapping[str, Sequence[Path]],
    operations: Sequence[Operation] = OPERATIONS,
    *,
    fine: bool = False,
    galleries: int = 20,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> list[Point]:
    """Identify the images of an image set after every operation, at every level.

    Args:
        extractor: the model to test.
        images: for each generator, the paths of at least 11 images.
        operations, fine: what is swept, and whether at the fine levels.
        galleries, seed: see `trainer.evaluation`; processed images keep their original's place,
            so every level is judged on the same galleries and probes.
        cache: see `trainer.experiments.embedding.embed_generators`.
        progress: told of the images embedded, and of all.
    """
    conditions: list[tuple[str, float | None, Change | None]] = [("none", None, None)]
    for operation in operations:
        for level in operation.fine if fine else operation.levels:
            conditions.append((operation.name, level, _change(operation, level)))
    count = sum(map(len, images.values()))
    clean: dict[str, np.ndarray] = {}
    points = []
    for done, (name, level, change) in enumerate(conditions):
        shown = part_of(progress, "images", done * count, len(conditions) * count)
        processed = embed_generators(extractor, images, change, cache=cache, progress=shown)
        clean = clean or processed
        decoders = {model: model for model in images}
        scores = [
            score_identification(
                gallery, decoders, probes=processed, galleries=galleries, seed=seed
            ).model.accuracy
            for gallery in (clean, processed)
        ]
        points.append(Point(name, level, *scores))
    return points


def _change(operation: Operation, level: float) -> Change:
    return Change(
        f"{operation.name} {level:g}", lambda pixels, rng: operation.apply(pixels, level, rng)
    )
