"""Kill programs at random moments.

    PYTHONPATH=tests python -m kills --times 200 --out benchmarks/reliability/kills.json

It prints how many were killed, and keeps it; at the first file that does not open, or lacks what a
program had said is in it, or was left over, it stops with an error.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from fingerprint_sdk.files import locked, write_text
from kills import downloads, files, training
from kills.trial import kill_at_random

KINDS = (
    (files.trials, ("gallery-add", "index-add", "embed-out")),
    (downloads.trials, ("hub-download",)),
    (training.trials, ("trainer-synthesize", "trainer-extractor")),
)


def main() -> None:
    """Kill all, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="kills of each")
    parser.add_argument("--seed", type=int, default=0)
    every = [name for _, names in KINDS for name in names]
    parser.add_argument("--only", nargs="+", choices=every, default=every)
    parser.add_argument("--out", type=Path, help="JSON that takes up the counts of each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        for kind, names in KINDS:
            wanted = [name for name in names if name in given.only]
            if not wanted:
                continue
            shared = Path(root) / kind.__module__
            shared.mkdir()
            trials = kind(shared)
            for name in wanted:
                begun = time.monotonic()
                count = kill_at_random(trials[name], shared / "work", given.times, given.seed)
                print(
                    f"{name}: {count.kills} kills, {count.before_the_end} before the last step, "
                    f"nothing lost, nothing left over, {time.monotonic() - begun:.0f} s",
                    flush=True,
                )
                if given.out is not None:
                    _keep(given.out, name, {**asdict(count), "seed": given.seed})


def _keep(path: Path, name: str, counts: dict[str, object]) -> None:
    """Several runs, each with some of the programs, may share the file."""
    with locked(path):
        kept = json.loads(path.read_text()) if path.exists() else {}
        kept[name] = {
            **counts,
            "lost": 0,  # or it had stopped before
            "left_over": 0,
            "python": platform.python_version(),
            "system": platform.system(),
        }
        write_text(path, json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
