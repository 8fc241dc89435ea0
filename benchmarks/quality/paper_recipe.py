"""The paper's network, signal and losses on our pool, beside the shipped model.

    python benchmarks/quality/paper_recipe.py POOL PHOTOS OUT STEPS [--models 50] [--device cuda]
    python benchmarks/quality/paper_recipe.py POOL PHOTOS OUT STEPS --images IMAGES…

Trains `--recipe paper` (ResNet-50 on |DFT| of the residual, cross-entropy and batch-hard triplet,
AdamW, warm-up cosine) unless OUT holds a finished run, and scores it on each image set IMAGES,
writing OUT/scores.json. Scaled down: the student's residual instead of DnCNN's, which alone costs
five times the ResNet, and on two cores batches of 16 models × 4 images instead of 50 × 4. `trainer
extractor --recipe paper` is the full scale.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from fingerprint_sdk.embedding import embed_images
from fingerprint_sdk.images import load_image
from trainer.denoiser import load_weights
from trainer.evaluation import read_image_set, score, write_json
from trainer.export.onnx import FingerprintModel
from trainer.extractor import PaperRecipe, RenderRecipe, load_run, run_paper


def train(pool: Path, photos: Path, out: Path, steps: int, models: int, device: str) -> None:
    recipe = PaperRecipe(models=models, steps=steps)
    started = time.monotonic()
    run_paper(
        [pool],
        photos,
        out,
        recipe,
        load_weights("student"),
        rendering=RenderRecipe(),
        workers=1 if device == "cpu" else os.cpu_count() or 1,
        device=device,
        progress=lambda stage, done, total, **numbers: print(
            stage, done, total, numbers, flush=True
        ),
    )
    (out / "seconds.json").write_text(json.dumps({"seconds": time.monotonic() - started}))


def evaluate(out: Path, image_sets: list[Path]) -> None:
    run = load_run(out)
    model = FingerprintModel(run.signal, run.network).eval()

    @torch.inference_mode()
    def embed_windows(seen: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(seen)).numpy()

    scores = {}
    for folder in image_sets:
        images = read_image_set(folder)
        embeddings = {}
        for name, paths in images.images.items():
            pixels = (load_image(path).pixels for path in paths)
            embeddings[name] = embed_images(embed_windows, pixels, batch_size=1)
            print(folder.name, name, flush=True)
        scores[folder.name] = score(embeddings, images.decoders)
        write_json(out / "scores.json", scores)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("pool", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("steps", type=int)
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    if not (given.out / "run.json").exists():
        train(given.pool, given.photos, given.out, given.steps, given.models, given.device)
    evaluate(given.out, given.images)
