"""Fit every rival on the seen generators, embed the test images, score both halves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import fingerprint_sdk
from fingerprint_sdk.embedding import embed_images
from fingerprint_sdk.images import load_image
from trainer.calibration import CalibrationRecipe
from trainer.evaluation import ImageSet, Scores, score
from trainer.experiments.cache import cache_key
from trainer.experiments.comparison.embeddings import (
    Embed,
    Read,
    digest_split,
    embed_rival,
    embed_split,
    read_training,
)
from trainer.experiments.comparison.finetuning import FinetuneRecipe, finetune
from trainer.experiments.comparison.split import Split
from trainer.experiments.rivals import MINUTES, RIVALS, Budget, make_rival
from trainer.export.onnx import FingerprintModel
from trainer.extractor import Run, load_run
from trainer.known.evaluate import AS, processing
from trainer.progress import Progress, part_of, silent

AS_IS = AS[0]
CONSTANT = CalibrationRecipe().constant
"""Of every exported model's embeddings, and so of a run's."""


@dataclass(frozen=True)
class CompareRecipe:
    """`rivals` by name, `budget` of the trained ones, `finetuning` of our model.

    `full` takes the other settings of the rivals' papers too (`make_rival`). `processing` is what
    all images, those to learn from as well, went through first:
    see `trainer.known.evaluate.processing`.
    """

    rivals: tuple[str, ...] = RIVALS
    budget: Budget = MINUTES
    full: bool = False
    finetuning: FinetuneRecipe = field(default_factory=FinetuneRecipe)
    galleries: int = 20
    pairs: int = 5000
    processing: str = AS_IS


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

    def to_dict(self) -> dict[str, Any]:
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
    image_set: ImageSet,
    split: Split,
    cache: Path,
    recipe: CompareRecipe | None = None,
    *,
    run: Path | None = None,
    model: str = "compact",
    progress: Progress = silent,
) -> Comparison:
    """Tables VIII and IX on one image set.

    Args:
        image_set, split: see `read_image_set` and `split_image_set`.
        cache: folder that keeps each method's embeddings, so that a killed comparison goes on.
        recipe: None for minutes on two cores.
        run: a finished extractor run, scored as it is and after fine-tuning on the seen half.
        model: without `run`, the model to score (name, folder or ONNX file); it is not fine-tuned.
        progress: told of each method's training and embedding.

    Raises:
        ImageError, ValueError: an image or a name cannot be used.
    """
    recipe = recipe or CompareRecipe()
    data, read = digest_split(split) + recipe.processing, _reader(recipe.processing)
    methods, left_out = {}, {}

    def add(
        name: str, title: str, settings: str, embed: Callable[[], dict[str, np.ndarray]]
    ) -> None:
        try:
            embeddings = embed()
        except ModuleNotFoundError as error:
            left_out[title] = str(error)
            return
        parts = [
            score(
                {g: embeddings[g] for g in half},
                image_set.decoders,
                galleries=recipe.galleries,
                pairs=recipe.pairs,
            )
            for half in (split.seen, split.unseen)
        ]
        methods[name] = MethodScores(title, settings, *parts)

    training_images = lru_cache(lambda: read_training(split, read))
    for name in recipe.rivals:
        rival = make_rival(name, recipe.budget, full=recipe.full)
        embed = partial(
            embed_rival,
            name,
            rival,
            split,
            cache,
            progress,
            training=training_images,
            digest=data,
            read=read,
        )
        add(name, rival.title, repr(rival), embed)

    def add_ours(name: str, title: str, settings: str, prepare: Callable[[], Embed]) -> None:
        shown = part_of(progress, f"{title}: embedding")
        embed = partial(embed_split, cache, name, settings, split, prepare, shown, data, read)
        add(name, title, settings, embed)

    if run is None:
        loaded = fingerprint_sdk.load(model)
        settings = f"{loaded.name} {loaded.version}, {loaded.model_sha256}"
        add_ours("zero-shot", "ours, zero-shot", settings, lambda: embed_by_sdk(loaded))
        left_out["ours, fine-tuned"] = "needs --run, the folder of a finished extractor run"
    else:
        finished = load_run(run)
        settings = json.dumps(finished.info | {"constant": CONSTANT}, sort_keys=True)
        add_ours("zero-shot", "ours, zero-shot", settings, lambda: embed_by_run(finished))
        tuned = f"{settings}: {recipe.finetuning!r}"
        folder = cache / f"finetuned-{cache_key(tuned, data)}"

        def finetuned() -> Embed:
            shown = part_of(progress, "ours, fine-tuned: training")
            images = training_images()
            return embed_by_run(finetune(run, images, folder, recipe.finetuning, progress=shown))

        add_ours("fine-tuned", "ours, fine-tuned", tuned, finetuned)
    return Comparison(methods, left_out, split, recipe)


def _reader(name: str) -> Read:
    processed = processing(name)
    return lambda path: load_image(processed(path)).pixels


def embed_by_run(run: Run) -> Embed:
    """The embeddings of a run as the SDK takes them from its exported model."""
    model = FingerprintModel(run.signal, run.network).eval()

    @torch.inference_mode()
    def windows(pixels: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(pixels)).numpy()

    return lambda images: embed_images(windows, images, CONSTANT)


def embed_by_sdk(model: fingerprint_sdk.Extractor) -> Embed:
    """The embeddings of a model as a user gets them."""
    return lambda images: model.embed_many(list(images), on_error="raise").embeddings
