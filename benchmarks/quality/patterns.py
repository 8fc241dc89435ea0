"""How far does any frequency stand out in both of two untouched images?

    python benchmarks/quality/patterns.py IMAGES… [--out FILE]

IMAGES are folders with a folder for each generator, or folders of these. Of each folder of images
eight are compared, each with each: `pattern.shared_peak`, as `verify` does before it says "same".
Prints the share of pairs that reach a bound, and whose they are.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint_sdk.images import load_image
from fingerprint_sdk.images.coincidence import Middle
from fingerprint_sdk.images.pattern import SHARED_PEAK, common_square, shared_peak

A_FOLDER = 8
BOUNDS = (3.5, 4.0, SHARED_PEAK, 5.0, 6.0)
SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".avif"}


def measure(folder: Path) -> dict[str, Any]:
    """Percent of pairs at each bound; of those at the shipped one, how many a folder has."""
    peaks: list[tuple[float, str]] = []
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for source in sorted({path.parent for path in images}):
        paths = [path for path in images if path.parent == source][:A_FOLDER]
        middles = [Middle.of(load_image(path).pixels) for path in paths]
        for a, b in combinations(middles, 2):
            if (square := common_square(a.pixels, b.pixels)) is not None:
                peak = shared_peak(a.prominence(square), b.prominence(square))
                peaks.append((peak, source.name))
    return {
        "pairs": len(peaks),
        "percent": {
            str(bound): round(100 * float(np.mean([peak >= bound for peak, _ in peaks])), 2)
            for bound in BOUNDS
            if peaks
        },
        "pairs of": Counter(name for peak, name in peaks if peak >= SHARED_PEAK),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("patterns.json"))
    given = parser.parse_args()
    report = {folder.name: measure(folder) for folder in given.images}
    for name, found in report.items():
        print(name, found)
    given.out.write_text(json.dumps(report, indent=2) + "\n")
