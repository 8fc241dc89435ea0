"""The load test of the service runs, and tells answers from refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the benchmark needs the extra `trainer`")
pytest.importorskip("prometheus_client", reason="needs the extra 'serve'")

from support.paths import ROOT

from benchmarks.service.__main__ import run


def test_a_short_run_fills_the_table(known_model_dir: Path) -> None:
    options = ["--model", str(known_model_dir), "--threads", "1"]
    found = run([1, 6], 1.0, 1, options)
    assert json.loads(json.dumps(found)) == found
    alone, crowd = found["loads"]
    assert (alone["clients"], alone["refused"], alone["failed"]) == (1, 0, 0)
    assert alone["answered"] > 0
    assert 0 < alone["p50"] <= alone["p99"]
    # Of six clients and one place, some are told to come again, and nothing else goes wrong.
    assert crowd["refused"] > 0
    assert crowd["answered"] > 0
    assert crowd["failed"] == 0
    assert found["saturation"]["rate"] == max(load["rate"] for load in found["loads"])


def test_the_figures_of_the_page_are_those_of_the_file() -> None:
    kept = json.loads((ROOT / "benchmarks/service/load.json").read_text())
    page = (ROOT / "docs/service.md").read_text()
    for load in kept["loads"]:
        row = (load["clients"], f"{load['rate']:.1f}", *(ms(load[key]) for key in ("p50", "p99")))
        assert f"| {' | '.join(map(str, row))} | {load['refused']} |" in page
        assert load["failed"] == 0


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"
