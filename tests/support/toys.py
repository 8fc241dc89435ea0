"""Features of pretend models, small enough to train on in a second."""

from __future__ import annotations

import numpy as np

from trainer.extractor import Features
from trainer.extractor.source import FeatureSource
from trainer.synthesis import ModelId, paper288

PARTS = {"a": (1, 4, 5), "b": (2, 4, 5)}


def toy_source() -> FeatureSource:
    """Features of 36 pretend models: each model's own pattern, the image's content, noise."""
    rng = np.random.default_rng(0)
    models = tuple(ModelId("pool", a.id, seed) for a in paper288(8)[:18] for seed in range(2))
    pattern = rng.standard_normal((len(models), 1, 1, 3, 4, 5))
    content = rng.standard_normal((1, 5, 1, 3, 4, 5))
    noise = rng.standard_normal((len(models), 5, 2, 3, 4, 5))
    values = (3 + pattern + content + 0.3 * noise).astype(np.float16)
    values = values.reshape(*values.shape[:3], 60)
    return FeatureSource(Features(values, models, np.arange(len(models)) % 4))
