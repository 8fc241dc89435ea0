"""A real server process of the service, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.paths import ROOT

_BOUNDARY = "7d2f1c0e5b"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """Of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        found = self.json()
        assert set(found) == {"type", "title", "status", "detail"}
        assert found["status"] == self.status
        return str(found["detail"])


@dataclass(frozen=True, eq=False)
class Server:
    """A running service."""

    address: str
    process: subprocess.Popen[str]
    key: str | None = None

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)

    def ask(
        self,
        method: str,
        path: str,
        files: Sequence[tuple[str, str, bytes]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request with ``files``: field, name and content of each."""
        connection = self.connect()
        body = form(files) if files else b""
        more = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        connection.request(method, path, body, head(len(body)) | more | dict(headers or {}))
        return received(connection)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, *paths: Path, field: str = "images") -> Answer:
        return self.ask("POST", path, [(field, one.name, one.read_bytes()) for one in paths])

    def begin(self, path: str, files: Sequence[tuple[str, str, bytes]]) -> Begun:
        """A request of which all is sent but the last byte of its body."""
        connection, body = self.connect(), form(files)
        connection.putrequest("POST", path)
        for name, value in head(len(body)).items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[:-1])
        return Begun(connection, body[-1:])


@dataclass(frozen=True, eq=False)
class Begun:
    """A request that the server waits for the end of."""

    connection: http.client.HTTPConnection
    last: bytes

    def end(self) -> Answer:
        """The answer, once the rest is sent."""
        self.connection.send(self.last)
        return received(self.connection)


def head(length: int) -> dict[str, str]:
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return {"Content-Length": str(length)} | ({"Content-Type": kind} if length else {})


def form(files: Sequence[tuple[str, str, bytes]]) -> bytes:
    """A multipart body."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for field, name, content in files
    ]
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def received(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(response.status, headers, response.read())
    connection.close()
    return answer


@contextmanager
def serving(
    folder: Path, *options: object, key: str | None = None, code: int = 0
) -> Iterator[Server]:
    """``fingerprint serve`` on a free port; at the end it is told to stop, and must do so well."""
    log = folder / "server.log"
    environment = {k: v for k, v in os.environ.items() if k != "FINGERPRINT_API_KEY"}
    if key is not None:
        environment["FINGERPRINT_API_KEY"] = key
    process = subprocess.Popen(
        [sys.executable, "-m", "fingerprint_sdk", "serve", "--port", "0", *map(str, options)],
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r"http://\S+", line):
            break
    else:
        raise AssertionError("".join(lines))
    reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        yield Server(found[0], process, key)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(10)
        log.write_text("".join(lines))
        process.stderr.close()
    assert process.returncode == code, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()
