"""From which size on does an image have a fingerprint of its own?

    python benchmarks/quality/tiny.py MODEL IMAGES [--out FILE]

MODEL is a folder with `model.onnx`, IMAGES an image set. Of four images of each generator the
middle is cut to a square, and to a strip four times as long, of each side; all are compared with
all. Printed in percent and written as JSON: how many pairs of two generators are called the same
at the default rate, and of one generator; as they are judged, and as if their size were not known.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

import fingerprint_sdk as fp
from fingerprint_sdk.evidence.side import sides_of
from fingerprint_sdk.images import load_image
from fingerprint_sdk.verification import verify_sides
from trainer.evaluation import read_image_set

SIDES = (8, 16, 24, 32, 48, 64, 96, 128)
EACH = 4
STRIP = 4


def cut(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """From the middle, on the grid of eight pixels."""
    top, left = (
        max(0, length - side) // 16 * 8
        for length, side in zip(pixels.shape[:2], (height, width), strict=True)
    )
    return pixels[top : top + height, left : left + width]


def called(extractor: fp.Extractor, cuts: Sequence[Sequence[np.ndarray]]) -> dict[str, Any]:
    """Shares of pairs that are "same", by whose they are, in percent."""
    report = {}
    found = [extractor.embed_with_quality(each) for each in cuts]
    for name in ("as judged", "size not known"):
        same: dict[str, list[bool]] = {"of two generators": [], "of one": []}
        groups = []
        for generator, (rows, quality) in enumerate(found):
            for row, one in zip(rows, quality, strict=True):
                if name != "as judged":
                    one = replace(one, width=512, height=512, too_small=False)
                groups.append((generator, (row[None], (one,))))
        sides = sides_of([group for _, group in groups], extractor.calibration)
        for i, j in combinations(range(len(sides)), 2):
            pair = verify_sides(sides[i], sides[j], extractor.calibration)
            whose = "of one" if groups[i][0] == groups[j][0] else "of two generators"
            same[whose].append(pair.same)
        report[name] = {key: round(100 * float(np.mean(told)), 1) for key, told in same.items()}
    return report


def main(model: Path, images: Path, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    pictures = [
        [load_image(path).pixels for path in paths[:EACH]]
        for paths in read_image_set(images).images.values()
    ]
    report: dict[str, Any] = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
        "images": images.name,
    }  # fmt: skip
    for side, strip in product(SIDES, (1, STRIP)):
        shape = (side, side * strip)
        cuts = [[cut(one, *shape) for one in each] for each in pictures]
        kept = [each for each in cuts if all(one.shape[:2] == shape for one in each)]
        report[f"{side}x{side * strip}"] = told = called(extractor, kept)
        print(f"{side}x{side * strip}: {told}", flush=True)
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("tiny.json"))
    arguments = parser.parse_args()
    main(arguments.model, arguments.images, arguments.out)
