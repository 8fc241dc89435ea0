"""What the routes of one server share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Any, ParamSpec, TypeVar, cast

from fastapi import Depends, Request, Response, UploadFile

from fingerprint_sdk.documents import SCHEMA
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.process.cores import cores
from fingerprint_sdk.results import EmbeddingResult
from fingerprint_sdk.service.batch import Batcher
from fingerprint_sdk.service.galleries import Galleries
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.service.metrics import Metrics
from fingerprint_sdk.service.shelves import Shelf
from fingerprint_sdk.service.uploads import Upload, check_pixels, read_uploads

P = ParamSpec("P")
T = TypeVar("T")

_READY_SECONDS = 3.0
"""How long whoever asks whether the service is ready waits for the galleries at most."""


class Context:
    """The model, the galleries, and the threads that work on them.

    Args:
        extractor: the model.
        limits: of requests.
        shelf: of the galleries; None for none.
    """

    def __init__(self, extractor: Extractor, limits: Limits, shelf: Shelf | None) -> None:
        self.extractor = extractor
        self.limits = limits
        self.galleries = Galleries(extractor, shelf)
        self.metrics = Metrics(extractor)
        self.batcher = Batcher(extractor, limits.batch, self.metrics)
        self._pool = ThreadPoolExecutor(max(2, cores()), thread_name_prefix="fingerprint-work")
        # Of its own, and one: a database that does not answer keeps no other work waiting.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="fingerprint-ready")

    async def work(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a call returns that would keep the event loop from its other work."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(call, *args, **kwargs))

    async def ready(self) -> bool:
        """Whether model and galleries can be used; no where nobody says so in time."""
        if not self.batcher.alive:
            return False
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._asking, lambda: self.galleries.ready)
        try:
            return await asyncio.wait_for(asked, _READY_SECONDS)
        except TimeoutError:
            return False

    async def uploads(self, files: Sequence[UploadFile], already: int = 0) -> list[Upload]:
        """``read_uploads``, no larger than may be."""
        found = await read_uploads(files, self.limits, already=already)
        await self.work(check_pixels, found, self.limits)
        return found

    async def embed(self, uploads: Sequence[Upload]) -> EmbeddingResult:
        """``Extractor.embed_many``, together with the images of other requests."""
        return await self.batcher.embed(uploads)

    async def stop(self) -> None:
        """End the threads."""
        await self.batcher.stop()
        for pool in (self._pool, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)


def context_of(request: Request) -> Context:
    """Of the server that has a request."""
    return cast(Context, request.app.state.context)


Shared = Annotated[Context, Depends(context_of)]


def answer(document: Mapping[str, Any], status: int = 200) -> Response:
    """A document as the command prints it: with its version, in ASCII."""
    text = json.dumps({"schema": SCHEMA, **document}, allow_nan=False)
    return Response(text, status, media_type="application/json")
