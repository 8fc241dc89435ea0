"""Do images lie with their family's, whatever the settings and the program? (Paper, Fig. 15.)

    python benchmarks/quality/settings.py MODEL SHARED [--kept FOLDER] [--out FILE]

MODEL is a folder with `model.onnx`, SHARED the folder that the files of `zoo/known.csv` lie below.
A source is one author's images by one program, whose checkpoints, sampler, guidance, steps and
size differ from the next one's. Of each family of two sources or more, printed in percent and
written as JSON: by whom an image's nearest others are, the same source, another source of its
family, or another family; and the same where nothing of its own source is there to be near.
Chance is the family's share of those that are.

Embeddings are kept in FOLDER, as `recompressed.py` keeps them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from recompressed import Sources, embedded

import fingerprint_sdk as fp
from trainer.experiments.embed_map.metrics import NEIGHBOURS


def neighbours(sources: Sources) -> list[dict[str, Any]]:
    """For each source of a family that has another one, whose its images' neighbours are."""
    rows = np.concatenate([images.embeddings for images in sources.values()])
    counts = [len(images.embeddings) for images in sources.values()]
    source_of = np.repeat([source for _, source in sources], counts)
    family_of = np.repeat([family for family, _ in sources], counts)
    cosine = rows @ rows.T
    np.fill_diagonal(cosine, -np.inf)  # an image is no neighbour of itself
    of_families = Counter(family for family, _ in sources)
    found = []
    for family, source in sources:
        if of_families[family] < 2:
            continue
        mine = source_of == source
        near = np.argsort(-cosine[mine], axis=1, kind="stable")[:, :NEIGHBOURS]
        elsewhere = np.where(mine, -np.inf, cosine[mine])
        near_elsewhere = np.argsort(-elsewhere, axis=1, kind="stable")[:, :NEIGHBOURS]
        own, related = source_of[near] == source, family_of[near] == family
        found.append(
            {
                "family": family,
                "source": source,
                "images": int(mine.sum()),
                "own source": _percent(own),
                "own family, another source": _percent(related & ~own),
                "another family": _percent(~related),
                "own family, without the source": _percent(family_of[near_elsewhere] == family),
                "chance": _percent(family_of[~mine] == family),
            }
        )
    return found


def _percent(hits: np.ndarray) -> float:
    return round(100 * float(np.mean(hits)), 1)


def main(model: Path, shared: Path, kept: Path | None, out: Path) -> None:
    extractor = fp.load(model, device="cpu")
    found = neighbours(embedded(extractor, shared, "as is", kept))
    for row in found:
        print(", ".join(f"{key} {value}" for key, value in row.items()))
    report = {
        "model": {"name": extractor.name, "version": extractor.version,
                  "sha256": extractor.model_sha256},
        "neighbours": NEIGHBOURS,
        "sources": found,
    }  # fmt: skip
    shares = [row["own family, without the source"] for row in found]
    report["mean of sources, without the source"] = mean = round(float(np.mean(shares)), 1)
    print(f"mean of {len(found)} sources, without the source: {mean}")
    out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("settings.json"))
    arguments = parser.parse_args()
    main(arguments.model, arguments.shared, arguments.kept, arguments.out)
