"""Batches of P models × K images, so that every anchor has positives (METHOD, 1.1).

The paper's code drew images independently: 3.4 % of its anchors had a positive at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampler:
    """Indices of P×K batches.

    `confusable` of the batches take all their models from one content block, where all models
    have seen the same photographs; `processed` is the chance that an image is a processed variant;
    `shared_contents` gives every model of a block batch the same K photographs. Every second batch
    averages the log spectra of `averaged` images of a model (fewer where it has too few), as an
    analyst averages windows: with less of the contents left, finer differences can be learnt.
    """

    models: int
    images: int
    confusable: float = 0.0
    shared_contents: float = 0.0
    processed: float = 0.0
    averaged: int = 1

    def draw(
        self, block: np.ndarray, images: int, variants: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of one batch: model (P·K,), image (P·K, A), variant (P·K,), all int.

        A is the number of images to average; all of one average are of the same variant.
        """
        candidates = np.arange(len(block))
        one_block = rng.random() < self.confusable
        if one_block:
            candidates = np.flatnonzero(block == block[rng.integers(len(block))])
        count = min(self.models, len(candidates))
        model = np.repeat(rng.choice(candidates, count, replace=False), self.images)
        averaged = min(self.averaged, images // self.images) if rng.random() < 0.5 else 1
        seen = self.images * max(1, averaged)
        if one_block and rng.random() < self.shared_contents:
            image = np.tile(rng.choice(images, seen, replace=False), count)
        else:
            image = np.concatenate([rng.choice(images, seen, replace=False) for _ in range(count)])
        image = image.reshape(len(model), -1)
        variant = np.zeros(len(model), int)
        if variants > 1:
            processed = rng.random(len(model)) < self.processed
            variant = np.where(processed, rng.integers(1, variants, len(model)), 0)
        return model, image, variant
