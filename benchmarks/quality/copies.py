"""Are images found that were processed since, in galleries that keep copies?

    python benchmarks/quality/copies.py MODEL IMAGES [--kept FOLDER] [--galleries N] [--out FILE]

MODEL is a folder with `model.onnx`, IMAGES a set of images by real generators. Ten originals of
each generator are enrolled with copies (`Gallery.enroll`), at random in each of N galleries; every
other image, processed, is looked for by itself (`Gallery.search`). Printed and written as JSON is
how often the right generator comes first, with the range of 95 % of the galleries, which share of
those is named at nominal FPIR 5 %, how many are named wrongly, and by which kinds of copies it was
found. Every image is enrolled and every processed one embedded once; FOLDER
keeps that.

The scales and qualities of the bank were chosen on these very images.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from processings import PROCESSED, as_png

import fingerprint_sdk as fp
from fingerprint_sdk.images import load_image
from trainer.evaluation import read_image_set
from trainer.evaluation.metrics import mean_interval

ENROLLED = 10
FPIR = 0.05


def enrolled(extractor: fp.Extractor, path: Path, kept: Path | None) -> fp.Gallery:
    """A gallery of one image with its copies, by the name of its generator."""
    name = path.parent.name
    file = None if kept is None else kept / "enrolled" / name / f"{path.stem}.fpg"
    if file is not None and file.exists():
        return fp.Gallery.load(file, extractor)
    gallery = fp.Gallery(extractor)
    gallery.enroll(name, path)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        gallery.save(file)
    return gallery


def probe(
    extractor: fp.Extractor, path: Path, processing: str, kept: Path | None
) -> tuple[np.ndarray, fp.Quality]:
    """Embedding, shape (1, D), and quality of an image after a processing of ``PROCESSED``."""
    file = None if kept is None else kept / "probes" / processing / path.parent.name / path.stem
    if file is not None and file.exists():
        saved = json.loads(file.read_text())
        tables = tuple(map(tuple, saved["quality"].pop("jpeg_tables")))
        return np.array([saved["embedding"]], np.float32), fp.Quality(
            **saved["quality"], jpeg_tables=tables
        )
    rng = np.random.default_rng(list(f"{path.parent.name}/{path.name} {processing}".encode()))
    made = PROCESSED[processing](Image.fromarray(load_image(path).pixels), rng)
    embedding, (quality,) = extractor.embed_with_quality(as_png(made))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        values = [float(value) for value in embedding[0]]
        file.write_text(json.dumps({"embedding": values, "quality": asdict(quality)}))
    return embedding, quality


def draws(images: Mapping[str, list[Path]], count: int) -> Iterator[dict[Path, str]]:
    """For each gallery the images that are enrolled, ten of each generator."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        yield {
            paths[i]: name
            for name, paths in images.items()
            for i in rng.choice(len(paths), ENROLLED, replace=False)
        }


def galleries(
    extractor: fp.Extractor, images: Mapping[str, list[Path]], count: int, kept: Path | None
) -> Iterator[tuple[set[Path], fp.Gallery]]:
    """Each gallery, and the images it holds."""
    single = {p: enrolled(extractor, p, kept) for paths in images.values() for p in paths}
    for chosen in draws(images, count):
        gallery = fp.Gallery(extractor)
        for path in chosen:
            gallery.merge(single[path], on_duplicate="add")
        yield set(chosen), gallery


def cost(extractor: fp.Extractor, paths: list[Path]) -> dict[str, float]:
    """Processor seconds that ten images of 512 px take to enroll, and bytes of their entry."""
    side = [Image.fromarray(load_image(p).pixels).resize((512, 512)) for p in paths[:ENROLLED]]
    gallery = fp.Gallery(extractor)
    started = time.process_time()
    gallery.enroll("plain", side, copies=False)
    between = time.process_time()
    gallery.enroll("with copies", side)
    return {
        "seconds of ten 512 px images": round(between - started, 2),
        "seconds with copies": round(time.process_time() - between, 2),
        "kinds": len(gallery["with copies"].copies),
    }


def main(model: Path, folder: Path, kept: Path | None, count: int, out: Path) -> None:
    extractor = fp.load(model, device="cpu", threads=1)
    kept = None if kept is None else kept / extractor.model_sha256[:12]
    images = {name: list(paths) for name, paths in read_image_set(folder).images.items()}
    known = list(galleries(extractor, images, count, kept))
    scores: dict[str, Any] = {}
    for processing in PROCESSED:
        probes = {
            p: (name, *probe(extractor, p, processing, kept))
            for name, paths in images.items()
            for p in paths
        }
        shares, named, misnamed, found = [], [], [], Counter()
        for chosen, gallery in known:
            right, said, wrong = [], [], []
            for name, embedding, quality in (v for p, v in probes.items() if p not in chosen):
                answer = gallery.search(
                    embedding, extractor.calibration, quality=(quality,), fpir=FPIR, top=1
                )
                first = answer.candidates[0]
                right.append(first.name == name)
                said.append(answer.best == name)
                wrong.append(answer.known and answer.best != name)
                found[first.copy or "as enrolled"] += 1
            shares.append(float(np.mean(right)))
            named.append(float(np.sum(said) / max(np.sum(right), 1)))
            misnamed.append(float(np.mean(wrong)))
        estimate = mean_interval(np.array(shares))
        scores[processing] = {
            "first": asdict(estimate),
            "named of these": asdict(mean_interval(np.array(named))),
            "misnamed": asdict(mean_interval(np.array(misnamed))),
            "compared by": {k: n / found.total() for k, n in found.most_common()},
        }
        by = ", ".join(f"{k} {n / found.total():.0%}" for k, n in found.most_common(4))
        print(
            f"{processing:28s} {100 * estimate.value:5.1f} "
            f"[{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]   "
            f"named {100 * np.mean(named):.1f}, wrongly {100 * np.mean(misnamed):.1f}   {by}",
            flush=True,
        )
    document = {
        "model": f"{extractor.name} {extractor.version}",
        "images": folder.name,
        "enrolled": ENROLLED,
        "galleries": count,
        "fpir": FPIR,
        "cost": cost(extractor, [path for paths in images.values() for path in paths]),
        "processed": scores,
    }
    print(document["cost"])
    out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--galleries", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args()
    main(given.model, given.images, given.kept, given.galleries, given.out)
