"""From a stream of images to a stream of embeddings; decoding overlaps with inference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embedding import image_embeddings
from fingerprint_sdk.errors import ArgumentError, FingerprintError, ImageError
from fingerprint_sdk.images import WINDOW_BUDGET, is_single_image
from fingerprint_sdk.images.ahead import Outcome, prepare_ahead
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.results import Embeddings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fingerprint_sdk.images import ImageInput

Embedded: TypeAlias = tuple[Embeddings, Quality] | ImageError
RunModel: TypeAlias = Callable[
    [npt.NDArray[np.uint8]], tuple[Embeddings, npt.NDArray[np.floating] | None]
]
"""From windows, uint8 (n, 3, 128, 128), to their embeddings, (n, D), and deviations, (n,)."""


def stream(
    images: Iterator[ImageInput],
    run: RunModel,
    batch_size: int,
    workers: int,
    *,
    constant: float = 0.0,
    budget: int = WINDOW_BUDGET,
) -> Iterator[tuple[int, Embedded]]:
    """Outcomes in input order; the next images are decoded while the model runs.

    Args:
        images: consumed little by little.
        run: the model.
        batch_size: images a call of ``run``.
        workers: threads that decode.
        constant: of the model, see ``embedding.image_embedding``.
        budget: windows of an image, see ``grid.window_grid``.
    """
    done = 0
    with closing(prepare_ahead(images, batch_size, workers, budget)) as batches:
        for batch in batches:
            for outcome in _embed_batch(batch, run, constant):
                yield done, outcome
                done += 1


def _embed_batch(batch: list[Outcome], run: RunModel, constant: float) -> Iterator[Embedded]:
    usable = [item for item in batch if not isinstance(item, ImageError)]
    rows: Iterator[Embeddings] = iter(())
    medians: Iterator[float | None] = iter(())
    if usable:
        vectors, deviations = run(np.concatenate([item.windows for item in usable]))
        counts = [len(item.windows) for item in usable]
        rows = image_embeddings(vectors, counts, constant)
        medians = _medians(deviations, counts)
    for item in batch:
        if isinstance(item, ImageError):
            yield item
        else:
            yield next(rows), replace(item.quality, deviation=next(medians))


def _medians(
    deviations: npt.NDArray[np.floating] | None, counts: Sequence[int]
) -> Iterator[float | None]:
    """Of each image's windows; None where the model does not measure it."""
    start = 0
    for count in counts:
        stop = start + count
        yield None if deviations is None else float(np.median(deviations[start:stop]))
        start = stop


def as_iterable(images: ImageInput | Iterable[ImageInput]) -> Iterator[ImageInput]:
    """One image as a stream of one; of anything else, its items."""
    if is_single_image(images):
        return iter((cast("ImageInput", images),))
    try:
        return iter(cast("Iterable[ImageInput]", images))
    except TypeError:
        return iter((cast("ImageInput", images),))  # load_image says what is wrong with it


def positive(
    name: str,
    value: int | None,
    default: int,
    error: type[FingerprintError] = ArgumentError,
) -> int:
    """``value``, or ``default`` for None. Raises ``error`` unless it is an integer from 1."""
    if value is None:
        return default
    try:
        number = index(value)
    except TypeError:
        raise error(f"{name} must be an integer, not {value!r}") from None
    if not 1 <= number < 2**31:
        raise error(
            f"{name} must be at least 1, not {number}" if number < 1 else f"{name} is huge"
        )
    return number
