"""What do the thresholds of a model keep of their promise on real generators?

    python benchmarks/quality/rates.py MODEL IMAGES… [--jpeg QUALITY…] [--crop SIDE…]

MODEL is a folder with `model.onnx`, IMAGES sets of images by real generators. Printed are, for one
and for five images a side, the realised FMR (in brackets, models that share an image decoder count
as one) and FNMR at nominal false match rates of 10, 1 and 0.1 %, of the images as they are and,
where asked for, as JPEG of a quality and cropped to a side in pixels.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import Decisions, ImageSet, read_image_set, score

Change = Callable[[np.ndarray], bytes | np.ndarray]

NOMINAL = (0.1, 0.01, 0.001)


def main(model: Path, image_sets: list[Path], qualities: list[int], sides: list[int]) -> None:
    extractor = fp.load(model)
    for folder in image_sets:
        image_set = read_image_set(folder)
        show(extractor, f"{folder.name:9s} as it is", image_set, None)
        for quality in qualities:
            show(
                extractor, f"{folder.name:9s} JPEG {quality}", image_set, partial(as_jpeg, quality)
            )
        for side in sides:
            show(
                extractor, f"{folder.name:9s} cropped to {side} px", image_set, partial(crop, side)
            )


def as_jpeg(quality: int, pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def crop(side: int, pixels: np.ndarray) -> np.ndarray:
    """From the middle, on the grid of 16 pixels that JPEG may have left."""
    top, left = (max(0, (length - side) // 2 // 16 * 16) for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def show(extractor: fp.Extractor, name: str, image_set: ImageSet, change: Change | None) -> None:
    embeddings, quality = {}, {}
    for generator, paths in image_set.images.items():
        seen = paths if change is None else [change(load_image(path).pixels) for path in paths]
        result = extractor.embed_many(seen, on_error="raise")
        embeddings[generator] = result.embeddings
        quality[generator] = result.quality
    for nominal in NOMINAL:
        calibration = replace(extractor.calibration, default_fmr=nominal)
        scores = score(
            embeddings, image_set.decoders, calibration, quality, galleries=1, resamples=0
        )
        parts = []
        for images, pairs in ((1, scores.verification), (5, scores.set_verification)):
            every, strangers = pairs.model.decisions, (pairs.decoder or pairs.model).decisions
            parts.append(f"{images} a side: FMR {rates(every, strangers)}")
        print(f"{name}, nominal {100 * nominal:g} %, {'; '.join(parts)}", flush=True)


def rates(every: Decisions | None, strangers: Decisions | None) -> str:
    assert every is not None  # every published model is calibrated
    assert strangers is not None
    fmr, apart = (100 * found.impostor.same for found in (every, strangers))
    missed, excluded = 100 * (1 - every.genuine.same), 100 * every.genuine.different
    return f"{fmr:.1f} [{apart:.1f}], FNMR {missed:.1f}, excluded {excluded:.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--jpeg", type=int, nargs="*", default=[], metavar="QUALITY")
    parser.add_argument("--crop", type=int, nargs="*", default=[], metavar="SIDE")
    given = parser.parse_args()
    main(given.model, given.images, given.jpeg, given.crop)
