"""The figures that are kept, one file a kind and maker of processor, and what README quotes.

`python -m benchmarks.inference.kept` prints that paragraph.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.inference.machine import KINDS
from benchmarks.inference.paper import PER_AXIS

FOLDER = Path(__file__).parent


def file_of(results: dict[str, Any]) -> str:
    """`speed-<kind>-<maker of the processor>.json`, or of the GPU."""
    machine = results["machine"]
    of_cpu = f"{machine['kind']}-{machine['maker']}"
    return f"speed-{of_cpu if results['device'] == 'cpu' else 'cuda'}.json"


def kept() -> list[dict[str, Any]]:
    """The figures of each processor that was measured, in the order of the kinds."""
    files = [file for kind in KINDS for file in sorted(FOLDER.glob(f"speed-{kind}-*.json"))]
    found = [json.loads(file.read_text()) for file in files]
    return [results for results in found if "sessions" in results]  # not what older models left


def quoted(all_results: Sequence[dict[str, Any]]) -> str:
    """Two sentences with the range over processors and threads; nothing without figures."""
    if not all_results:
        return ""
    rows = [row for results in all_results for row in results["comparison"]]
    ours = {
        n: [r for r in rows if (r["budget"], r["paper_per_axis"]) == (n, PER_AXIS)] for n in _N
    }
    verify = [results["processes"]["fingerprint verify"]["cpu_ms"] for results in all_results]
    machines = "; ".join(map(_measured_on, all_results))
    whole, part = ours[64], ours[16]
    ms = {n: _span(row["ours_ms"] for row in ours[n]) for n in _N}
    slower = {n: _span(row["ratio"]["median"] for row in ours[n]) for n in _N}
    return (
        f"A decoded 1024×1024 image takes {ms[64]} ms whole ({whole[0]['ours_windows']} windows) "
        f"and {ms[16]} ms by {part[0]['ours_windows']} windows; the paper's pipeline, with its "
        f"{whole[0]['paper_windows']} windows, takes {slower[64]} and {slower[16]} times as long, "
        "on the same one or two threads. `fingerprint verify` of two 512×512 files takes "
        f"{_span(verify)} ms of CPU time, Python's start included ({machines})."
    )


_N = (16, 64)
_NAMES = {"avx2": "AVX2", "avx512": "AVX-512"}


def _measured_on(results: dict[str, Any]) -> str:
    machine, model = results["machine"], results["model"]
    cpu = machine["cpu"].partition(",")[0]
    return f"{cpu} with {_NAMES[machine['kind']]}, {model['name']} {model['version']}"


def _span(values: Iterable[float]) -> str:
    shown = sorted(values)
    low, high = (f"{v:.0f}" if v >= 20 else f"{v:.1f}" for v in (shown[0], shown[-1]))
    return low if low == high else f"{low} to {high}"


if __name__ == "__main__":
    print(textwrap.fill(quoted(kept()), 99))
