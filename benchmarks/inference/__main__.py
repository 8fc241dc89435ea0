"""How fast is it, and where does the time go?

    python -m benchmarks.inference [--quick] [--device cuda] [--out benchmarks/inference]

Needs the extra `trainer`, and an idle machine: on a busy one only the CPU
times, and the ratios by CPU time, mean something. `--device cuda` has not been run yet.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fingerprint_sdk as fp
from benchmarks.inference.comparison import BUDGETS, Measured, compare
from benchmarks.inference.images import write_images
from benchmarks.inference.kept import file_of
from benchmarks.inference.machine import describe_machine
from benchmarks.inference.paper import PaperPipeline
from benchmarks.inference.processes import cold_starts, describe_command, peak_memory
from benchmarks.inference.rates import Timed, best_rates
from benchmarks.inference.report import markdown
from benchmarks.inference.stages import Stage, time_stages
from benchmarks.inference.sweep import sweep
from benchmarks.inference.targets import targets
from fingerprint_sdk.zoo import resolve


@dataclass(frozen=True)
class Plan:
    """How much is measured. Sizes in pixels; batches in images; the sweep's time in seconds."""

    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    rounds: int
    sweep_seconds: float


FULL = Plan((256, 512, 1024), (1, 8, 32), rounds=5, sweep_seconds=60)
QUICK = Plan((256, 1024), (1, 8), rounds=1, sweep_seconds=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="fewer settings, one round")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", default=None, help="name, folder or file; default: bundled")
    parser.add_argument(
        "--out",
        type=Path,
        help="also write the figures to this JSON file; in a folder, to speed-<kind>-<maker>.json",
    )
    given = parser.parse_args()
    results = measure(str(resolve(given.model).path), given.device, QUICK if given.quick else FULL)
    if given.out is not None:
        file = given.out / file_of(results) if given.out.is_dir() else given.out
        file.write_text(json.dumps(results, indent=2) + "\n")
    print(markdown(results))


def measure(model: str, device: str, plan: Plan) -> dict[str, Any]:
    """All figures, ready for JSON. On CUDA: throughput and the paper's pipeline only."""
    started = time.monotonic()

    def note(what: str) -> None:
        print(f"{time.monotonic() - started:4.0f} s  {what}", file=sys.stderr, flush=True)

    machine = describe_machine()  # first, before this program itself is the load
    note(f"{machine['cpu']}: {machine['kind']} ({' '.join(machine['features'])})")
    path, pixels = Path(model), max(plan.sizes)
    threads: tuple[int | None, ...] = (1, 2) if device == "cpu" else (None,)
    extractors = {
        n: {b: fp.load(model, device=device, threads=n, windows=b) for b in BUDGETS}
        for n in threads
    }
    whole = {n: each[max(BUDGETS)] for n, each in extractors.items()}
    first = whole[threads[0]]
    results: dict[str, Any] = {
        **describe_command(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "device": device,
        "providers": list(first.providers),
        "model": {"name": first.name, "version": first.version, "sha256": first.model_sha256},
        **{name: [] for name in ("comparison", "sessions", "stages", "rates", "best_rates")},
        "processes": {},
        "memory_mib": {},
    }
    paper = PaperPipeline(device)
    with tempfile.TemporaryDirectory() as folder:
        files = write_images(Path(folder), {*plan.sizes, 512})
        if device == "cpu":
            results["processes"] = cold_starts(model, *files[512][:2], rounds=2 + plan.rounds)
            note("whole processes")
        measured: dict[int | None, Measured] = {}
        stages: dict[int, list[Stage]] = {}
        for n in threads:
            measured[n] = compare(path, extractors[n], paper, n, pixels=pixels, rounds=plan.rounds)
            results["comparison"] += measured[n].comparison()
            note(f"comparison, threads: {n}")
            if n is not None:
                stages[n] = time_stages(path, paper, n, pixels=pixels, rounds=plan.rounds)
                note(f"stages, threads: {n}")
        if device == "cpu":
            results["memory_mib"] = peak_memory(model, files[pixels])
            note("peak memory")
        results["sweep"] = sweep(
            whole,
            {size: files[size] for size in plan.sizes},
            plan.batches,
            rounds=plan.rounds,
            seconds=plan.sweep_seconds,
            note=note,
        )
    for n, each in stages.items():
        for name, rows in least_times(measured[n], each, results["sweep"]).items():
            results[name] += rows
    results["targets"] = targets(results)
    results["seconds"] = round(time.monotonic() - started)
    return results


def least_times(
    measured: Measured, stages: list[Stage], sweep_rows: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Rows with least times, at the best rates of all that ran on so many threads."""
    parts = [each for stage in stages for each in (stage.ours, stage.paper) if each is not None]
    image = measured.work["ours", max(BUDGETS)]
    calls = [
        Timed(row["latency_ms"], row["best_latency_ms"], image * row["batch"])
        for row in sweep_rows
        if (row["threads"], row["pixels"]) == (measured.threads, measured.pixels)
    ]
    rates = best_rates(measured.rates, stages[0].threads, [*measured.timed(), *parts, *calls])
    return {
        "sessions": measured.sessions(rates),
        "stages": [stage.row(rates) for stage in stages],
        "rates": measured.rates,
        "best_rates": [asdict(rates)],
    }


if __name__ == "__main__":
    main()
