"""Train an extractor on synthetic models only (paper III-C; Appendix B)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from trainer.checkpoint import CsvLog, load_checkpoint, save_checkpoint
from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.heads import Seen
from trainer.extractor.compact.network import CompactNet, Parts
from trainer.extractor.compact.recipe import ExtractorRecipe
from trainer.extractor.paper.losses import (
    CosineClassifier,
    batch_hard_triplet,
    supervised_contrastive,
)
from trainer.extractor.paper.resnet import ResNet50
from trainer.extractor.source import Source
from trainer.extractor.validation import held_out_auc, held_out_models

Progress = Callable[[int, int, dict[str, float]], None]
COLUMNS = ("step", "loss", "classification", "triplet", "contrastive", "held_out_auc", "seconds")
_INPUT_SAMPLE = 4096


def build_network(recipe: ExtractorRecipe, parts: Parts) -> nn.Module:
    if recipe.name == "paper":
        return ResNet50()
    return CompactNet(
        parts,
        heads=recipe.heads,
        widths=recipe.widths,
        embedding=recipe.embedding,
        dropout=recipe.dropout,
    )


def train_extractor(
    source: Source,
    parts: Parts,
    out: Path,
    recipe: ExtractorRecipe,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> nn.Module:
    """Train every head and put them side by side; returns the network in eval mode.

    What takes steps takes them on `device`; the network returned is on the CPU.

    `out` holds a folder for each head (`head_folders`; the paper's network has no heads and is
    trained in `out` itself) and at the end `network.safetensors` and `recipe.json`. A killed
    training goes on from there; a head that has finished is not trained again.
    """
    torch.manual_seed(recipe.seed)
    network = build_network(recipe, parts)
    if not isinstance(network, CompactNet):
        return _train_network(network, source, out, recipe, device, progress)
    rng = np.random.default_rng(recipe.seed)
    train = np.flatnonzero(~held_out_models(source.models, recipe.held_out))
    network.fit_input(_sample(source, train, _INPUT_SAMPLE, rng))
    total = len(recipe.heads) * recipe.steps
    for i, (head, folder) in enumerate(zip(recipe.heads, head_folders(out, recipe), strict=True)):

        def shown(done: int, _: int, numbers: dict[str, float], past: int = i) -> None:
            if progress is not None:
                progress(past * recipe.steps + done, total, numbers)

        own = replace(recipe, heads=(head,))
        _train_network(network.alone(i), Seen(source, parts, head), folder, own, device, shown)
    _write(network.eval(), out, recipe)
    return network


def head_folders(out: Path, recipe: ExtractorRecipe) -> list[Path]:
    """Where each head is trained: its log and checkpoint are there."""
    return [out / "heads" / f"{i}-{'-'.join(head.parts)}" for i, head in enumerate(recipe.heads)]


def _train_network(
    network: nn.Module,
    source: Source,
    out: Path,
    recipe: ExtractorRecipe,
    device: str,
    progress: Progress | None,
) -> nn.Module:
    """Train one head, or the paper's network, until `recipe.steps`; resumes from `out` by itself.

    Writes `checkpoint.pt`, `log.csv`, and at the end `network.safetensors` and `recipe.json`.
    """
    held = held_out_models(source.models, recipe.held_out)
    train = np.flatnonzero(~held)
    if (out / "network.safetensors").exists():
        _same_recipe(out, json.loads((out / "recipe.json").read_text()), recipe)
        network.load_state_dict(load_file(out / "network.safetensors"))
        return network.eval()
    if isinstance(network, CompactNet) and recipe.heads[0].linear:
        return _fit_linear(network, source, held, out, recipe, progress)
    torch.manual_seed(recipe.seed)
    network.to(device)
    classifier = CosineClassifier(network.embedding, len(train), margin=recipe.cosine_margin)
    classifier.to(device)
    parameters = [*network.parameters(), *classifier.parameters()]
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: _warmup_cosine(s, recipe))
    modules = {"network": network, "classifier": classifier, "optimiser": optimiser}
    modules["schedule"] = schedule
    step = _resume(out, recipe, modules)
    csv = CsvLog(out / "log.csv", COLUMNS, resume_step=step)
    label_of = np.full(len(source.models), -1)
    label_of[train] = np.arange(len(train))
    started = saved = time.monotonic()
    sums: dict[str, float] = dict.fromkeys(COLUMNS[1:5], 0.0)
    counted = 0
    network.train()
    while step < recipe.steps:
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout, too, survives a resume
        rng = np.random.default_rng((recipe.seed, step))
        model, image, variant = recipe.sampler.draw(
            source.block[train], source.images, source.variants, rng
        )
        inputs = source.fetch(train[model], image, variant).to(device)
        labels = torch.from_numpy(label_of[train[model]]).to(device)
        losses = _losses(network(inputs), labels, classifier, recipe)
        loss = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        step, counted = step + 1, counted + 1
        sums["loss"] += loss.item()
        for name, value in losses.items():
            sums[name] += value.item()
        if step % 200 == 0 or step == recipe.steps:
            means = {name: total / counted for name, total in sums.items()}
            means["held_out_auc"] = held_out_auc(network, source, np.flatnonzero(held))
            csv.write(step=step, seconds=time.monotonic() - started, **means)
            if progress is not None:
                progress(step, recipe.steps, means)
            sums, counted = dict.fromkeys(sums, 0.0), 0
        if time.monotonic() - saved > recipe.checkpoint_seconds or step == recipe.steps:
            state = {name: module.state_dict() for name, module in modules.items()}
            save_checkpoint(
                out / "checkpoint.pt", state | {"step": step, "recipe": asdict(recipe)}
            )
            saved = time.monotonic()
    network.cpu().eval()
    if isinstance(network, CompactNet) and recipe.whitening is not None:
        some = train[:: max(1, len(train) // 500)]
        network.fit_output(_embeddings(network, source, some), recipe.whitening)
    _write(network, out, recipe)
    return network


def _fit_linear(
    network: CompactNet,
    source: Source,
    held: np.ndarray,
    out: Path,
    recipe: ExtractorRecipe,
    progress: Progress | None,
) -> nn.Module:
    """Fit the discriminant of a network of one linear head to every image, in closed form."""
    head = network.heads[0]
    assert isinstance(head, Discriminant)
    signals = _signals(source, np.flatnonzero(~held))
    found = (source.photographs(variant) for variant in range(source.variants))
    head.fit(
        (network.split(signal) for signal in signals),
        recipe.shrinkage,
        (network.split(signal) for signal in found if signal is not None),
        recipe.contents,
        recipe.mean,
    )
    network.eval()
    _write(network, out, recipe)
    if progress is not None:
        numbers = {"held_out_auc": held_out_auc(network, source, np.flatnonzero(held))}
        progress(recipe.steps, recipe.steps, numbers)
    return network


def _write(network: nn.Module, out: Path, recipe: ExtractorRecipe) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2))
    temporary = out / "network.safetensors.tmp"
    save_file(network.state_dict(), temporary)
    temporary.replace(out / "network.safetensors")


def _sample(source: Source, models: np.ndarray, count: int, rng: np.random.Generator) -> Tensor:
    """`count` random signals of `models`, in any variant."""
    model, image = rng.choice(models, count), rng.integers(source.images, size=(count, 1))
    variant = rng.integers(source.variants, size=count)
    return source.fetch(model, image, variant)


def _signals(source: Source, models: np.ndarray) -> Iterator[Tensor]:
    """The signal of every image in every variant of each of `models`: (images · variants, …)."""
    image, variant = (x.ravel() for x in np.mgrid[: source.images, : source.variants])
    return (source.fetch(np.full_like(image, m), image[:, None], variant) for m in models)


@torch.no_grad()
def _embeddings(network: nn.Module, source: Source, models: np.ndarray) -> Tensor:
    """Every image in every variant of `models`: (models, images · variants, D)."""
    return torch.stack([network(signal) for signal in _signals(source, models)])


def _losses(
    embeddings: Tensor, labels: Tensor, classifier: CosineClassifier, recipe: ExtractorRecipe
) -> dict[str, Tensor]:
    unit = nn.functional.normalize(embeddings, dim=1)
    losses = {}
    if recipe.classification:
        losses["classification"] = recipe.classification * classifier(embeddings, labels)
    if recipe.triplet:
        triplet = batch_hard_triplet(unit, labels, recipe.margin)
        losses["triplet"] = recipe.triplet * triplet
    if recipe.contrastive:
        contrastive = supervised_contrastive(unit, labels, recipe.temperature)
        losses["contrastive"] = recipe.contrastive * contrastive
    return losses


def _warmup_cosine(step: int, recipe: ExtractorRecipe) -> float:
    fraction = step / recipe.steps
    if fraction < recipe.warmup:
        return (step + 1) / (recipe.warmup * recipe.steps + 1)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * fraction)))


def _resume(out: Path, recipe: ExtractorRecipe, modules: dict[str, nn.Module]) -> int:
    state = load_checkpoint(out / "checkpoint.pt")
    if state is None:
        return 0
    _same_recipe(out, state["recipe"], recipe)
    for name, module in modules.items():
        module.load_state_dict(state[name])
    return int(state["step"])


def _same_recipe(out: Path, found: dict[str, Any], recipe: ExtractorRecipe) -> None:
    known, wanted = ({**x, "checkpoint_seconds": 0} for x in (found, asdict(recipe)))
    if json.dumps(known, sort_keys=True) != json.dumps(wanted, sort_keys=True):
        raise ValueError(f"{out} holds a run with another recipe; give another --out")
