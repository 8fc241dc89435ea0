"""The benchmark of indexes runs, on a tiny setting, and its figures add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the benchmark needs the extra `trainer`")
pytest.importorskip("sklearn", reason="the benchmark needs the extra `cluster`")
if not Path("/proc/self/status").exists():
    pytest.skip("the benchmark needs Linux", allow_module_level=True)

from benchmarks.index.__main__ import measure, table


@pytest.mark.slow
def test_a_tiny_run_fills_the_table(tmp_path: Path) -> None:
    results = measure(3000, 120, 20, tmp_path)
    assert json.loads(json.dumps(results)) == results
    assert list(tmp_path.iterdir()) == []
    assert {"safetensors", "numpy", "scikit-learn"} <= results["machine"]["packages"].keys()
    for kind, width in (("float32", 4), ("float16", 2)):
        steps = results["index"][kind]
        assert steps["make"]["file"] >= steps["make"]["numbers"] * 3000 * width
        assert all(value > 0 for name, value in steps["open"].items() if name.endswith("_s"))
        assert steps["open"]["open_peak"] >= steps["open"]["open_own"] > 0
    assert results["cluster"]["agglomerative"]["images"] == 120
    shown = table(results)
    for name in ("open again: search_s", "remove many: save_s", "hdbscan: images 30", "gallery: "):
        assert name in shown
