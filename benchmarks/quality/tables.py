"""What README.md and docs/limits.md say of `answers.json`: python benchmarks/quality/tables.py"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from everyday import EVERYDAY
from treated import OTHERS, OUTSIDERS

FILE = Path(__file__).with_name("answers.json")
PROMISED = 2.5  # percent of strangers
WORST = 8
AS_THEY_ARE = "as they are"
GENUINE, STRANGERS = "one generator", "strangers"

Found = Mapping[str, Any]


def tables(report: Found) -> dict[str, str]:
    """Rows of each table, by name, and a sentence."""
    kinds = [kind for kind in report["strangers"] if kind != AS_THEY_ARE]
    kept = sum(report["strangers"][k][STRANGERS]["same"]["value"] <= PROMISED for k in kinds)
    worst = sorted(kinds, key=lambda kind: -_share(report, [kind], 5, GENUINE, "different"))
    one_side = {
        AS_THEY_ARE: [AS_THEY_ARE],
        f"mean of {len(kinds)} kinds": kinds,
        **{kind: [kind] for kind in worst[:WORST]},
    }
    return {
        "listed": _rows(report["strangers"], [*OUTSIDERS, *OTHERS]),
        "everyday": _rows(report["strangers"], list(EVERYDAY)),
        "kept": f"Of {len(kinds)} kinds that both images went through, {kept} let no more than",
        "one side": "\n".join(
            f"| {name} | " + " | ".join(f"{x:.1f}" for x in _one_side(report, some)) + " |"
            for name, some in one_side.items()
        ),
        "pairs": _rows(report["pairs"], list(report["pairs"])),
        "galleries": "\n".join(
            f"| {probes} | "
            + " | ".join(
                _interval(rates[fpir][what])
                for fpir in ("FPIR 1%", "FPIR 5%")
                for what in ("realised FPIR", "named right")
            )
            + " |"
            for probes, rates in report["galleries"].items()
        ),
    }


def _rows(found: Found, names: list[str]) -> str:
    return "\n".join(
        f"| {name} | {_interval(found[name][STRANGERS]['same'])} "
        f"| {found[name][GENUINE]['same']['value']:.1f} "
        f"| {found[name][GENUINE]['different']['value']:.1f} |"
        for name in names
    )


def _one_side(report: Found, kinds: list[str]) -> list[float]:
    asked = [(n, GENUINE, verdict) for n in (1, 5) for verdict in ("same", "different")]
    asked += [(n, STRANGERS, "different") for n in (1, 5)]
    return [_share(report, kinds, *one) for one in asked]


def _share(report: Found, kinds: list[str], images: int, whose: str, verdict: str) -> float:
    """The mean over kinds."""
    found = [report["one side"][f"{kind}, {images}"][whose][verdict]["value"] for kind in kinds]
    return float(sum(found) / len(found))


def _interval(found: Found) -> str:
    return f"{found['value']:.1f} ({found['low']:.1f}–{found['high']:.1f})"


if __name__ == "__main__":
    for name, rows in tables(json.loads(FILE.read_text())).items():
        print(f"{name}\n{rows}\n")
