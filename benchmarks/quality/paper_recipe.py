"""The paper's network, signal and losses on our pool, for as long as the shipped model trained.

    python benchmarks/quality/paper_recipe.py POOL PHOTOS OUT STEPS IMAGES…

Trains `--recipe paper` (ResNet-50 on |DFT| of the residual, cross-entropy and batch-hard triplet,
AdamW, warm-up cosine) and scores it on each pool IMAGES, writing OUT/scores.json. Scaled to two
cores: the student's residual instead of DnCNN's, which alone costs five times the ResNet, and
batches of 16 models × 4 images instead of 50 × 4. `trainer extractor --recipe paper` is the full
scale, for a GPU.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fingerprint_sdk.images import load_image, windows
from trainer.denoiser import load_weights
from trainer.evaluation import read_pool, score, write_json
from trainer.export import FingerprintModel
from trainer.extractor import PAPER, FeatureRecipe, RenderRecipe, run_extractor


def main(pool: Path, photos: Path, out: Path, steps: int, pools: list[Path]) -> None:
    recipe = replace(PAPER, steps=steps, sampler=replace(PAPER.sampler, models=16))
    started = time.monotonic()
    run = run_extractor(
        [pool],
        photos,
        out,
        recipe,
        load_weights("student"),
        rendering=RenderRecipe(),
        features=FeatureRecipe(),
        workers=1,
        progress=lambda stage, done, total, numbers: print(
            stage, done, total, numbers, flush=True
        ),
    )
    (out / "seconds.json").write_text(json.dumps({"seconds": time.monotonic() - started}))
    model = FingerprintModel(run.signal, run.network).eval()
    scores = {}
    for folder in pools:
        images = read_pool(folder)
        embeddings = {}
        for name, paths in images.images.items():
            rows = []
            for path in paths:
                with torch.inference_mode():
                    seen = torch.from_numpy(windows(load_image(path).pixels))
                    mean = model(seen).mean(0).numpy()
                rows.append(mean / np.linalg.norm(mean))
            embeddings[name] = np.stack(rows)
            print(folder.name, name, flush=True)
        scores[folder.name] = score(embeddings, images.decoders)
        write_json(out / "scores.json", scores)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), int(sys.argv[4]), [Path(p) for p in sys.argv[5:]])
