"""Images to windows, in threads, ahead of the model that takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.images.decode import decoded, describe
from fingerprint_sdk.images.quality import Quality, assess, counted_windows

if TYPE_CHECKING:
    from fingerprint_sdk.images.decode import ImageInput


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image ready for the model: the windows that count, uint8 (n, 3, 128, 128)."""

    windows: npt.NDArray[np.uint8]
    quality: Quality


Outcome: TypeAlias = Prepared | ImageError


def prepare(image: ImageInput, budget: int) -> Outcome:
    """Decode an image, cut its windows and judge it; an error is returned, not raised."""
    try:
        with decoded(image) as loaded:
            crops = counted_windows(loaded.pixels, budget=budget)
            return Prepared(crops, assess(loaded, crops))
    except ImageError as error:
        return error
    except MemoryError:
        return ImageError(f"{describe(image)} does not fit in memory: give it alone, or crop it")


def prepare_ahead(
    images: Iterator[ImageInput], size: int, workers: int, budget: int
) -> Generator[list[Outcome], None, None]:
    """Batches of ``size`` images, the last one smaller, in the order given.

    While a batch is used, ``workers`` threads prepare the next one; nothing is read further
    ahead, so that an endless iterator is welcome. Close the generator to stop the threads. An only
    image is prepared without any: to start one takes longer. ``budget`` is that of
    ``grid.window_grid``.
    """
    first = list(islice(images, 2))
    if len(first) < 2:
        yield from ([prepare(image, budget)] for image in first)
        return
    images = chain(first, images)
    ahead: deque[Future[Outcome]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fingerprint-decode")
    try:
        while True:
            wanted = size + max(size, workers) - len(ahead)
            ahead.extend(pool.submit(prepare, image, budget) for image in islice(images, wanted))
            if not ahead:
                return
            yield [ahead.popleft().result() for _ in range(min(size, len(ahead)))]
    finally:
        pool.shutdown(cancel_futures=True)
