"""The service answers as the command does, on a real server process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image
from support.cli_runner import Cli, write_flat
from support.json_page import check, sections
from support.metadata import exif
from support.service import Server, serving

pytest.importorskip("prometheus_client", reason="needs the extra 'serve'")

from prometheus_client.parser import text_string_to_metric_families

from fingerprint_sdk.service import schemas

SECTIONS = {
    schemas.Embedded: "fingerprint-embed",
    schemas.EmbeddedImage: "embedded-image",
    schemas.Verified: "fingerprint-verify",
    schemas.Identified: "fingerprint-identify",
    schemas.Probe: "probe",
    schemas.Candidate: "candidate",
    schemas.Declared: "declared",
    schemas.Credentials: "credentials",
    schemas.Statement: "statement",
    schemas.Quality: "quality",
    schemas.Model: "model",
    schemas.Skipped: "skipped",
    schemas.Listed: "fingerprint-gallery-list",
    schemas.Entry: "entry",
    schemas.Provenance: "provenance",
    schemas.Enrolled: "fingerprint-enroll",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the galleries that are served."""
    return tmp_path_factory.mktemp("galleries")


@pytest.fixture(scope="module")
def server(
    known_model_dir: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    options = ["--model", known_model_dir, "--device", "cpu", "--threads", 1]
    logs = tmp_path_factory.mktemp("service")
    with serving(logs, *options, "--galleries", folder) as running:
        yield running


@pytest.fixture
def known(known_model_dir: Path) -> list[str]:
    return ["--model", str(known_model_dir), "--device", "cpu", "--threads", "1"]


@pytest.fixture
def files(sample_files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Images by names without a folder, as clients give them: the last one is none."""
    monkeypatch.chdir(tmp_path)
    with Image.open(sample_files[0]) as image:
        image.save(tmp_path / "told.png", exif=exif({0x0131: "Painter", 0x013B: "Ada"}))
        image.save(tmp_path / "lossy.jpg", quality=85)
    (tmp_path / "bad.png").write_bytes(b"this is no picture")
    names = [path.name for path in sample_files[:3]]
    return [Path(name) for name in [*names, "told.png", "lossy.jpg", "bad.png"]]


def test_embeddings_are_those_of_the_command(
    server: Server, cli: Cli, known: list[str], files: list[Path]
) -> None:
    answer = server.post("/v1/embed", *files)
    assert answer.status == 200, answer.body
    assert answer.json() == cli.json("embed", *files, *known)
    assert answer.json()["skipped"][0]["path"] == "bad.png"
    assert answer.body.isascii()
    check(answer.json(), "fingerprint-embed", set())


@pytest.mark.parametrize(
    ("a", "b"), [("source0_0.png", "source1_0.png"), ("told.png", "lossy.jpg")]
)
def test_verifications_are_those_of_the_command(
    server: Server, cli: Cli, known: list[str], files: list[Path], a: str, b: str
) -> None:
    sent = [(side, name, Path(name).read_bytes()) for side, name in (("a", a), ("b", b))]
    answer = server.ask("POST", "/v1/verify?fmr=0.001&prior=0.2", sent)
    rates = ["--fmr", "0.001", "--prior", "0.2"]
    expected = cli.json("verify", a, b, *rates, *known, code=(0, 1, 3))
    assert answer.json() == expected
    # The side without compression was compared as the other one: it can be read a second time.
    assert (answer.json()["copy"] is not None) == (b == "lossy.jpg")


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", []),
        ("?together=true&top=2&fpir=0.1", ["--together", "--top", "2", "--fpir", "0.1"]),
        ("?show_prompts=true", ["--show-prompts"]),
    ],
)
def test_identifications_are_those_of_the_command(
    server: Server, cli: Cli, known: list[str], files: list[Path], query: str, options: list[str]
) -> None:
    answer = server.post(f"/v1/identify{query}", *files)
    assert answer.json() == cli.json("identify", *files, *options, *known)


def test_a_gallery_is_made_read_searched_and_changed(
    server: Server, cli: Cli, known: list[str], files: list[Path], folder: Path
) -> None:
    entry = "/v1/galleries/birds/entries/"
    one, two, three = files[:3]
    sent = [("images", one.name, one.read_bytes()), ("images", "x.png", b"no picture")]
    made = server.ask("PUT", entry + "a%2Fb?copies=false&notes=first", sent)
    assert made.status == 201, made.body
    assert (made.json()["name"], made.json()["added"]) == ("a/b", 1)
    assert [one["path"] for one in made.json()["skipped"]] == ["x.png"]
    check(made.json(), "fingerprint-enroll", set())
    assert server.post(entry + "a%2Fb", two).status == 200
    found = server.get(entry + "a%2Fb").json()
    assert (found["images"], found["notes"], found["gallery"]) == (2, "first", "birds")
    assert found["copies"], "copies are kept unless told otherwise"
    assert server.post(entry + "c?copies=false", three).json()["images"] == 1
    replaced = server.ask("PUT", entry + "a%2Fb", [("images", one.name, one.read_bytes())])
    assert (replaced.status, replaced.json()["images"]) == (200, 1)
    listed = server.get("/v1/galleries/birds").json()
    assert [one["name"] for one in listed["entries"]] == ["a/b", "c"]
    check(listed, "fingerprint-gallery-list", set())
    assert server.get("/v1/galleries").json() == {
        "schema": 1,
        "known": True,
        "galleries": ["birds"],
    }
    # A copy of the file gives the command's answer.
    for query, options in (("", []), ("&known=true", ["--known"])):
        answer = server.post(f"/v1/identify?gallery=birds{query}", one).json()
        expected = cli.json("identify", one, "-g", folder / "birds.fpg", *options, *known)
        assert answer == expected | {"gallery": "birds"}
    assert server.ask("DELETE", entry + "c").status == 204
    assert server.ask("DELETE", entry + "c").status == 404
    assert "no entry 'c'" in server.get(entry + "c").detail


def test_the_built_in_gallery_is_listed(server: Server) -> None:
    listed = server.get("/v1/known").json()
    assert listed["gallery"] is None
    assert {one["provenance"]["family"] for one in listed["entries"]} >= {"First decoder"}
    check(listed, "fingerprint-gallery-list", set())


def test_bad_images_are_the_clients_fault(server: Server, tmp_path: Path) -> None:
    for name, content in (("text.png", b"no picture"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        answer = server.post("/v1/embed", tmp_path / name)
        assert answer.status == 422
        assert answer.detail.startswith(f"'{name}' is ")
    flat = write_flat(tmp_path / "flat.png")
    told = server.post("/v1/galleries/birds/entries/flat", flat)
    assert (told.status, "is flat" in told.detail) == (422, True)
    both = [("a", "a.png", b"x"), ("b", "flat.png", flat.read_bytes())]
    assert "'a.png'" in server.ask("POST", "/v1/verify", both).detail
    assert server.ask("POST", "/v1/verify", both[:1]).detail == "body b: Field required"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/identify?fpir=2", 422, "query fpir"),
        ("/v1/identify?fpir=0.0000001", 422, "0.0000001|1e-07"),
        ("/v1/identify?gallery=none", 404, "no gallery 'none'"),
        ("/v1/identify?gallery=..%2Fx", 422, "query gallery"),
        ("/v1/galleries/..%2F..%2Fx/entries/a", 404, "Not Found"),
        ("/v1/galleries/x/entries/%00", 422, "is not an entry name"),
        ("/v1/nothing", 404, "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_told(
    server: Server, sample_files: list[Path], path: str, status: int, words: str
) -> None:
    answer = server.post(path, sample_files[0])
    assert answer.status == status
    assert any(word in answer.detail for word in words.split("|")), answer.detail


def test_a_broken_gallery_is_told_without_its_path(
    server: Server, sample_files: list[Path], folder: Path
) -> None:
    (folder / "broken.fpg").write_bytes(b"nothing")
    for answer in (
        server.get("/v1/galleries/broken"),
        server.post("/v1/identify?gallery=broken", sample_files[0]),
        server.post("/v1/galleries/broken/entries/a?copies=false", sample_files[0]),
    ):
        assert answer.status == 409
        assert "'broken' is not a gallery" in answer.detail
        assert str(folder) not in answer.detail


def test_a_wrong_method_is_told_the_right_ones(server: Server) -> None:
    answer = server.ask("PATCH", "/v1/galleries/birds/entries/a")
    assert answer.status == 405
    assert answer.headers["allow"] == "DELETE, GET, POST, PUT"


def test_requests_at_once_get_their_own_answers(server: Server, sample_files: list[Path]) -> None:
    def embedding(path: Path) -> Any:
        (one,) = server.post("/v1/embed", path).json()["images"]
        assert one["path"] == path.name
        return one["embedding"]

    alone = [embedding(path) for path in sample_files]
    with ThreadPoolExecutor(len(sample_files)) as pool:
        together = list(pool.map(embedding, sample_files))
    # A batch changes float rounding.
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_metrics_can_be_read_by_prometheus(server: Server, sample_files: list[Path]) -> None:
    server.post("/v1/embed", *sample_files[:2])
    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.body.decode())
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }
    assert samples["fingerprint_images_total", "used"] >= 2
    assert samples["fingerprint_requests_total", "POST", "/v1/embed", "200"] >= 1
    assert samples[("fingerprint_requests_in_progress",)] == 0
    assert samples[("fingerprint_batch_requests_count",)] >= 1
    assert samples[("process_resident_memory_bytes",)] > 0
    assert any(name == "fingerprint_build_info" for name, *_ in samples)


def test_health_is_told(server: Server) -> None:
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("answer", SECTIONS, ids=lambda answer: answer.__name__)
def test_the_openapi_document_has_the_fields_of_the_page(answer: Any) -> None:
    hints = get_type_hints(answer)
    fields = {field.name: field for field in sections()[SECTIONS[answer]]}
    assert set(hints) == set(fields)
    for name, hint in hints.items():
        nullable = hint is type(None) or type(None) in get_args(hint)
        expected = fields[name].type.endswith(" or null")
        assert nullable == expected, f"{answer.__name__}.{name}"


def test_the_openapi_document_names_every_refusal(server: Server) -> None:
    document = server.get("/openapi.json").json()
    text = json.dumps(document)
    assert "/work/" not in text
    assert sys.prefix not in text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"]
            if path.startswith("/v1/"):
                statuses = set(operation["responses"])
                expected = {"401", "403", "404", "408", "409", "413", "422", "500", "503", "504"}
                assert expected <= statuses, f"{method} {path}"
                assert operation["security"] == [{"HTTPBearer": []}]
                (kind,) = operation["responses"]["422"]["content"]
                assert kind == "application/problem+json"
