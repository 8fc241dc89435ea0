"""What pages say of the answers is what `benchmarks/quality/answers.json` holds."""

from __future__ import annotations

import json
import sys

import pytest
from support.paths import ROOT

pytest.importorskip("scipy")
FOLDER = ROOT / "benchmarks" / "quality"
README = (FOLDER / "README.md").read_text()
LIMITS = " ".join((ROOT / "docs" / "limits.md").read_text().split())


def test_the_tables_are_those_of_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    import tables

    found = tables.tables(json.loads(tables.FILE.read_text()))
    assert found.pop("kept") in LIMITS
    missing = [name for name, rows in found.items() if rows not in README]
    assert not missing, "python benchmarks/quality/tables.py prints them"
    for name in ("tables", "everyday", "treated"):
        sys.modules.pop(name, None)
