"""The pictures whose signals are kept in tests/golden/signal.json, and their signals now."""

from __future__ import annotations

import numpy as np
import torch

from fingerprint_sdk.images import windows
from fingerprint_sdk.zoo.golden import golden_picture
from trainer.denoiser import load_weights
from trainer.signal import CompactSignal

VALUES = 24
"""Kept of each part, evenly spaced, or one more."""
PICTURES = {
    "noisy": golden_picture(),
    "faint": golden_picture() // 16 + np.uint8(120),  # where floors under logarithms count
    "flat": np.full((128, 128, 3), 128, np.uint8),
}


def golden_signals() -> dict[str, dict[str, np.ndarray]]:
    """For each picture, the parts of `CompactSignal` of its first window, flat."""
    module = CompactSignal(load_weights("student")).eval()
    sizes = [int(np.prod(shape)) for shape in module.parts.values()]
    found = {}
    for name, pixels in PICTURES.items():
        with torch.inference_mode():
            signal = module(torch.from_numpy(windows(pixels)[:1]))[0]
        parts = (part.numpy() for part in signal.split(sizes))
        found[name] = dict(zip(module.parts, parts, strict=True))
    return found
