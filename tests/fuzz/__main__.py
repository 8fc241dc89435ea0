"""All of the fuzzing: ``PYTHONPATH=tests python -m fuzz --cases 4000``, of each kind so many."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from fuzz.run import fuzz
from fuzz.targets import Workshop

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--cases", type=int, default=4000, help="inputs of each kind")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--only", help="one kind")
given = arguments.parse_args()

failed = False
with tempfile.TemporaryDirectory() as folder:
    for name, target in Workshop(Path(folder)).targets.items():
        if given.only in (None, name):
            found = fuzz(name, target, given.cases, given.seed)
            print(
                f"{name}: {found.taken} taken, {found.refused} refused, {len(found.wrong)} wrong"
            )
            for case, trace in found.wrong[:3]:
                print(f"{case}\n{trace}")
            failed |= bool(found.wrong)
sys.exit(failed)
