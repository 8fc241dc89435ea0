"""Dynamic batching: what waits while the model runs is embedded together in its next call.

Nothing waits for company: a request that comes alone is embedded at once.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter

from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.results import EmbeddingResult
from fingerprint_sdk.service.metrics import Metrics
from fingerprint_sdk.service.uploads import Upload

_GUESS = 0.1  # seconds an image, before any was measured
_NEWEST = 0.2  # weight of the last batch in the mean


@dataclass(frozen=True, eq=False)
class _Waiting:
    images: Sequence[Upload]
    answer: asyncio.Future[EmbeddingResult]


class Batcher:
    """Embeds the images of all requests, in one thread. To be used within one event loop.

    Args:
        extractor: the model.
        most: images of a call; a request with more has one of its own.
        metrics: to count in.
    """

    def __init__(self, extractor: Extractor, most: int, metrics: Metrics) -> None:
        self._extractor = extractor
        self._most = most
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._came = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fingerprint-embed")
        self._task: asyncio.Task[None] | None = None
        self._seconds = _GUESS
        metrics.watch(lambda: self.images)

    @property
    def images(self) -> int:
        """How many wait."""
        return sum(len(one.images) for one in self._waiting)

    @property
    def alive(self) -> bool:
        """Whether images are embedded."""
        return self._task is not None and not self._task.done()

    def seconds(self) -> int:
        """After how many seconds what waits now will have been embedded, about; at least 1."""
        return max(1, min(60, math.ceil(self._seconds * (self.images + self._most))))

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End, and wait for the call that runs."""
        if self._task is not None:
            self._task.cancel()
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def embed(self, images: Sequence[Upload]) -> EmbeddingResult:
        """``Extractor.embed_many`` of one request's images.

        Cancelled before its turn, it takes no time of the model.
        """
        waiting = _Waiting(images, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._came.set()
        return await waiting.answer

    async def _run(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            while batch := self._next():
                await self._answer(batch)

    def _next(self) -> list[_Waiting]:
        """The oldest requests, as many as fit."""
        batch: list[_Waiting] = []
        room = self._most
        while self._waiting:
            first = self._waiting[0]
            if first.answer.done():  # nobody waits for it any more
                self._waiting.popleft()
                continue
            if batch and len(first.images) > room:
                break
            room -= len(first.images)
            batch.append(self._waiting.popleft())
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._embed(batch)
        except Exception as error:
            if len(batch) > 1:  # one request's fault is no other's
                for one in batch:
                    await self._answer([one])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        for one, result in zip(batch, results, strict=True):
            if not one.answer.done():
                one.answer.set_result(result)

    async def _embed(self, batch: list[_Waiting]) -> list[EmbeddingResult]:
        images = list(chain.from_iterable(one.images for one in batch))
        start = perf_counter()
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._thread, self._extractor.embed_many, images)
        each = (perf_counter() - start) / len(images)
        self._seconds += _NEWEST * (each - self._seconds)
        self._metrics.batch_images.observe(len(images))
        self._metrics.batch_requests.observe(len(batch))
        self._metrics.images.labels("used").inc(len(result.indices))
        self._metrics.images.labels("failed").inc(len(result.failures))
        return split(result, [len(one.images) for one in batch])


def split(result: EmbeddingResult, counts: Sequence[int]) -> list[EmbeddingResult]:
    """The outcome of each of several inputs that were embedded as one.

    Args:
        result: of all images, those of the first input in front.
        counts: images of each input.
    """
    parts = []
    start = 0
    for count in counts:
        rows = [row for row, place in enumerate(result.indices) if start <= place < start + count]
        first, last = (rows[0], rows[-1] + 1) if rows else (0, 0)
        parts.append(
            EmbeddingResult(
                result.embeddings[first:last],
                tuple(place - start for place in result.indices[first:last]),
                result.quality[first:last],
                tuple(
                    replace(failure, index=failure.index - start)
                    for failure in result.failures
                    if start <= failure.index < start + count
                ),
            )
        )
        start += count
    return parts


def check_any(result: EmbeddingResult) -> None:
    """Raise ImageError where no image could be used, with what is wrong with them."""
    if not result.indices:
        why = "; ".join(str(failure.error) for failure in result.failures[:3])
        raise ImageError(why or "no images were given: send at least one")
