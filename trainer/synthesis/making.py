"""Fill a pool with synthetic models: on several cores, and on several machines at once.

Whoever makes a model holds a claim on its file meanwhile, which goes with the process that holds
it. So any number of processes may fill one folder, and be killed, and none makes a model that
another has made or is making.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import torch

from fingerprint_sdk.files import claimed
from trainer.images.photos import Photos, load_photos
from trainer.progress import Progress, silent
from trainer.shard import WHOLE, Shard
from trainer.synthesis.architectures import Architecture
from trainer.synthesis.descent import train_extended
from trainer.synthesis.families import AnyArchitecture
from trainer.synthesis.pool import PoolEntry, model_file, open_pool, save_model, write_manifest
from trainer.synthesis.training import SynthesisRecipe, train_architecture

STAGE = "synthetic models"
_PAUSE = 0.5  # seconds between two looks at what others are making

Wanted = list[tuple[AnyArchitecture, tuple[int, ...]]]
"""Seeds by architecture."""


def synthesize(
    photos_folder: Path,
    out: Path,
    architectures: tuple[AnyArchitecture, ...],
    seeds: tuple[int, ...],
    recipe: SynthesisRecipe,
    *,
    workers: int = 1,
    device: str = "cpu",
    shard: Shard = WHOLE,
    progress: Progress = silent,
) -> list[PoolEntry]:
    """Train every missing (architecture, seed) of a shard into `out`; returns the whole manifest.

    Others may do so in the same folder at the same time, with the same list or other ones: each
    model is made once. It returns when all of its shard are there, whoever made them.

    Raises ValueError when `out` holds models of another recipe or other photographs.
    """
    photos = load_photos(photos_folder, side=max(128, recipe.side))
    recipe_hash = recipe.hash(photos)
    open_pool(out, recipe, recipe_hash)
    wanted = _of_shard(architectures, seeds, shard)
    total = _count(wanted)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), _start_worker, (photos_folder, recipe, device)
    ) as executor:
        while True:
            missing = _missing(out, wanted)
            before = done = total - _count(missing)
            progress(STAGE, done, total)
            if not missing:
                break
            futures = [executor.submit(_train_into, out, recipe_hash, a, s) for a, s in missing]
            for future in as_completed(futures):
                if future.exception() is not None:
                    executor.shutdown(cancel_futures=True)
                if made := future.result():
                    done += made
                    progress(STAGE, done, total)
            if done == total:
                break
            if done == before:  # others are making all that is missing
                time.sleep(_PAUSE)
    return write_manifest(out)


def _of_shard(
    architectures: Sequence[AnyArchitecture], seeds: Sequence[int], shard: Shard
) -> Wanted:
    """A shard's models, those of one architecture together: they are trained as one network."""
    models = shard.take([(a, s) for a in architectures for s in seeds])
    return [
        (architecture, tuple(seed for _, seed in group))
        for architecture, group in itertools.groupby(models, key=lambda model: model[0])
    ]


def _missing(out: Path, wanted: Wanted) -> Wanted:
    found = [
        (a, tuple(s for s in seeds if not model_file(out, a.id, s).exists()))
        for a, seeds in wanted
    ]
    return [(a, seeds) for a, seeds in found if seeds]


def _count(wanted: Wanted) -> int:
    return sum(len(seeds) for _, seeds in wanted)


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
) -> int:
    """Make the models that nobody else has made or is making; returns how many they are."""
    assert _worker is not None
    photos, recipe, device = _worker
    with ExitStack() as claims:
        ours = tuple(_claim(out, architecture.id, seeds, claims))
        if not ours:
            return 0
        if isinstance(architecture, Architecture):
            models = train_architecture(architecture, ours, photos, recipe, device=device)
        else:
            models = [train_extended(architecture, seed, photos, recipe) for seed in ours]
        for model in models:
            save_model(out, recipe_hash, model)
        return len(models)


def _claim(out: Path, architecture: str, seeds: Sequence[int], claims: ExitStack) -> Iterator[int]:
    (out / architecture).mkdir(exist_ok=True)
    for seed in seeds:
        if claims.enter_context(claimed(model_file(out, architecture, seed))):
            yield seed
