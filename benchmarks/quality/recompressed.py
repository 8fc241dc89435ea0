"""Are families recognised across sources when everything was recompressed?

    python benchmarks/quality/recompressed.py MODEL SHARED [--kept FOLDER] [--out FILE]

MODEL is a folder with `model.onnx`, SHARED the folder that the files of `zoo/known.csv` lie below.
Every image becomes the same kind of file, gallery and probes alike. Of each family of two sources
or more, each source is looked for in turn where all images but its own are enrolled, an entry for
each source. Printed in percent and written as JSON: how often the family comes
first for single images and for sets of five, how many of these are named at nominal FPIR 5 %, and
wrongly; means over the probed sources, with 95 % of these resampled.

Embeddings are kept in FOLDER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import fingerprint_sdk as fp
from fingerprint_sdk.gallery import Provenance
from trainer.evaluation.metrics import Estimate
from trainer.experiments.cache import kept_json
from trainer.known import read_families, read_manifest
from trainer.known.evaluate import processing

ROOT = Path(__file__).parents[2]
AS = ("as is", "jpeg 85", "jpeg 70", "webp 90", "webp 80")
TOGETHER = 5
FPIR = 0.05
RESAMPLES = 1000

Sources = Mapping[tuple[str, str], "Images"]


@dataclass(frozen=True, eq=False)
class Images:
    """Embeddings, (n, D), and quality of the n images of a source."""

    embeddings: np.ndarray
    quality: tuple[fp.Quality, ...]


def embedded(extractor: fp.Extractor, shared: Path, processed: str, kept: Path | None) -> Sources:
    """The images of every source, by family and source, after one processing."""
    described = read_families(ROOT / "zoo/known.toml")
    paths: dict[tuple[str, str], list[Path]] = {}
    for row in read_manifest(ROOT / "zoo/known.csv"):
        family = described[row.family].family if row.family in described else row.family
        paths.setdefault((family, row.source), []).append(shared / row.file)
    treat = processing(processed)
    found = {}
    for (family, source), files in paths.items():
        compute = partial(_values, extractor, treat, files)
        if kept is None:
            values = compute()
        else:
            name = f"{source} {processed}.json".replace(" ", "_")
            values = kept_json(kept / extractor.model_sha256[:12] / "sources" / name, compute)
        rows = np.array(values["embeddings"], np.float32)
        quality = tuple(fp.Quality(**one) for one in values["quality"])
        found[family, source] = Images(rows, quality)
    return found


def _values(
    extractor: fp.Extractor, treat: Callable[[Path], Any], files: Sequence[Path]
) -> dict[str, Any]:
    rows, quality = extractor.embed_with_quality(map(treat, files))
    return {
        "embeddings": rows.tolist(),
        "quality": [asdict(one) | {"jpeg_tables": ()} for one in quality],
    }


def gallery_without(extractor: fp.Extractor, sources: Sources, left_out: str) -> fp.Gallery:
    """The families, an entry for each of their sources but one."""
    gallery = fp.Gallery(extractor)
    for (family, source), images in sources.items():
        if source != left_out:
            gallery.enroll(source, images.embeddings, provenance=Provenance(family, source=source))
    return gallery


def score(
    gallery: fp.Gallery, probes: Images, family: str, together: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Shares of the probes, of so many images each: family first, named right, named wrongly."""
    order = rng.permutation(len(probes.embeddings))
    size = min(together, len(order))
    found = []
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        found.append(
            gallery.search(
                probes.embeddings[chosen],
                gallery.extractor.calibration,
                quality=tuple(probes.quality[place] for place in chosen),
                fpir=FPIR,
                top=1,
            )
        )
    return (
        float(np.mean([one.nearest == family for one in found])),
        float(np.mean([one.best == family for one in found])),
        float(np.mean([one.known and one.best != family for one in found])),
    )


def yardstick(extractor: fp.Extractor, sources: Sources) -> dict[str, Any]:
    """Means over the sources of families that have several."""
    families = [family for family, _ in sources]
    found: dict[int, dict[str, tuple[float, float, float]]] = {1: {}, TOGETHER: {}}
    for (family, source), probes in sources.items():
        if families.count(family) > 1:
            gallery = gallery_without(extractor, sources, source)
            for together, by_source in found.items():
                rng = np.random.default_rng(0)
                by_source[source] = score(gallery, probes, family, together, rng)
    return {
        f"{together} at once": {
            what: asdict(_mean([100 * shares[column] for shares in by_source.values()]))
            for column, what in enumerate(("first", "named right", "misnamed"))
        }
        | {"first, by source": {one: round(100 * x[0], 1) for one, x in by_source.items()}}
        for together, by_source in found.items()
    }


def _mean(values: Sequence[float]) -> Estimate:
    """With 95 % of resampled values."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(np.mean(values)), float(low), float(high))


def main(model: Path, shared: Path, kept: Path | None, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    report: dict[str, Any] = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
    }  # fmt: skip
    for processed in AS:
        report[processed] = found = yardstick(
            extractor, embedded(extractor, shared, processed, kept)
        )
        for together, shares in found.items():
            told = ", ".join(
                f"{what} {v['value']:.1f} ({v['low']:.1f}–{v['high']:.1f})"
                for what, v in shares.items()
                if what != "first, by source"
            )
            print(f"{processed:8s} {together}: {told}", flush=True)
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("recompressed.json"))
    arguments = parser.parse_args()
    main(arguments.model, arguments.shared, arguments.kept, arguments.out)
