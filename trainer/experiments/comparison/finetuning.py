"""Fine-tune a finished extractor on images of real generators (paper IV-A, "Ours (Fine-tune)").

For comparisons and for private use: a model that has seen generators is no longer zero-shot, and
its thresholds, still taken from synthetic models, say nothing of the generators it has seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.files import write_bytes, write_text
from trainer.checkpoint import save_tensors
from trainer.experiments.cache import cache_key
from trainer.experiments.rivals.budget import descend
from trainer.experiments.rivals.crops import Crops, crop
from trainer.extractor import CosineClassifier, Run, batch_hard_triplet, load_run
from trainer.extractor.run import RUN_FILE
from trainer.extractor.saved import NETWORK
from trainer.progress import Progress, part_of, silent


@dataclass(frozen=True)
class FinetuneRecipe:
    """An epoch shows `crops` random windows of every image, `batch` windows a step.

    The paper's epoch shows each of thousands of images once; a set of a dozen images a generator
    needs more than one window of each.
    """

    epochs: int = 1
    crops: int = 32
    batch: int = 48
    learning_rate: float = 1e-4
    margin: float = 0.3
    side: int = 128
    seed: int = 0


def finetune(
    run: Path,
    images: Mapping[str, Sequence[np.ndarray]],
    out: Path,
    recipe: FinetuneRecipe | None = None,
    *,
    progress: Progress = silent,
) -> Run:
    """Train the network of `run` on some generators' images and write run folder `out`.

    Args:
        run: folder of a finished `trainer extractor` run; it is not changed.
        images: for each of at least two seen generators, its uint8 (H, W, 3) RGB images.
        out: folder of the new run; `load_run` and `trainer export-onnx` read it. A finished one
            of the same run, images and recipe is taken as it is.
        recipe: None for one epoch.

    Raises:
        FileNotFoundError: `run` has not finished.
        ValueError: too few generators or images, or `out` holds something else.
    """
    recipe = recipe or FinetuneRecipe()
    source = load_run(run)
    record = {
        "recipe": asdict(recipe),
        "generators": {name: len(images[name]) for name in sorted(images)},
        "images": _digest(images),
        "from": source.info["recipe_hash"],
    }
    if (out / RUN_FILE).exists():
        if json.loads((out / RUN_FILE).read_text()).get("finetuned") == record:
            return load_run(out)
        raise ValueError(f"{out} holds another run; give another folder")
    _train(source, Crops(images, recipe.side), recipe, progress)
    info = source.info | {
        "finetuned": record,
        "recipe_hash": cache_key(record),
    }
    _write(run, out, source.network, info)
    return load_run(out)


def _train(source: Run, crops: Crops, recipe: FinetuneRecipe, progress: Progress) -> None:
    torch.manual_seed(recipe.seed)
    signal, network = source.signal, source.network.train()
    classifier = CosineClassifier(network.embedding, len(crops.names))
    shown = [(label, image) for label, group in enumerate(crops.images) for image in group]
    epoch = len(shown) * recipe.crops
    queue: list[int] = []

    def loss(rng: np.random.Generator) -> Tensor:
        if not queue:
            queue.extend(rng.permutation(np.repeat(np.arange(len(shown)), recipe.crops)))
        chosen = [shown[queue.pop()] for _ in range(min(recipe.batch, len(queue)))]
        pixels = np.stack([crop(image, recipe.side, rng) for _, image in chosen])
        labels = torch.tensor([label for label, _ in chosen])
        with torch.no_grad():
            signals = signal(torch.from_numpy(pixels))
        embeddings = network(signals)
        unit = nn.functional.normalize(embeddings, dim=1)
        return classifier(embeddings, labels) + batch_hard_triplet(unit, labels, recipe.margin)

    descend(
        [*network.parameters(), *classifier.parameters()],
        loss,
        steps=recipe.epochs * -(-epoch // recipe.batch),
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        progress=part_of(progress, "fine-tuning"),
    )
    network.eval()


def _digest(images: Mapping[str, Sequence[np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(images):
        digest.update(name.encode())
        for image in images[name]:
            digest.update(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:16]


def _write(run: Path, out: Path, network: nn.Module, info: dict[str, Any]) -> None:
    """The files of `run` that describe a model, with another network; `run.json` comes last."""
    out.mkdir(parents=True, exist_ok=True)
    for path in run.iterdir():
        if path.suffix in (".json", ".safetensors") and path.name != RUN_FILE:
            write_bytes(out / path.name, path.read_bytes())
    save_tensors(out / NETWORK, network.state_dict())
    write_text(out / RUN_FILE, json.dumps(info, indent=2) + "\n")
