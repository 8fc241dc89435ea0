"""Perceptron or convolution on the same spectra, at equal training time?

    python benchmarks/quality/networks.py RUN IMAGES [SECONDS]

RUN is a folder of `trainer extractor` (its cached features are used), IMAGES a pool of real
generators. Prints samples a second, AUC on held-out synthetic models, and identification and AUC
on the real ones.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.images import load_image, windows
from trainer.evaluation import read_pool, score
from trainer.extractor import COMPACT, CompactNet, CosineClassifier, held_out_models, load_run
from trainer.extractor.features import Features
from trainer.extractor.losses import batch_hard_triplet
from trainer.extractor.training import FeatureSource, held_out_auc


class ConvNet(nn.Module):
    """Three strided 3×3 convolutions and a linear layer on the pooled half spectrum."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.embedding = 128
        widths = [shape[0], 32, 64, 96]
        layers: list[nn.Module] = [nn.BatchNorm2d(shape[0])]
        for a, b in itertools.pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(self.embedding))
        self.layers(torch.zeros(2, *shape))

    def forward(self, signal: Tensor) -> Tensor:
        return self.layers(signal)


def load_features(run: Path, blocks: int) -> FeatureSource:
    import zlib

    paths = sorted((run / "features").glob("*/*/*.npy"))
    names = tuple("/".join(path.with_suffix("").parts[-3:]) for path in paths)
    block = np.array([zlib.crc32(name.split("/")[1].encode()) % blocks for name in names])
    first = np.load(paths[0])
    values = np.empty((len(paths), *first.shape), first.dtype)
    for i, path in enumerate(paths):
        values[i] = np.load(path)
    return FeatureSource(Features(values, names, block))


def train(network: nn.Module, source: FeatureSource, seconds: float) -> float:
    """Train with the compact recipe's losses and batches; returns samples a second."""
    held = held_out_models(source.models, COMPACT.held_out)
    rows = np.flatnonzero(~held)
    classifier = CosineClassifier(network.embedding, len(rows), margin=COMPACT.cosine_margin)
    parameters = [*network.parameters(), *classifier.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=COMPACT.weight_decay)
    started, samples, step = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - started) < seconds:
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * (0.5 + 0.5 * np.cos(np.pi * elapsed / seconds))
        rng = np.random.default_rng((0, step))
        draw = COMPACT.sampler.draw(source.block[rows], source.images, source.variants, rng)
        labels = torch.from_numpy(draw[0])
        z = network(source.fetch(rows[draw[0]], *draw[1:]))
        loss = classifier(z, labels)
        loss = loss + batch_hard_triplet(nn.functional.normalize(z, dim=1), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        samples, step = samples + len(labels), step + 1
    return samples / seconds


@torch.inference_mode()
def embed_pool(network: nn.Module, signals: dict[str, list[Tensor]]) -> dict[str, np.ndarray]:
    out = {}
    for model, images in signals.items():
        means = [nn.functional.normalize(network(x), dim=1).mean(0) for x in images]
        out[model] = nn.functional.normalize(torch.stack(means), dim=1).numpy()
    return out


def main(run: Path, images: Path, seconds: float) -> None:
    finished = load_run(run)
    source = load_features(run, finished.info["rendering"]["blocks"])
    with torch.inference_mode():
        signals = {
            model: [
                finished.signal(torch.from_numpy(windows(load_image(p).pixels))) for p in paths
            ]
            for model, paths in read_pool(images).images.items()
        }
    shape = finished.signal.shape
    perceptron = CompactNet(shape)
    rng = np.random.default_rng(0)
    picks = [rng.integers(n, size=4096) for n in source.values.shape[:3]]
    perceptron.fit_input(source.fetch(*picks))
    held = np.flatnonzero(held_out_models(source.models, COMPACT.held_out))
    for name, network in (("perceptron", perceptron), ("convolution", ConvNet(shape))):
        torch.manual_seed(0)
        speed = train(network.train(), source, seconds)
        network.eval()
        scores = score(embed_pool(network, signals), resamples=0)
        print(
            f"{name:12s} {speed:7.0f} samples/s, {seconds:.0f} s: "
            f"held-out AUC {100 * held_out_auc(network, source, held):.1f}, {images.name} "
            f"identification {100 * scores.identification.model.accuracy.value:.1f}, "
            f"AUC {100 * scores.verification.model.auc.value:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 120.0)
