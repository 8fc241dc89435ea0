"""What the service refuses, and that it tells so; on real server processes."""

from __future__ import annotations

import io
import socket
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli
from support.service import Server, form, head, received, serving

pytest.importorskip("prometheus_client", reason="needs the extra 'serve'")

KEY, OTHER = "a-key-for-the-tests-1", "a-key-for-the-tests-2"


@pytest.fixture
def quick(model: list[str], tmp_path: Path) -> list[str]:
    (tmp_path / "galleries").mkdir()
    return [*model, "--galleries", str(tmp_path / "galleries")]


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def noise(side: int, seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_large_requests_are_refused(
    quick: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    bounds = ["--max-upload", "0.5", "--max-pixels", "0.1", "--max-images", "2"]
    with serving(tmp_path, *quick, *bounds) as server:
        assert server.post("/v1/embed", sample_files[0]).status == 200
        told = server.ask("POST", "/v1/embed", [("images", "wide.png", png(400, 300))])
        assert (told.status, "'wide.png' has 400x300 pixels" in told.detail) == (422, True)
        told = server.post("/v1/embed", *sample_files[:3])
        assert (told.status, "3 images are more than the 2" in told.detail) == (422, True)
        sides = [
            (side, path.name, path.read_bytes()) for side in "ab" for path in sample_files[:2]
        ]
        assert "more than the 2" in server.ask("POST", "/v1/verify", sides).detail
        large = [("images", "large.png", bytes(600_000))]
        told = server.ask("POST", "/v1/embed", large)
        assert (told.status, "524288 bytes" in told.detail) == (413, True)
        assert chunked(server, form(large)) == 413
        # The body is not waited for: the head says already that it is too large.
        connection = server.connect()
        connection.putrequest("POST", "/v1/embed")
        for name, value in (head(10**9) | {"Expect": "100-continue"}).items():
            connection.putheader(name, value)
        connection.endheaders()
        assert received(connection).status == 413


def chunked(server: Server, body: bytes) -> int:
    """Status of the answer to a body that does not say how long it is."""
    connection = server.connect()
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    kind = {"Content-Type": head(1)["Content-Type"]}
    connection.request("POST", "/v1/embed", pieces, kind, encode_chunked=True)
    return received(connection).status


def test_what_takes_too_long_is_ended(quick: list[str], tmp_path: Path) -> None:
    with serving(tmp_path, *quick, "--time-limit", "1") as server:
        begun = server.begin("/v1/embed", [("images", "late.png", noise(200, 0))])
        late = received(begun.connection)
        assert (late.status, "did not come" in late.detail) == (408, True)
        # Copies of so many pixels take longer on any machine.
        many = [("images", f"{seed}.png", noise(900, seed)) for seed in range(8)]
        long = server.ask("PUT", "/v1/galleries/g/entries/slow", many)
        assert (long.status, "more than 1 s" in long.detail) == (504, True)
        assert server.get("/v1/galleries/g").status == 404, "nothing was written"


def test_beyond_capacity_one_is_told_to_come_again(
    quick: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    path = sample_files[0]
    with serving(tmp_path, *quick, "--capacity", "2") as server:
        begun = [
            server.begin("/v1/embed", [("images", path.name, path.read_bytes())]) for _ in range(2)
        ]
        wait_for(server, 2)
        told = server.post("/v1/embed", path)
        assert told.status == 503
        assert 1 <= int(told.headers["retry-after"]) <= 60
        assert "come again in" in told.detail
        assert server.get("/v1/galleries").status == 503
        assert server.get("/healthz").status == server.get("/metrics").status == 200
        assert [one.end().status for one in begun] == [200, 200]
        wait_for(server, 0)
        assert server.post("/v1/embed", path).status == 200


def wait_for(server: Server, requests: int) -> None:
    """Until the server has taken so many requests."""
    for _ in range(10_000):
        text = server.get("/metrics").body.decode()
        if f"\nfingerprint_requests_in_progress {requests}.0\n" in text:
            return
    raise AssertionError(text)


def test_only_a_key_lets_in(quick: list[str], tmp_path: Path, sample_files: list[Path]) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n\n{OTHER}\n")
    with serving(tmp_path, *quick, "--key-file", keys) as server:
        for path in ("/v1/galleries", "/metrics", "/v1/nothing"):
            for given in ({}, {"Authorization": f"Bearer {KEY}x"}, {"Authorization": KEY}):
                refused = server.ask("GET", path, headers=given)
                assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        for key in (KEY, OTHER):
            given = {"Authorization": f"Bearer {key}"}
            assert server.ask("GET", "/v1/galleries", headers=given).status == 200
            # With a key, a proxy or another host name in front does no harm.
            proxied = given | {"Host": "service.example", "Origin": "https://page.example"}
            assert server.ask("GET", "/metrics", headers=proxied).status == 200
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert server.get(path).status == 200
    with serving(tmp_path, *quick, key=KEY) as server:
        assert server.post("/v1/embed", sample_files[0]).status == 200


def test_without_a_key_only_this_machine_is_answered(quick: list[str], tmp_path: Path) -> None:
    with serving(tmp_path, *quick) as server:
        for given in ({"Origin": "https://page.example"}, {"Host": "page.example"}, {"Host": "["}):
            refused = server.ask("GET", "/v1/galleries", headers=given)
            assert (refused.status, "no web pages" in refused.detail) == (403, True)
        assert server.ask("GET", "/v1/galleries", headers={"Host": "localhost:1"}).status == 200
        parts = urlsplit(server.address)
        with socket.create_connection((parts.hostname, parts.port), 30) as raw:
            raw.sendall(b"this is no request\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_others_are_let_in_with_a_key_only(
    cli: Cli, model: list[str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FINGERPRINT_API_KEY", raising=False)
    assert "lets in others than this machine" in cli.fails("serve", "--host", host, *model)


@pytest.mark.parametrize("key", ["short", "with spaces in it, long", "änderungsschlüssel"])
def test_weak_keys_are_refused_and_not_printed(
    cli: Cli, model: list[str], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINGERPRINT_API_KEY", key)
    told = cli.fails("serve", *model)
    assert "API key 1 cannot be used" in told
    assert key not in told
    monkeypatch.delenv("FINGERPRINT_API_KEY")
    (tmp_path / "keys").write_text("\n")
    assert "has no API key" in cli.fails("serve", "--key-file", tmp_path / "keys", *model)
    assert "cannot read API keys" in cli.fails("serve", "--key-file", tmp_path / "none", *model)


def test_what_cannot_be_served_is_told(cli: Cli, model: list[str], tmp_path: Path) -> None:
    assert "is no folder" in cli.fails("serve", "--galleries", tmp_path / "none", *model)
    assert "must be more than 0" in cli.fails("serve", "--time-limit", "0", *model)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = cli.fails("serve", "--port", taken.getsockname()[1], *model)
    assert "cannot listen on 127.0.0.1" in told
