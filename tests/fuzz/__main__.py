"""All of the fuzzing: ``PYTHONPATH=tests python -m fuzz --cases 4000``, of each kind so many."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from fuzz.run import fuzz
from fuzz.targets import Workshop

from fingerprint_sdk.files import write_text

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--cases", type=int, default=4000, help="inputs of each kind")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--only", help="one kind")
arguments.add_argument("--out", type=Path, help="JSON to write the counts to")
given = arguments.parse_args()

counts = {}
with tempfile.TemporaryDirectory() as folder:
    for name, target in Workshop(Path(folder)).targets.items():
        if given.only in (None, name):
            found = fuzz(name, target, given.cases, given.seed)
            print(
                f"{name}: {found.taken} taken, {found.refused} refused, {len(found.wrong)} wrong"
            )
            for case, trace in found.wrong[:3]:
                print(f"{case}\n{trace}")
            counts[name] = {
                "cases": given.cases,
                "taken": found.taken,
                "refused": found.refused,
                "wrong": len(found.wrong),
            }
if given.out is not None:
    write_text(given.out, json.dumps({"seed": given.seed, "kinds": counts}, indent=1) + "\n")
sys.exit(any(count["wrong"] for count in counts.values()))
