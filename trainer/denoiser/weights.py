"""The denoiser's published weights: ours, Apache-2.0, trained by `trainer denoiser`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors.torch import load

from trainer.denoiser.networks import DnCNN, Student, network_from_state

PUBLISHED = {
    "dncnn": "cd470d6a02740d3bb621fd872e92e7855ce735d8c1a708caf8f3e88f5d81693c",
    "student": "2f067be3ca3b19d613a3c4eacf7a5a4dc860b6f125fc567d89ebbd7c7ab6bd5a",
}


def load_weights(source: str | Path) -> DnCNN | Student:
    """`"dncnn"` or `"student"` as published with the package, or a safetensors file of your own.

    Raises ValueError when a published file's sha256 is not the recorded one.
    """
    name = str(source)
    path = Path(__file__).parent / "published" / f"{name}.safetensors"
    if name not in PUBLISHED:
        path = Path(source)
    content = path.read_bytes()
    if name in PUBLISHED and hashlib.sha256(content).hexdigest() != PUBLISHED[name]:
        raise ValueError(f"{path} is damaged: its sha256 is not the published one; reinstall")
    return network_from_state(load(content))
