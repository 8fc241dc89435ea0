"""The application: routes behind their guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import TypeAdapter
from starlette.types import ASGIApp

from fingerprint_sdk import __version__
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.service import answers, entries, schemas
from fingerprint_sdk.service.context import Context, Shared
from fingerprint_sdk.service.guard import Guard
from fingerprint_sdk.service.keys import Keys
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.service.parameters import PROBLEM, PROBLEMS
from fingerprint_sdk.service.problems import Refused, add_handlers
from fingerprint_sdk.service.shelves import Shelf

_KEY = HTTPBearer(
    auto_error=False,
    description="An API key of the server; needed unless it serves its own machine without one.",
)
_ABOUT = "Which generative model made this image? Answers are the JSON documents of the command."

_state = APIRouter()


@_state.get("/healthz", response_model=schemas.State, operation_id="healthz")
async def healthz() -> schemas.State:
    """The process answers."""
    return {"status": "ok"}


@_state.get(
    "/readyz",
    response_model=schemas.State,
    operation_id="readyz",
    responses={503: {"description": "It cannot answer requests now.", "content": PROBLEM}},
)
async def readyz(context: Shared) -> schemas.State:
    """Model and built-in gallery are loaded, and the galleries can be reached."""
    if not await context.ready():
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not ready")
    return {"status": "ready"}


@_state.get(
    "/metrics",
    response_class=Response,
    operation_id="metrics",
    dependencies=[Depends(_KEY)],
    responses={
        200: {
            "description": "Prometheus' text format.",
            "content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}},
        },
        401: PROBLEMS[401],
    },
)
async def metrics(context: Shared) -> Response:
    """What was counted since the start."""
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def build(
    extractor: Extractor,
    *,
    limits: Limits | None = None,
    keys: Keys | None = None,
    galleries: Shelf | None = None,
) -> ASGIApp:
    """The application, for any ASGI server. One to a process: it has a queue of its own.

    Args:
        extractor: the model.
        limits: of requests.
        keys: API keys; none lets in programs of this machine only.
        galleries: those that are served and changed; None for none.
    """
    limits = limits or Limits()
    context = Context(extractor, limits, galleries)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        context.batcher.start()
        warming = asyncio.create_task(context.work(context.galleries.warm))
        yield
        await asyncio.wait([warming])
        await context.stop()

    app = FastAPI(
        title="fingerprint_sdk",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # both pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    app.state.context = context
    for router in (answers.router, entries.router):
        app.include_router(router, dependencies=[Depends(_KEY)], responses=PROBLEMS)
    app.include_router(_state)
    add_handlers(app, [*answers.router.routes, *entries.router.routes, *_state.routes])
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return Guard(
        app,
        limits=limits,
        keys=keys or Keys(),
        metrics=context.metrics,
        seconds=context.batcher.seconds,
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The document, with the problems that FastAPI knows nothing of."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        document["components"]["schemas"]["Problem"] = TypeAdapter(schemas.Problem).json_schema()
        app.openapi_schema = document
    return app.openapi_schema
