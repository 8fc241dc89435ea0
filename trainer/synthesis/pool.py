"""A pool of synthetic models on disk: one safetensors file a model, and a manifest.

`POOL/ARCHITECTURE/SEED.safetensors` holds the weights; its metadata holds architecture, seed,
reconstruction error, seconds and recipe hash. A file that exists is finished, so a killed run
resumes by itself and several machines may share a folder. `manifest.csv` is written from the
files, never the other way round; `recipe.json` claims the folder for one recipe and one set of
photographs.
"""

from __future__ import annotations

import csv
import json
import os
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from fingerprint_sdk.files import replacing, write_text
from trainer.images.photos import Photos, load_photos
from trainer.progress import Progress, silent
from trainer.synthesis.architectures import Architecture
from trainer.synthesis.autoencoder import GroupedAutoencoder
from trainer.synthesis.descent import train_extended
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder
from trainer.synthesis.families import AnyArchitecture, architecture_from_id, model_from_state
from trainer.synthesis.training import (
    SynthesisRecipe,
    SyntheticModel,
    train_architecture,
)

STAGE = "synthetic models"


@dataclass(frozen=True, order=True)
class ModelId:
    """Which synthetic model: the name of its pool, its architecture and its seed."""

    pool: str
    architecture: str
    seed: int

    def __str__(self) -> str:
        return f"{self.pool}/{self.architecture}/{self.seed}"


@dataclass(frozen=True)
class PoolEntry:
    """One line of the manifest. `reconstruction_error` is the mean squared error on [-1, 1]."""

    architecture: str
    seed: int
    reconstruction_error: float
    steps: int
    seconds: float
    recipe_hash: str

    @property
    def file(self) -> str:
        return f"{self.architecture}/{self.seed}.safetensors"

    def id(self, pool: Path) -> ModelId:
        """Which model it is, in the folder `pool`."""
        return ModelId(pool.name, self.architecture, self.seed)


def synthesize(
    photos_folder: Path,
    out: Path,
    architectures: tuple[AnyArchitecture, ...],
    seeds: tuple[int, ...],
    recipe: SynthesisRecipe,
    *,
    workers: int = 1,
    device: str = "cpu",
    progress: Progress = silent,
) -> list[PoolEntry]:
    """Train every missing (architecture, seed) into `out`; returns the whole manifest.

    Raises ValueError when `out` holds models of another recipe or other photographs.
    """
    photos = load_photos(photos_folder, side=max(128, recipe.side))
    recipe_hash = recipe.hash(photos)
    _claim(out, recipe, recipe_hash)
    missing = [
        (a, left)
        for a in architectures
        if (left := tuple(s for s in seeds if not (out / a.id / f"{s}.safetensors").exists()))
    ]
    total = len(architectures) * len(seeds)
    done = total - sum(len(left) for _, left in missing)
    progress(STAGE, done, total)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), _start_worker, (photos_folder, recipe, device)
    ) as executor:
        pending = {executor.submit(_train_into, out, recipe_hash, a, s) for a, s in missing}
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                if future.exception() is not None:
                    executor.shutdown(cancel_futures=True)
                for _ in future.result():
                    done += 1
                    progress(STAGE, done, total)
    return write_manifest(out)


def read_pool(pool: Path) -> list[PoolEntry]:
    """The models in `pool`, read from the files themselves, in a fixed order."""
    entries = []
    for path in sorted(pool.glob("*/*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
            values = {f.name: metadata[f.name] for f in fields(PoolEntry)}
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{path} is no synthetic model ({error}); remove it") from error
        entries.append(
            PoolEntry(
                values["architecture"],
                int(values["seed"]),
                float(values["reconstruction_error"]),
                int(values["steps"]),
                float(values["seconds"]),
                values["recipe_hash"],
            )
        )
    if not entries:
        raise FileNotFoundError(f"{pool}: no synthetic model here; run `trainer synthesize`")
    return entries


def pool_recipe(pool: Path) -> dict[str, Any]:
    """What `recipe.json` of a pool says of how its models were made; empty where it has none."""
    path = pool / "recipe.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_manifest(pool: Path) -> list[PoolEntry]:
    entries = read_pool(pool)
    with replacing(pool / "manifest.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(PoolEntry)])
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries)
    return entries


def load_model(pool: Path, entry: PoolEntry) -> GroupedAutoencoder | ExtendedAutoencoder:
    """One synthetic model, ready to `render`."""
    architecture = architecture_from_id(entry.architecture)
    return model_from_state(architecture, entry.seed, load_file(pool / entry.file))


def _claim(out: Path, recipe: SynthesisRecipe, recipe_hash: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.json"
    if path.exists():
        found = json.loads(path.read_text())["recipe_hash"]
        if found != recipe_hash:
            raise ValueError(
                f"{out} was made with another recipe or other photographs ({found}, now "
                f"{recipe_hash}); give another --out"
            )
        return
    write_text(path, json.dumps({"recipe_hash": recipe_hash, **asdict(recipe)}, indent=2))


_worker: tuple[Photos, SynthesisRecipe, str] | None = None


def _start_worker(photos_folder: Path, recipe: SynthesisRecipe, device: str) -> None:
    global _worker
    Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)  # one worker a core beats one worker on all cores for small networks
    _worker = (load_photos(photos_folder, side=max(128, recipe.side)), recipe, device)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _train_into(
    out: Path, recipe_hash: str, architecture: AnyArchitecture, seeds: tuple[int, ...]
) -> list[PoolEntry]:
    assert _worker is not None
    photos, recipe, device = _worker
    if isinstance(architecture, Architecture):
        models = train_architecture(architecture, seeds, photos, recipe, device=device)
    else:
        models = [train_extended(architecture, seed, photos, recipe) for seed in seeds]
    return [_save(out, recipe_hash, model) for model in models]


def _save(out: Path, recipe_hash: str, model: SyntheticModel) -> PoolEntry:
    entry = PoolEntry(
        model.architecture.id,
        model.seed,
        model.reconstruction_error,
        model.steps,
        model.seconds,
        recipe_hash,
    )
    path = out / entry.file
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        save_file(model.state, temporary, {k: str(v) for k, v in asdict(entry).items()})
    return entry
