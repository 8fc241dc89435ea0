"""How well does grouping without labels find the generators, at the default cut and at others?

    python benchmarks/quality/clustering.py IMAGES…

IMAGES are image sets of real generators, a folder each. The bundled model is scored.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fingerprint_sdk as fp
from fingerprint_sdk.cli.shared.heap import heap, truth_of
from fingerprint_sdk.clustering import cluster_embeddings


def main(image_sets: list[Path]) -> None:
    extractor = fp.load(device="cpu")
    calibration = extractor.calibration
    rates = (0.001, 0.003, calibration.default_fmr, 0.03, 0.1)
    for image_set in image_sets:
        paths = heap([image_set]).images
        truth = truth_of(paths, "folder")
        embeddings, quality = extractor.embed_with_quality(paths)
        cuts = [(f"FMR {rate:g}", "agglomerative", rate) for rate in rates]
        for name, method, rate in [*cuts, ("hdbscan", "hdbscan", None)]:
            found = cluster_embeddings(
                embeddings, calibration, quality=quality, method=method, fmr=rate
            )
            score = found.score(truth)
            default = ", the default" if rate == calibration.default_fmr else ""
            print(
                f"{image_set.name:9s} {len(paths)} images of {len(set(truth))}, {name}{default}: "
                f"adjusted Rand index {score.adjusted_rand:.2f}, homogeneity "
                f"{score.homogeneity:.2f}, completeness {score.completeness:.2f}, "
                f"{len(found.groups)} groups, {found.labels.count(-1)} images in none",
                flush=True,
            )


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
