"""What do an index, a grouping and a gallery cost, in seconds and in memory?

    python -m benchmarks.index [--rows N] [--images N] [--folder DIR] [--out FILE.json]

Each step is a process of its own. Needs Linux, and the extras `trainer` and `cluster`; for 10⁶
rows, 8 GB of memory and of disk. Files are as fresh in memory as their writer left them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.inference.machine import describe_machine
from benchmarks.inference.processes import ROOT

COMMAND = "python -m benchmarks.index"


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", type=int, default=1_000_000, help="images of the index")
    parser.add_argument("--images", type=int, default=20_000, help="images to group")
    parser.add_argument("--entries", type=int, default=10_000, help="entries of the gallery")
    parser.add_argument("--folder", type=Path, help="where the files go meanwhile")
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    given = parser.parse_args()
    results = measure(given.rows, given.images, given.entries, given.folder)
    if given.out is not None:
        given.out.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


def measure(rows: int, images: int, entries: int, folder: Path | None = None) -> dict[str, Any]:
    """All figures, ready for JSON."""
    machine = describe_machine()
    for name in ("safetensors", "scikit-learn", "scipy"):
        machine["packages"][name] = metadata.version(name)
    results: dict[str, Any] = {
        # Not where files went meanwhile: that folder is this machine's.
        "command": f"{COMMAND} --rows {rows} --images {images} --entries {entries}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "index": {},
    }
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path, other = str(Path(scratch, "x.fpi")), str(Path(scratch, "y.fpi"))
        for half in (False, True):
            results["index"]["float16" if half else "float32"] = {
                "make": step("make", path, rows, int(half)),
                "open": step("load", path),
                "save": step("save", path, other),
                "add": step("add", path),
                "open again": step("load", path),
                "remove one": step("remove", path, 0),
                "remove many": step("remove", path, 1000),
            }
    results["cluster"] = {
        "agglomerative": {"images": images, **step("cluster", images, "agglomerative")},
        "hdbscan": {"images": images // 4, **step("cluster", images // 4, "hdbscan")},
    }
    results["gallery"] = {"entries": entries, **step("enroll", entries)}
    return results


def step(name: str, *arguments: object) -> dict[str, float]:
    """Run one of `benchmarks.index.steps`."""
    words = [sys.executable, "-m", "benchmarks.index.steps", name, *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    print(f"{name} {' '.join(map(str, arguments))}: {done.stdout}", file=sys.stderr, end="")
    return found


def table(results: dict[str, Any]) -> str:
    """The figures as Markdown; memory in GB (10⁹ bytes), and as a multiple of the file's size."""
    lines = ["| | " + " | ".join(results["index"]) + " |", "|---" * (1 + 2) + "|"]
    kinds = results["index"].values()
    for name in next(iter(kinds)):
        for key in next(iter(kinds))[name]:
            cells = [_cell(key, kind[name][key], kind["make"]["file"]) for kind in kinds]
            lines.append(f"| {name}: {key} | " + " | ".join(cells) + " |")
    for part in (*results["cluster"].items(), ("gallery", results["gallery"])):
        lines += ["", f"{part[0]}: " + ", ".join(f"{k} {_cell(k, v)}" for k, v in part[1].items())]
    return "\n".join(lines)


def _cell(key: str, value: float, file: float | None = None) -> str:
    if key.endswith("_s") or key == "seconds":
        return f"{value:.3g} s"
    if not any(word in key for word in ("peak", "own", "file", "said")):
        return f"{value:.0f}"
    return f"{value / 1e9:.2f} GB" + (f" ({value / file:.2f}×)" if file else "")


if __name__ == "__main__":
    main()
