"""Whom the page answers: requests to a real ASGI application behind the guard."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fingerprint_sdk.web.guard import Guard
from fingerprint_sdk.web.uploads import UploadLimit


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/nameless/upload":
        raise IsADirectoryError("/uploads/")
    while scope["path"].endswith("/upload") and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})


def ask(folder: Path, address: str, path: str = "/", /, body: bytes = b"", **headers: str) -> int:
    """The status of an answer of a page that listens on an address. A body comes byte by byte."""
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": bytes([one]), "more_body": True} for one in body]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": named}
    asyncio.run(Guard(application, address, folder, 1000)(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("name", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"])
def test_a_page_for_this_machine_is_asked_for_as_such(name: str, tmp_path: Path) -> None:
    assert ask(tmp_path, "127.0.0.1", host=name) == 200
    assert ask(tmp_path, "127.0.0.1", host=name, origin=f"http://{name}") == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""]
)
def test_another_host_is_refused(name: str, tmp_path: Path) -> None:
    assert ask(tmp_path, "127.0.0.1", host=name) == 403
    assert ask(tmp_path, "127.0.0.1") == 403
    if name:
        assert ask(tmp_path, "0.0.0.0", host=name) == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:9", "null", "", "http://[", "file://"]
)
@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0"])
def test_another_origin_is_refused(origin: str, listening: str, tmp_path: Path) -> None:
    assert ask(tmp_path, listening, host="localhost:7860", origin=origin) == 403
    assert ask(tmp_path, listening, "/gradio_api/upload", host="localhost:1", origin=origin) == 403


def test_uploads_have_a_limit_in_all(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes(bytes(600))
    to = tmp_path, "127.0.0.1", "/gradio_api/upload"
    assert ask(*to, content_length="400", host="localhost") == 200
    assert ask(*to, content_length="401", host="localhost") == 507
    assert ask(*to[:2], content_length="401", host="localhost") == 200
    assert UploadLimit(1).total > UploadLimit(1).bytes


def test_a_name_that_no_file_can_have_is_the_senders_mistake(tmp_path: Path) -> None:
    assert ask(tmp_path, "127.0.0.1", "/nameless/upload", host="localhost") == 400


@pytest.mark.parametrize(
    ("name", "status"), [("a.png", 200), ("鳥", 200), ("", 400), (" ", 400), ("?", 400)]
)
def test_a_file_without_a_name_is_refused(name: str, status: int, tmp_path: Path) -> None:
    pytest.importorskip("python_multipart")
    first = 'form-data; name="files"; filename="kept.png"'
    second = f'form-data; name="files"; filename="{name}"'
    parts = [f"--x\r\nContent-Disposition: {one}\r\n\r\n.\r\n" for one in (first, second)]
    given = {"host": "localhost", "content_type": "multipart/form-data; boundary=x"}
    body = "".join([*parts, "--x--\r\n"]).encode()
    assert ask(tmp_path, "127.0.0.1", "/gradio_api/upload", body, **given) == status
    given["content_type"] = "application/json"  # which is for the page to refuse
    assert ask(tmp_path, "127.0.0.1", "/gradio_api/upload", body, **given) == 200


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_uploads_go_with_the_process(how: signal.Signals | None, tmp_path: Path) -> None:
    program = """
import sys
from fingerprint_sdk.web.uploads import upload_folder
with upload_folder() as folder:
    (folder / "a.png").write_bytes(b"mine")
    print(folder, flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert (folder / "a.png").read_bytes() == b"mine"
    if how is None:
        process.stdin.close()
    else:
        process.send_signal(how)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    until = time.monotonic() + 60
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
