"""The signals that a `trainer extractor` run computed, read back so that variants share them."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import Tensor, nn

from trainer.denoiser import network_from_state
from trainer.extractor import Features
from trainer.extractor.features import PHOTOGRAPHS
from trainer.extractor.preparation import DENOISER_FILE, SIGNALS
from trainer.extractor.run import RUN_FILE
from trainer.extractor.source import FeatureSource, Source
from trainer.signal import CompactSignal, signal_name
from trainer.synthesis import ModelId, read_pool


@dataclass(frozen=True, eq=False)
class Cache:
    """Signals of a run's synthetic models, the module that made them, and how.

    `plan` is what the signals depend on besides the models: the denoiser's hash, the rendering
    and feature recipes, the photographs' digest. `pools` are the run's pools where it knows them.
    """

    run: Path
    source: FeatureSource
    signal: nn.Module
    plan: dict[str, Any]
    pools: tuple[Path, ...]


def read_cache(run: Path) -> Cache:
    """Read every model of `run`/signals into memory; the run need not have been trained.

    Raises:
        FileNotFoundError: the run has no signals.
        ValueError: they were made by another denoiser or another signal than this version's.
    """
    folder = Path(run) / SIGNALS
    paths = sorted(folder.glob("*/*/*.npy"))
    if not paths or not (folder / "plan.json").exists():
        raise FileNotFoundError(
            f"{folder} holds no signals: give the folder of a `trainer extractor` run with the "
            "compact recipe"
        )
    plan = json.loads((folder / "plan.json").read_text())
    models = tuple(ModelId(p.parts[-3], p.parts[-2], int(p.stem)) for p in paths)
    blocks = plan["rendering"]["blocks"]
    block = np.array([zlib.crc32(m.architecture.encode()) % blocks for m in models])
    first = np.load(paths[0])
    values = np.empty((len(paths), *first.shape), first.dtype)
    for i, path in enumerate(paths):
        values[i] = np.load(path)
    weights = Path(run) / DENOISER_FILE
    signal = CompactSignal(network_from_state(load_file(weights))).eval().requires_grad_(False)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    if plan["signal"] != signal_name(signal, digest):
        raise ValueError(f"{folder} was made with another signal or by another denoiser")
    if signal.shape != first.shape[2:]:
        raise ValueError(f"{folder} holds signals {first.shape[2:]}, not {signal.shape}")
    info = Path(run) / RUN_FILE
    pools = json.loads(info.read_text())["pools"] if info.exists() else []
    crops = [np.load(path) for path in sorted((folder / PHOTOGRAPHS).glob("*.npy"))]
    photographs = np.concatenate(crops) if crops else None
    source = FeatureSource(Features(values, models, block, photographs))
    return Cache(Path(run), source, signal, plan, tuple(Path(pool) for pool in pools))


def reconstruction_errors(models: Sequence[ModelId], pools: Sequence[Path]) -> np.ndarray:
    """Each model's mean squared error on [-1, 1], from the pools that hold them: (M,).

    Raises ValueError when a model is in none of `pools`.
    """
    known = {
        entry.id(pool): entry.reconstruction_error for pool in pools for entry in read_pool(pool)
    }
    if missing := [name for name in models if name not in known]:
        raise ValueError(f"{missing[0]} is in none of the pools; give all the run's by --pool")
    return np.array([known[name] for name in models])


@dataclass(frozen=True, eq=False)
class Subset:
    """The models `rows` of a source, and of each image the variants `kept`.

    Content blocks are merged until at most `blocks` are left: a small family would otherwise train
    on small batches, since every second batch takes its models from one block.
    """

    parent: Source
    rows: np.ndarray
    kept: tuple[int, ...]
    blocks: int | None = None

    @property
    def models(self) -> tuple[ModelId, ...]:
        return tuple(self.parent.models[i] for i in self.rows)

    @property
    def block(self) -> np.ndarray:
        block = self.parent.block[self.rows]
        return block if self.blocks is None else block % self.blocks

    @property
    def images(self) -> int:
        return self.parent.images

    @property
    def variants(self) -> int:
        return len(self.kept)

    def fetch(self, model: np.ndarray, image: np.ndarray, variant: np.ndarray) -> Tensor:
        return self.parent.fetch(self.rows[model], image, np.array(self.kept)[variant])

    def photographs(self, variant: int) -> Tensor | None:
        return self.parent.photographs(self.kept[variant])
