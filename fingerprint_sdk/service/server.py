"""The service on a port, until it is told to stop."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fingerprint_sdk.errors import ArgumentError, FingerprintError
from fingerprint_sdk.extras import need
from fingerprint_sdk.service.keys import VARIABLE, Keys
from fingerprint_sdk.service.limits import Limits
from fingerprint_sdk.service.shelves import Shelf

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor

_PACKAGES = ("python_multipart", "fastapi", "uvicorn", "prometheus_client")
_WAITING = 128  # connections that the system keeps until they are taken
_AFTERWARDS = 30  # seconds beyond the time limit that requests may take at the end


def check_installed() -> None:
    """Raise FingerprintError unless the extra ``serve`` is installed."""
    for package in _PACKAGES:
        need(package, "serve", "the service")


def serve(
    extractor: Extractor,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    keys: Keys | None = None,
    galleries: Shelf | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer requests until SIGTERM or Ctrl+C; those that have come by then are answered.

    Args:
        extractor: the model.
        host: address to listen on; "127.0.0.1" is this machine only.
        port: to listen on; 0 for any that is free.
        limits: of requests.
        keys: API keys; with none, ``host`` must be this machine's own.
        galleries: those that are served and changed; None for none.
        ready: called with the address once connections are taken.

    Raises:
        ArgumentError: others could ask without a key.
        FingerprintError: the extra ``serve`` is not installed, or the port is taken.
    """
    check_installed()
    check_host(host, keys or Keys())
    import uvicorn

    from fingerprint_sdk.service.application import build

    limits = limits or Limits()
    app = build(extractor, limits=limits, keys=keys, galleries=galleries)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=round(limits.seconds) + _AFTERWARDS,
    )
    with _listening(host, port) as listener, _quiet_termination():
        if ready is not None:
            ready(_address(listener))
        uvicorn.Server(config).run(sockets=[listener])


def check_host(host: str, keys: Keys) -> None:
    """Raise ArgumentError where others could ask, and no key is needed."""
    if keys or _is_own(host):
        return
    raise ArgumentError(
        f"{host!r} lets in others than this machine: set {VARIABLE} or give --key-file, or listen "
        "on 127.0.0.1"
    )


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    # Here, since uvicorn ends the process where it cannot listen.
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=_WAITING)
    except OSError as error:
        raise FingerprintError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; choose another"
        ) from error
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _quiet_termination() -> Iterator[None]:
    """After SIGTERM end as after any other work: uvicorn raises it once more at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
