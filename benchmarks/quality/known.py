"""Whom does the built-in gallery name? Families by other people, strangers, and photographs.

    python benchmarks/quality/known.py SHARED [--model zoo/compact] [--out FILE]

SHARED is the folder that the files of `zoo/known.csv` lie below, with `eval/jpeg`, `eval/nets` and
`photos`. Two tables, in percent, at nominal FPIR 1 %:

- families: `trainer evaluate --known`, on the manifest's own files: each source is left out of the
  gallery when its images are looked up, and then its whole family. As they are, resized, and
  recompressed.
- strangers: images that no family of the gallery made. `nets` are image-to-image networks;
  `photographs` are camera files as they are, saved without loss, resized by four kernels, with
  noise as a scanner has it, and on a screenshot of a page. Of `jpeg`, text-to-image models whose
  decoder is in the gallery are left out.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from treated import numbers, on_a_page, one_by_one, pillow, resized

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import read_image_set
from trainer.known import read_families, read_manifest
from trainer.known.evaluate import AS, answers, evaluate_known
from trainer.known.table import print_known

ROOT = Path(__file__).parents[2]
KNOWN = {"sd1-vae", "sdxl-vae", "sd3-vae", "flux-vae", "qwen-vae", "wan-vae", "cascade-vqgan"}
"""Decoders of `eval/jpeg` that the gallery has; Qwen-Image's was made of Wan's."""

PHOTOGRAPHS = 300
KERNELS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.LANCZOS,
    Image.Resampling.NEAREST,
)

Treat = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _rescaled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor, kernel = float(rng.uniform(0.5, 2)), KERNELS[int(rng.integers(len(KERNELS)))]
    return resized(factor, kernel)(image, rng)


PROCESSED: dict[str, Treat] = {
    "photographs without loss": lambda image, rng: image[3:, 3:],
    "photographs resized by 0.5 to 2": _rescaled,
    "scans": one_by_one(
        pillow(
            lambda i: i.rotate(0.7, Image.Resampling.BICUBIC).crop(
                (8, 8, i.width - 8, i.height - 8)
            )
        ),
        numbers(lambda x, rng: x + rng.normal(0, 2, x.shape)),
    ),
    "screenshots": one_by_one(resized(0.6), on_a_page),
}


def strangers(known: fp.Gallery, images: Iterable[Any], fpir: float) -> dict[str, Any]:
    """Shares of images by nobody in the gallery that get each verdict, and who is named."""
    found = answers(known, *known.extractor.embed_with_quality(images), fpir)
    count = len(found)
    shares = {
        verdict: round(100 * sum(one.verdict == verdict for one in found) / count, 1)
        for verdict in ("named", "none", "inconclusive")
    }
    return {"images": count, **shares, "as": sorted({one.best for one in found if one.best})}


def groups(shared: Path) -> dict[str, list[Any]]:
    """The strangers, by what they are."""
    found: dict[str, list[Any]] = {
        "nets": [
            p for paths in read_image_set(shared / "eval/nets").images.values() for p in paths
        ]
    }
    jpeg = read_image_set(shared / "eval/jpeg")
    found["jpeg, other decoders"] = [
        path
        for model, paths in jpeg.images.items()
        if jpeg.decoders[model] not in KNOWN
        for path in paths
    ]
    files = sorted(path for path in (shared / "photos").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    chosen = [files[place] for place in sorted(rng.permutation(len(files))[:PHOTOGRAPHS])]
    found["photographs, files"] = list(chosen)
    for name, treat in PROCESSED.items():
        found[name] = [_treated(path, treat, place) for place, path in enumerate(chosen)]
    return found


def _treated(path: Path, treat: Treat, seed: int) -> bytes:
    pixels = treat(load_image(path).pixels, np.random.default_rng(seed))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def main(shared: Path, model: str, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    known = fp.known(extractor)
    fpir = extractor.calibration.default_fmr
    with tempfile.TemporaryDirectory() as folder:
        for row in read_manifest(ROOT / "zoo/known.csv"):
            link = Path(folder, row.family, row.source, Path(row.file).name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((shared / row.file).resolve())
        described = read_families(ROOT / "zoo/known.toml")
        families = []
        for processed in AS:
            families.append(evaluate_known(known, Path(folder), described, processed=processed))
            print(processed, "done", flush=True)
    print_known(families)
    found = {}
    for name, images in groups(shared).items():
        found[name] = strangers(known, images, fpir)
        print(name, found[name], flush=True)
    report = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
        "families": [one.to_dict() for one in families],
        "strangers": found,
    }  # fmt: skip
    out.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("known.json"))
    arguments = parser.parse_args()
    main(arguments.shared, arguments.model, arguments.out)
