"""The figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fingerprint_sdk.images import WINDOW_SIZE


def markdown(results: dict[str, Any]) -> str:
    """All tables that `results` has figures for."""
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"`{results['command']}`, {results['date']}: model {results['model']['name']} "
        f"{results['model']['version']} on {results['device']}; {machine['cpu']}, "
        f"{machine['kind']} ({' '.join(machine['features'])}), "
        f"{machine['cores']} cores, load {machine['load_average']:.1f} at the start; "
        f"Python {machine['python']}, {packages}.",
    ]
    for title, table in (
        ("Asked and measured", _targets(results)),
        ("Beside the paper's pipeline, one decoded image, in turn", _comparison(results)),
        ("The session beside the least time of its arithmetic", _sessions(results)),
        ("Where the time of one image goes", _stages(results)),
        ("The best rates that were measured", _rates(results)),
        ("Whole processes", _processes(results)),
        ("Peak memory", _memory(results)),
        ("Throughput and latency of one call", _sweep(results)),
    ):
        if table:
            lines += ["", f"### {title}", "", *table]
    return "\n".join(lines)


def _targets(results: dict[str, Any]) -> list[str]:
    rows = [
        (t["what"], f"{t['sign']} {t['wanted']:g}", _range(t["found"]), _yes(t["met"]))
        if t["found"]
        else (t["what"], "as above", "not measured", "-")
        for t in results["targets"]
    ]
    return _table(("what", "asked", "measured (range)", "met"), rows)


def _comparison(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            _looks(row["ours_windows"], row["pixels"]),
            _looks(row["paper_windows"], row["pixels"]),
            _number(row["ours_ms"]),
            _number(row["paper_ms"]),
            _range(row["ratio"]),
            _number(row["ratio"]["median"] * row["ours_windows"] / row["paper_windows"]),
            _range(row["cpu_ratio"]),
        )
        for row in results["comparison"]
    ]
    heads = (
        *("threads", "ours looks at", "the paper's looks at", "ours, ms", "paper, ms"),
        *("times faster (range)", "a window", "by CPU time (range)"),
    )
    return _table(heads, rows)


def _sessions(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            row["windows"],
            _number(row["ms"]),
            _number(row["best_ms"]),
            _millions(row["macs"]),
            _number(row["least_ms"]),
            _range(row["over_least"]),
        )
        for row in results["sessions"]
    ]
    heads = (
        *("threads", "windows", "ms", "best, ms", "10⁶ MACs"),
        *("least, ms", "times the least (range)"),
    )
    return _table(heads, rows)


def _stages(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _threads(row),
            row["stage"],
            *(
                show(row[f"{side}_{key}"])
                for side in ("ours", "paper")
                for key, show in (
                    *(("ms", _number), ("best_ms", _number)),
                    *(("macs", _millions), ("least_ms", _number)),
                )
            ),
        )
        for row in results["stages"]
    ]
    heads = ("threads", "stage", "ours, ms", *_EACH, "paper, ms", *_EACH)
    return _table(heads, rows)


_EACH = ("best, ms", "10⁶ MACs", "least, ms")


def _rates(results: dict[str, Any]) -> list[str]:
    rows = [
        (_threads(row), row["kind"], row["shape"], row["library"], f"{row['gflops']:.0f}")
        for row in results["rates"]
    ]
    table = _table(("threads", "kind", "shape", "library", "GFLOP/s"), rows)
    best = [
        f"on {r['threads']}: {r['convolution']:.0f} and {r['product']:.0f} GFLOP/s, "
        f"{r['raised_by']:.2f} times the best of this table"
        for r in results["best_rates"]
    ]
    told = (
        "Least times are at the best convolution and the best product of this run, both raised to "
        "the fastest stage, session or pipeline where that ran faster; by threads, "
    )
    return [*table, "", told + "; ".join(best) + "."] if table else []


def _processes(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            name,
            *(_number(row[key]) for key in ("wall_ms", "best_wall_ms", "cpu_ms")),
            _range(row["over_onnxruntime"]),
        )
        for name, row in results["processes"].items()
    ]
    heads = ("process", "wall, ms", "best, ms", "CPU, ms", "CPU, times `import onnxruntime`")
    return _table(heads, rows)


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


def _range(found: dict[str, float]) -> str:
    if "lowest" not in found:
        return _number(found["median"])
    median, low, high = (_number(found[key]) for key in ("median", "lowest", "highest"))
    return f"{median} ({low} to {high})"


def _looks(count: int, pixels: int) -> str:
    """What an image's windows show of it; they do not overlap if they cover less than all."""
    return f"{count} windows, {min(1.0, count * WINDOW_SIZE**2 / pixels**2):.0%} of the image"


def _millions(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.0f}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
