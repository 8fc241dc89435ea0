"""Fit every rival on the seen generators, embed the test images, score both halves."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import fingerprint_sdk
from fingerprint_sdk.images import load_image, windows
from trainer.baselines import MINUTES, RIVALS, Budget, make_rival
from trainer.comparison.split import Split
from trainer.evaluation import Pool, Scores, score
from trainer.export import FingerprintModel
from trainer.extractor import Run, load_run
from trainer.finetune import FinetuneRecipe, finetune

Progress = Callable[[str, int, int], None]
Embed = Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class CompareRecipe:
    """`rivals` by name, `budget` of the trained ones, `finetuning` of our model.

    `full` takes the other settings of the rivals' papers too (`make_rival`).
    """

    rivals: tuple[str, ...] = RIVALS
    budget: Budget = MINUTES
    full: bool = False
    finetuning: FinetuneRecipe = field(default_factory=FinetuneRecipe)
    galleries: int = 20
    pairs: int = 5000


@dataclass(frozen=True)
class MethodScores:
    """One line of Tables VIII and IX: the protocol on the seen half and on the unseen one.

    `settings` is what the embeddings came from.
    """

    title: str
    settings: str
    seen: Scores
    unseen: Scores


@dataclass(frozen=True)
class Comparison:
    """Every method that ran, by name, and why others did not."""

    methods: dict[str, MethodScores]
    left_out: dict[str, str]
    split: Split
    recipe: CompareRecipe

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "recipe": asdict(self.recipe),
            "split": {
                part: {name: [path.name for path in paths] for name, paths in images.items()}
                for part, images in vars(self.split).items()
            },
            "left_out": self.left_out,
            "methods": {name: asdict(method) for name, method in self.methods.items()},
        }


def compare(
    pool: Pool,
    split: Split,
    cache: Path,
    recipe: CompareRecipe | None = None,
    *,
    run: Path | None = None,
    model: str = "compact",
    progress: Progress | None = None,
) -> Comparison:
    """Tables VIII and IX on one pool of images.

    Args:
        pool, split: see `read_pool` and `split_pool`.
        cache: folder that keeps each method's embeddings, so that a killed comparison goes on.
        recipe: None for minutes on two cores.
        run: a finished extractor run, scored as it is and after fine-tuning on the seen half.
        model: without `run`, the model to score (name, folder or ONNX file); it is not fine-tuned.
        progress: called with a stage's name, and how much of it is done and to do.

    Raises:
        ImageError, ValueError: an image or a name cannot be used.
    """
    recipe = recipe or CompareRecipe()
    show = progress or (lambda stage, done, total: None)
    data = _digest(split)
    methods, left_out = {}, {}

    def add(name: str, title: str, settings: str, prepare: Callable[[], Embed]) -> None:
        key = hashlib.sha256(f"{settings}:{data}".encode()).hexdigest()[:16]
        path = cache / f"{name}-{key}.npz"
        try:
            embeddings = _cached(path, split, prepare, partial(show, f"{title}: embedding"))
        except ModuleNotFoundError as error:
            left_out[title] = str(error)
            return
        parts = [
            score(
                {g: embeddings[g] for g in half},
                pool.decoders,
                galleries=recipe.galleries,
                pairs=recipe.pairs,
            )
            for half in (split.seen, split.unseen)
        ]
        methods[name] = MethodScores(title, settings, *parts)

    train: dict[str, list[np.ndarray]] = {}

    def training_images() -> dict[str, list[np.ndarray]]:
        train.update(train or {name: _pixels(paths) for name, paths in split.train.items()})
        return train

    for name in recipe.rivals:
        rival = make_rival(name, recipe.budget, full=recipe.full)

        def fitted(rival: Any = rival) -> Embed:
            rival.fit(training_images(), partial(show, f"{rival.title}: training"))
            return rival.embed

        add(name, rival.title, repr(rival), fitted)

    if run is None:
        loaded = fingerprint_sdk.load(model)
        settings = f"{loaded.name} {loaded.version}, {loaded.model_sha256}"
        add("zero-shot", "ours, zero-shot", settings, lambda: _embed_by_sdk(loaded))
        left_out["ours, fine-tuned"] = "needs --run, the folder of a finished extractor run"
    else:
        finished = load_run(run)
        settings = json.dumps(finished.info, sort_keys=True)
        add("zero-shot", "ours, zero-shot", settings, lambda: embed_by_run(finished))
        tuned = f"{settings}: {recipe.finetuning!r}"
        folder = cache / f"finetuned-{hashlib.sha256((tuned + data).encode()).hexdigest()[:16]}"

        def finetuned() -> Embed:
            shown = partial(show, "ours, fine-tuned: training")
            images = training_images()
            return embed_by_run(finetune(run, images, folder, recipe.finetuning, progress=shown))

        add("fine-tuned", "ours, fine-tuned", tuned, finetuned)
    return Comparison(methods, left_out, split, recipe)


def embed_by_run(run: Run) -> Embed:
    """The embeddings of a run as the SDK takes them: nine windows, averaged, L2-normalised."""
    model = FingerprintModel(run.signal, run.network).eval()

    @torch.inference_mode()
    def embed(images: Sequence[np.ndarray]) -> np.ndarray:
        means = [model(torch.from_numpy(windows(image))).mean(0) for image in images]
        return torch.nn.functional.normalize(torch.stack(means), dim=1).numpy()

    return embed


def _embed_by_sdk(model: fingerprint_sdk.Extractor) -> Embed:
    return lambda images: model.embed_many(list(images), on_error="raise").embeddings


def _cached(
    path: Path, split: Split, prepare: Callable[[], Embed], progress: Callable[[int, int], None]
) -> dict[str, np.ndarray]:
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    embed, test = prepare(), split.seen | split.unseen
    total, rows = sum(map(len, test.values())), []
    for paths in test.values():
        for image in paths:  # one at a time: a pool need not fit into memory
            rows.append(embed(_pixels([image])))
            progress(len(rows), total)
    ends = np.cumsum([len(paths) for paths in test.values()])[:-1]
    parts = np.split(shrink(np.concatenate(rows)), ends)
    embeddings = dict(zip(test, parts, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **embeddings)
    temporary.replace(path)
    return embeddings


def shrink(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) in at most N dimensions, every inner product kept.

    Scores know inner products only, and a residual has 200,000 numbers.
    """
    if rows.shape[1] <= len(rows):
        return rows
    wide = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(wide @ wide.T)
    small = vectors * np.sqrt(np.clip(values, 0, None))
    norms = np.linalg.norm(small, axis=1, keepdims=True)
    return (small / np.where(norms > 1e-6, norms, 1)).astype(np.float32)


def _pixels(paths: Sequence[Path]) -> list[np.ndarray]:
    return [load_image(path).pixels for path in paths]


def _digest(split: Split) -> str:
    """Of the files and of who sees what."""
    digest = hashlib.sha256()
    for part, images in vars(split).items():
        for name, paths in images.items():
            for path in paths:
                digest.update(f"{part}/{name}/{path.name}".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
