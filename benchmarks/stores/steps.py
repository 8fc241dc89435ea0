"""What is measured, each engine in a process of its own that prints its figures as JSON.

    python -m benchmarks.stores.steps ENGINE ROWS PROBES FILE

The exact search writes the places of the ten nearest to FILE, and the others read them there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.inference.processes import peak_mib
from benchmarks.stores.server import postgres
from benchmarks.stores.vectors import SIZE, Vectors, copy_rows, probes, vectors
from fingerprint_sdk.index.nearest import make_graph, nearest_rows
from fingerprint_sdk.index.rows import Rows

TOP = 10
WIDTHS = (40, 200, 800)
"""Of pgvector's search, `hnsw.ef_search`; 40 is its default."""
Places = npt.NDArray[np.intp]


def exact(rows: int, count: int, file: str) -> list[dict[str, Any]]:
    """The SDK's index without a graph."""
    content = _content(rows)
    found, times = _searched(
        lambda probe: nearest_rows(content, probe[None], TOP, None, nullcontext())[0][0], count
    )
    np.save(file, found)
    return [_figures("exact", rows, 0.0, times, 1.0, 4 * SIZE * rows)]


def usearch(rows: int, count: int, file: str) -> list[dict[str, Any]]:
    """The SDK's index with its graph, which keeps vectors of its own."""
    content = _content(rows)
    before, started = _resident(), time.perf_counter()
    graph = make_graph(content)
    built = time.perf_counter() - started
    more = _resident() - before
    found, times = _searched(
        lambda probe: nearest_rows(content, probe[None], TOP, graph, nullcontext())[0][0], count
    )
    return [_figures("usearch", rows, built, times, _recall(found, file), more + 4 * SIZE * rows)]


def pgvector(rows: int, count: int, file: str) -> list[dict[str, Any]]:
    """A server on this machine, asked over its socket; memory is that of its table and index."""
    import psycopg

    keeps = max(256, rows * 8 // 1000)  # MB; an index that outgrows this is built slowly
    settings = (
        "shared_buffers=512MB", f"maintenance_work_mem={keeps}MB", "max_wal_size=8GB",
        "wal_level=minimal", "max_wal_senders=0", "dynamic_shared_memory_type=mmap",
        f"max_parallel_maintenance_workers={(os.cpu_count() or 1) - 1}",
    )  # fmt: skip
    with postgres(settings) as address, psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute(f"CREATE UNLOGGED TABLE items (id integer, v vector({SIZE}))")
        connection.execute("ALTER TABLE items ALTER COLUMN v SET STORAGE PLAIN")
        started = time.perf_counter()
        first = 0
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY items FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.write(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
            for some in vectors(rows):
                copy.write(copy_rows(some, first))
                first += len(some)
            copy.write(b"\xff\xff")
        loaded = time.perf_counter() - started
        started = time.perf_counter()
        connection.execute("CREATE INDEX nearest ON items USING hnsw (v vector_cosine_ops)")
        built = time.perf_counter() - started
        [size] = connection.execute("SELECT pg_total_relation_size('items')").fetchone() or [0]

        def ask(probe: Vectors) -> Places:
            text = "[" + ",".join(map(str, probe.tolist())) + "]"
            query = "SELECT id FROM items ORDER BY v <=> %s::vector LIMIT %s"
            places = [row[0] for row in connection.execute(query, (text, TOP))]
            return np.array(places + [-1] * (TOP - len(places)), np.intp)

        results = []
        for width in WIDTHS:
            connection.execute(f"SET hnsw.ef_search = {width}")
            found, times = _searched(ask, count)
            name = f"pgvector, ef_search {width}"
            results.append(_figures(name, rows, built, times, _recall(found, file), size))
            results[-1]["load_s"] = loaded
        return results


def _content(rows: int) -> Rows:
    block = np.empty((rows, SIZE), np.float32)
    first = 0
    for some in vectors(rows):
        block[first : first + len(some)] = some
        first += len(some)
    names = tuple(map(str, range(rows)))
    return Rows(names, (block,), np.zeros(rows, np.uint8), np.full((rows, 2), -1, np.int64))


def _searched(call: Callable[[Vectors], Any], count: int) -> tuple[Places, list[float]]:
    """The ten nearest of each probe, and seconds; the first search warms up."""
    rows = probes(count)
    call(rows[0])
    found, times = [], []
    for probe in rows:
        started = time.perf_counter()
        found.append(call(probe))
        times.append(time.perf_counter() - started)
    return np.array(found), times


def _recall(found: Places, file: str) -> float:
    right = np.load(file)[: len(found)]
    hits = [len(set(a.tolist()) & set(b.tolist())) for a, b in zip(found, right, strict=True)]
    return float(np.mean(hits)) / TOP


def _figures(
    name: str, rows: int, built: float, times: list[float], recall: float, memory: float
) -> dict[str, Any]:
    return {
        "engine": name,
        "rows": rows,
        "build_s": built,
        "p50_ms": 1e3 * float(np.percentile(times, 50)),
        "p99_ms": 1e3 * float(np.percentile(times, 99)),
        "recall": recall,
        "memory": memory,
        "peak": peak_mib() * 2**20,
        "probes": len(times),
        "load_average": os.getloadavg()[0],
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


STEPS = {step.__name__: step for step in (exact, usearch, pgvector)}

if __name__ == "__main__":
    _engine, _rows, _probes, _file = sys.argv[1:]
    print(json.dumps(STEPS[_engine](int(_rows), int(_probes), _file)))
