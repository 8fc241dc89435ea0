"""Errors as answers: problem details (RFC 9457), which tell nothing of the server itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from fingerprint_sdk.errors import (
    DeviceError,
    FingerprintError,
    GalleryError,
    ModelError,
    StoreError,
)
from fingerprint_sdk.text import visible

logger = logging.getLogger(__name__)

TYPE = "application/problem+json"

_AGAIN = "10"  # seconds


class Refused(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(refused: Refused) -> JSONResponse:
    """The answer."""
    return JSONResponse(
        {
            "type": "about:blank",
            "title": refused.status.phrase,
            "status": refused.status.value,
            "detail": visible(refused.detail),
        },
        status_code=refused.status,
        headers=refused.headers,
        media_type=TYPE,
    )


def refusal(error: FingerprintError) -> Refused:
    """What a client is told of an error of ours: 422 for what it sent, 409 for a gallery's state.

    A model or a database that fails is no fault of the client's, and its message tells of the
    server.
    """
    if isinstance(error, ModelError | DeviceError):
        return _unexpected(error)
    if isinstance(error, StoreError):
        logger.error("the database of galleries failed: %s", error)
        return Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the database of galleries cannot be used now: try again",
            {"Retry-After": _AGAIN},
        )
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return Refused(HTTPStatus.CONFLICT if isinstance(error, GalleryError) else status, str(error))


def add_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Answer every error with a problem; ``routes`` are all of the application."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return problem(error)

    @app.exception_handler(FingerprintError)
    async def ours(request: Request, error: FingerprintError) -> JSONResponse:
        return problem(refusal(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, _told(error)))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:  # it knows of one route only
            headers["Allow"] = ", ".join(sorted(_methods(request, routes)))
        return problem(Refused(status, str(error.detail), headers))

    @app.exception_handler(Exception)
    async def other(request: Request, error: Exception) -> JSONResponse:
        return unexpected(error)


def unexpected(error: Exception) -> JSONResponse:
    """The answer to what should not happen; the log tells what did."""
    return problem(_unexpected(error))


def _unexpected(error: Exception) -> Refused:
    logger.error("a request failed", exc_info=error)
    return Refused(
        HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log tells what happened"
    )


def _methods(request: Request, routes: Sequence[BaseRoute]) -> set[str]:
    """Of all routes of a path."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


def _told(error: RequestValidationError) -> str:
    """``query fpir: Input should be less than or equal to 1``, for each fault."""
    faults = [
        f"{' '.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    ]
    return "; ".join(faults[:5])
