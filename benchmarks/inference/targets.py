"""What was asked of the speed, and what came out."""

from __future__ import annotations

from typing import Any

from benchmarks.inference.kept import kept
from benchmarks.inference.machine import KINDS
from benchmarks.inference.paper import PER_AXIS

_TIMES_FASTER = {16: 30, 64: 10}
_OVER_LEAST = 1.5


def targets(results: dict[str, Any]) -> list[dict[str, Any]]:
    """A row each, ready for JSON; `met` is None for what was not measured."""
    on_cpu = results["device"] == "cpu"
    return [
        *_faster(results),
        *(_on_cpu(results) if on_cpu else ()),
        *_elsewhere(results["machine"]["kind"] if on_cpu else None),
        *([_row("all of these on CUDA")] if on_cpu else ()),
    ]


def _faster(results: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _row(
            f"times faster than the paper's pipeline ({row['paper_windows']} windows), our "
            f"{row['ours_windows']} windows of a {row['pixels']}² image, {_threads(row)}",
            _TIMES_FASTER[row["budget"]],
            row["ratio"],
            at_least=True,
        )
        for row in results["comparison"]
        if row["paper_per_axis"] == PER_AXIS
    ]


def _on_cpu(results: dict[str, Any]) -> list[dict[str, Any]]:
    whole = max(results["comparison"], key=lambda row: (row["threads"], row["budget"]))
    processes = results["processes"]
    return [
        _row(
            f"ms of a decoded {whole['pixels']}² image, whole ({whole['ours_windows']} windows), "
            f"{_threads(whole)}",
            120,
            {"median": whole["ours_ms"]},
        ),
        *(
            _row(
                f"times its least time, the session on {row['windows']} windows, {_threads(row)}",
                _OVER_LEAST,
                row["over_least"],
            )
            for row in results["sessions"]
        ),
        _row(
            "times the CPU time of `import onnxruntime`, `fingerprint verify` of two 512² PNGs",
            3,
            processes["fingerprint verify"]["over_onnxruntime"],
        ),
        _row(
            "ms of `import fingerprint_sdk`, with Python's start",
            120,
            {"median": processes["python, import fingerprint_sdk"]["wall_ms"]},
        ),
    ]


def _elsewhere(kind: str | None) -> list[dict[str, Any]]:
    """Other kinds of processor have tables of their own, or have not been measured."""
    measured = {results["machine"]["kind"] for results in kept()}
    return [
        _row(f"all of these on a processor with {other}")
        for other in KINDS
        if other != kind and other not in measured
    ]


def _row(
    what: str,
    wanted: float | None = None,
    found: dict[str, float] | None = None,
    *,
    at_least: bool = False,
) -> dict[str, Any]:
    """`found` is a median, with a range if it is a ratio."""
    row: dict[str, Any] = {"what": what, "wanted": wanted, "found": found, "met": None}
    if found is not None and wanted is not None:
        row["sign"] = "≥" if at_least else "≤"
        row["met"] = found["median"] >= wanted if at_least else found["median"] <= wanted
    return row


def _threads(row: dict[str, Any]) -> str:
    return {None: "on the GPU", 1: "one thread"}.get(row["threads"], f"{row['threads']} threads")
