"""Memory of a bulk embedding over its time: it should not grow with the number of images.

python -m benchmarks.bulk --out benchmarks/bulk/memory.json
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fingerprint_sdk as fp
from benchmarks.inference.machine import describe_machine
from fingerprint_sdk.bulk import embed_source
from fingerprint_sdk.files import write_text

DISTINCT = 500  # the rest are hard links to them


def write_images(folder: Path, count: int) -> None:
    """Noise of 64 to 128 pixels a side, as PNG."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number // 1000:04d}" / f"{number:07d}.png"
        path.parent.mkdir(exist_ok=True)
        if number < DISTINCT:
            height, width = rng.integers(64, 129, 2)
            Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
        else:
            first = number % DISTINCT
            path.hardlink_to(folder / f"{first // 1000:04d}" / f"{first:07d}.png")


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(count: int, threads: int) -> dict[str, Any]:
    """Resident memory after each shard of ``count`` images."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "images"), Path(folder, "out")
        source.mkdir()
        write_images(source, count)
        extractor = fp.load(device="cpu", threads=threads)
        started, curve = time.monotonic(), []

        def note(done: int, total: int) -> None:
            images = min(count, done * 512)
            curve.append(
                {
                    "images": images,
                    "seconds": round(time.monotonic() - started, 1),
                    "resident_mb": round(resident() / 1e6, 1),
                }
            )
            if done % 10 == 0 or done == total:
                print(curve[-1], flush=True)

        result = embed_source(source, out, extractor, progress=note)
    half = [point["resident_mb"] for point in curve if point["images"] >= count / 2]
    return {
        "images": result.images,
        "bad": result.bad,
        "seconds": curve[-1]["seconds"],
        "first_shard_mb": curve[0]["resident_mb"],
        "highest_mb": max(point["resident_mb"] for point in curve),
        "growth_in_second_half_mb": round(half[-1] - half[0], 1),
        "model": {"name": extractor.name, "version": extractor.version},
        "threads": threads,
        "machine": describe_machine(),
        "curve": curve,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.images, arguments.threads)
    if arguments.out is not None:
        write_text(arguments.out, json.dumps(found, indent=1) + "\n")
    print({name: value for name, value in found.items() if name != "curve"})


if __name__ == "__main__":
    main()
