"""Whose requests the page answers, and how much it takes in all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fingerprint_sdk.web.names import Names, Receive

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine can reach."""

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware that refuses what no visitor of the page would send.

    Another site that is open in the visitor's browser may send requests here: with its own name as
    Origin, or, once its name leads to this address, as Host. A page for this machine only is asked
    for by one of ``LOOPBACK``; one for others by whatever name they know.

    Args:
        app: what answers the rest.
        host: address that is listened on.
        uploads: folder of all uploads.
        total: bytes that it may hold.
    """

    def __init__(self, app: App, host: str, uploads: Path, total: int) -> None:
        self.app, self.host, self.uploads, self.total = app, host, uploads, total

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = scope["headers"]
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in given
        }
        if not self._is_ours(headers):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await _refuse(send, 403, "this page answers only its own visitors")
        elif not scope["path"].endswith("/upload") or scope.get("method") != "POST":
            await self.app(scope, receive, send)
        elif self._size() + _length(headers) > self.total:
            await _refuse(
                send, 507, "too much is uploaded here: wait for older uploads to be deleted"
            )
        else:
            names = Names(receive, headers.get("content-type", ""))
            await self._upload(scope, names, send)

    def _is_ours(self, headers: dict[str, str]) -> bool:
        asked = _address(f"//{headers.get('host', '')}")
        if self.host in LOOPBACK and asked[0] not in LOOPBACK:
            return False
        return "origin" not in headers or _address(headers["origin"]) == asked != ("", None)

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self.uploads.rglob("*") if path.is_file())

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except (OSError, ValueError):  # of names that no file can have
            if begun:
                raise
            await _refuse(send, 400, "this upload cannot be kept: give its file another name")


def _address(url: str) -> tuple[str, int | None]:
    """Name and port; the ports that schemes have by themselves are none."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _length(headers: dict[str, str]) -> int:
    given = headers.get("content-length", "0")
    return int(given) if given.isascii() and given.isdecimal() else 0


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
