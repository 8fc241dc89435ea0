"""What a request must pass before its body is read, and the bounds it is worked on within."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from time import perf_counter
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fingerprint_sdk.service.keys import Keys
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.service.metrics import Metrics
from fingerprint_sdk.service.problems import Refused, problem, unexpected

logger = logging.getLogger(__name__)

OPEN = ("/healthz", "/readyz", "/openapi.json")
"""Paths that need no key: they tell nothing of what is served."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_DRAIN_SECONDS = 2.0
_TIMEOUT = "fingerprint.timeout"


def no_time_limit(request: Request) -> None:
    """Let a request end what it begins now, however long it takes."""
    request.scope[_TIMEOUT].reschedule(None)


class Guard:
    """An application that lets in few requests at a time, of limited size, with a key.

    Args:
        app: what answers.
        limits: of requests.
        keys: API keys. Without, only this machine's programs may ask, and no web page: neither
            one that sends requests here, nor one whose name leads here (DNS rebinding).
        metrics: to count in.
        seconds: after how many somebody who was refused should come again.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        keys: Keys,
        metrics: Metrics,
        seconds: Callable[[], int],
    ) -> None:
        self._app = app
        self._limits = limits
        self._keys = keys
        self._metrics = metrics
        self._seconds = seconds
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = perf_counter()
        exchange = _Exchange(scope, receive, send, self._limits)
        try:
            await self._answer(scope, exchange)
        except Refused as refused:
            await problem(refused)(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.status is None:
                await unexpected(error)(scope, exchange.receive, exchange.send)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path_format", "other")
            self._metrics.seconds.labels(method, route).observe(perf_counter() - start)
            self._metrics.requests.labels(method, route, str(exchange.status or 499)).inc()

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        headers = Headers(scope=scope)
        self._check_origin(headers)
        if scope["path"] not in OPEN and not self._keys.admit(headers.get("authorization", "")):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "give an API key of this server: Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )
        if not scope["path"].startswith("/v1/"):
            await self._app(scope, exchange.receive, exchange.send)
            return
        if self._requests >= self._limits.requests:
            seconds = self._seconds()
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._requests} requests wait or are worked on, and more are not taken: come "
                f"again in {seconds} s",
                {"Retry-After": str(seconds)},
            )
        exchange.check_length(headers)
        self._requests += 1
        self._metrics.in_progress.inc()
        try:
            async with asyncio.timeout(self._limits.seconds) as timeout:
                scope[_TIMEOUT] = timeout
                await self._app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if exchange.status is not None or not timeout.expired():
                raise
            raise self._too_late(exchange) from None
        finally:
            self._requests -= 1
            self._metrics.in_progress.dec()

    def _too_late(self, exchange: _Exchange) -> Refused:
        seconds = f"{self._limits.seconds:g} s"
        if not exchange.complete:
            return Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {seconds}")
        return Refused(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"this took more than {seconds}: send fewer or smaller images, or come again later",
        )

    def _check_origin(self, headers: Headers) -> None:
        if self._keys:
            return
        if "origin" in headers or _host(headers) not in LOOPBACK:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "this server has no API key, so it answers programs of its own machine only, and "
                "no web pages",
            )


def _host(headers: Headers) -> str | None:
    """Whom a request is addressed to; None if that cannot be told."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


class _Exchange:
    """A request's body within its limit, and what was answered.

    Attributes:
        complete: the whole body was read.
        status: of the answer; None before there is one.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
        self._receive, self._send = receive, send
        self._limits = limits
        self._bytes = 0
        self._continued = "100-continue" not in Headers(scope=scope).get("expect", "").lower()
        self.complete = False
        self.status: int | None = None

    def check_length(self, headers: Headers) -> None:
        """Refuse a body that says itself that it is too large."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limits.bytes:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())

    async def receive(self) -> Message:
        """Some more of the body. HTTPException, which FastAPI lets through, at the limit."""
        self._continued = True
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self._bytes > self._limits.bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())
        return message

    async def send(self, message: Message) -> None:
        """Some more of the answer."""
        if message["type"] == "http.response.start":
            if not self.complete and self._continued:
                await self._drain()
            self.status = message["status"]
        await self._send(message)

    async def _drain(self) -> None:
        """Read on, for a while: who still sends when the connection ends may see no answer."""
        left = self._limits.bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        break
        self.complete = True

    def _too_large(self) -> str:
        return (
            f"the body is larger than the {self._limits.bytes} bytes that this server takes: send "
            "fewer or smaller images"
        )
