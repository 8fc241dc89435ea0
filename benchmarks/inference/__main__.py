"""How fast is it, and where does the time go?

    python -m benchmarks.inference [--quick] [--device cuda] [--out FILE.json]

Needs the extra `trainer`, and an idle machine: on a busy one only the CPU
times, and the ratios by CPU time, mean something. `--device cuda` has not been run yet.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fingerprint_sdk as fp
from benchmarks.inference.machine import describe_machine, peak_gflops
from benchmarks.inference.paper import PaperPipeline
from benchmarks.inference.processes import cold_starts, describe_command, peak_memory
from benchmarks.inference.report import markdown
from benchmarks.inference.speed import compare, sweep, write_images
from benchmarks.inference.stages import time_stages
from fingerprint_sdk.zoo import resolve


@dataclass(frozen=True)
class Plan:
    """How much is measured. Sizes in pixels; batches in images; the sweep's time in seconds."""

    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    rounds: int
    sweep_seconds: float


FULL = Plan((256, 512, 1024), (1, 8, 64), rounds=5, sweep_seconds=60)
QUICK = Plan((256, 1024), (1, 8), rounds=1, sweep_seconds=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="fewer settings, one round")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default=None, help="name, folder or file; default: bundled")
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    given = parser.parse_args()
    results = measure(str(resolve(given.model).path), given.device, QUICK if given.quick else FULL)
    if given.out is not None:
        given.out.write_text(json.dumps(results, indent=2) + "\n")
    print(markdown(results))


def measure(model: str, device: str, plan: Plan) -> dict[str, Any]:
    """All figures, ready for JSON. On CUDA: throughput and the paper's pipeline only."""
    started = time.monotonic()

    def note(what: str) -> None:
        print(f"{time.monotonic() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    machine = describe_machine()  # first, before this program itself is the load
    largest = max(plan.sizes)
    threads: tuple[int | None, ...] = (1, 2) if device == "cpu" else (None,)
    extractors = {n: fp.load(model, device=device, threads=n) for n in threads}
    first = extractors[threads[0]]
    results: dict[str, Any] = {
        **describe_command(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "device": device,
        "providers": list(first.providers),
        "model": {"name": first.name, "version": first.version, "sha256": first.model_sha256},
        "comparison": [],
        "peaks": [],
        "stages": [],
        "processes": {},
        "memory_mib": {},
    }
    paper = PaperPipeline(device)
    with tempfile.TemporaryDirectory() as folder:
        files = write_images(Path(folder), {*plan.sizes, 512})
        if device == "cpu":
            results["processes"] = cold_starts(model, *files[512][:2], rounds=2 + plan.rounds)
            note("whole processes")
        for n, extractor in extractors.items():
            row = compare(extractor, paper, n, largest, rounds=plan.rounds, note=note)
            results["comparison"].append(row)
        for n in threads:
            if device == "cpu" and n is not None:
                peak = peak_gflops(n)
                results["peaks"].append({"threads": n, "gflops": peak})
                results["stages"] += time_stages(
                    Path(model), paper, n, peak, pixels=largest, rounds=plan.rounds
                )
                note(f"stages, {n} threads")
        if device == "cpu":
            results["memory_mib"] = peak_memory(model, files[largest])
            note("peak memory")
        results["sweep"] = sweep(
            extractors,
            {size: files[size] for size in plan.sizes},
            plan.batches,
            rounds=plan.rounds,
            seconds=plan.sweep_seconds,
            note=note,
        )
    results["targets"] = targets(results)
    results["seconds"] = round(time.monotonic() - started)
    return results


def targets(results: dict[str, Any]) -> list[dict[str, Any]]:
    """What was asked of the speed, and what came out."""
    found = [
        _target(
            f"times faster than the paper at {row['pixels']} px, threads: {row['threads']}",
            row["ratio"],
            40,
            at_least=True,
        )
        for row in results["comparison"]
    ]
    if results["device"] == "cpu":
        warm, processes = results["comparison"][-1], results["processes"]
        name = f"ms of one decoded {warm['pixels']} px image, threads: {warm['threads']}"
        start = processes["fingerprint verify"]["wall_ms"]
        imported = processes["python, import fingerprint_sdk"]["wall_ms"]
        found += [
            _target(name, warm["ours_ms"], 60),
            _target("ms of `fingerprint verify`, two 512 px PNGs, whole process", start, 700),
            _target("ms of `import fingerprint_sdk`, with Python's start", imported, 120),
        ]
    return found


def _target(what: str, value: float, wanted: float, *, at_least: bool = False) -> dict[str, Any]:
    met = value >= wanted if at_least else value <= wanted
    sign = "≥" if at_least else "≤"
    return {"what": what, "value": value, "sign": sign, "wanted": wanted, "met": met}


if __name__ == "__main__":
    main()
