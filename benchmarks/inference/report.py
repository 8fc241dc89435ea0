"""The figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def markdown(results: dict[str, Any]) -> str:
    """All tables that `results` has figures for."""
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"`{results['command']}`, {results['date']}: model {results['model']['name']} "
        f"{results['model']['version']} on {results['device']}; {machine['cpu']}, "
        f"{machine['cores']} cores, load {machine['load_average']:.1f} at the start; "
        f"Python {machine['python']}, {packages}.",
    ]
    for title, table in (
        ("Asked and measured", _targets(results)),
        ("Beside the paper's pipeline, one decoded image, in turn", _comparison(results)),
        ("Where the time of one image goes", _stages(results)),
        ("Whole processes", _processes(results)),
        ("Peak memory", _memory(results)),
        ("Throughput and latency of one call", _sweep(results)),
    ):
        if table:
            lines += ["", f"### {title}", "", *table]
    return "\n".join(lines)


def _targets(results: dict[str, Any]) -> list[str]:
    rows = [
        (t["what"], f"{t['sign']} {t['wanted']:g}", _number(t["value"]), _yes(t["met"]))
        for t in results["targets"]
    ]
    return _table(("what", "asked", "measured", "met"), rows)


def _comparison(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            row["pixels"],
            _number(row["paper_ms"]),
            _number(row["ours_ms"]),
            f"{row['ratio']:.1f} ({row['ratio_lowest']:.1f} to {row['ratio_highest']:.1f})",
            f"{row['cpu_ratio']:.1f}",
        )
        for row in results["comparison"]
    ]
    heads = ("threads", "px", "paper, ms", "ours, ms", "times faster (range)", "by CPU time")
    return _table(heads, rows)


def _stages(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            row["stage"],
            _number(row["ours_ms"]),
            _millions(row["ours_macs"]),
            _number(row["ours_floor_ms"]),
            _number(row["paper_ms"]),
            _millions(row["paper_macs"]),
            _number(row["paper_floor_ms"]),
        )
        for row in results["stages"]
    ]
    peaks = ", ".join(f"{p['gflops']:.0f} on {p['threads']}" for p in results["peaks"])
    heads = (
        *("threads", "stage", "ours, ms", "10⁶ MACs", "floor, ms"),
        *("paper, ms", "10⁶ MACs", "floor, ms"),
    )
    table = _table(heads, rows)
    return [*table, "", f"Floor: at the peak of a matrix product, GFLOP/s by threads: {peaks}."]


def _processes(results: dict[str, Any]) -> list[str]:
    rows = [
        (name, *(_number(row[key]) for key in ("wall_ms", "best_wall_ms", "cpu_ms")))
        for name, row in results["processes"].items()
    ]
    return _table(("process", "wall, ms", "best, ms", "CPU, ms"), rows)


def _memory(results: dict[str, Any]) -> list[str]:
    rows = [(name, f"{mib:.0f}") for name, mib in results["memory_mib"].items()]
    return _table(("process", "MiB"), rows)


def _sweep(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            row["pixels"],
            row["batch"],
            _yes(row["decode"]),
            _number(row["latency_ms"]),
            _number(row["best_latency_ms"]),
            _number(row["images_per_s"]),
        )
        for row in results["sweep"]
    ]
    heads = ("threads", "px", "batch", "with decoding", "ms a call", "best, ms", "images/s")
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return []
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def _threads(row: dict[str, Any]) -> object:
    return "-" if row["threads"] is None else row["threads"]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _millions(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.0f}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
