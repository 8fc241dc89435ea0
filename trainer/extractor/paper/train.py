"""Train a network step by step (paper III-C; Appendix B)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from trainer.checkpoint import CHECKPOINT_SECONDS, CsvLog, load_checkpoint, save_checkpoint
from trainer.extractor.paper.losses import (
    CosineClassifier,
    batch_hard_triplet,
    supervised_contrastive,
)
from trainer.extractor.paper.processes import ALONE, Processes, synchronise
from trainer.extractor.paper.sampling import Sampler
from trainer.extractor.saved import check_recipe, restore_network, save_network
from trainer.extractor.source import Source
from trainer.extractor.validation import held_out_auc, held_out_models
from trainer.progress import Progress, silent

COLUMNS = ("step", "loss", "classification", "triplet", "contrastive", "held_out_auc", "seconds")


@dataclass(frozen=True)
class Descent:
    """How a network is trained; a loss of weight 0 is off.

    Equations: docs/method.md#paper.

    Attributes:
        sampler: draws the batches.
        steps, learning_rate, weight_decay: of AdamW.
        warmup: share of the steps in which the learning rate rises; then it falls as a cosine.
        classification, triplet, contrastive: weights of the losses.
        margin: of the triplet loss.
        cosine_margin: of the classifier; 0 is a plain normalised softmax.
        temperature: of the contrastive loss.
    """

    sampler: Sampler
    steps: int
    learning_rate: float
    weight_decay: float
    warmup: float
    classification: float
    triplet: float
    margin: float
    cosine_margin: float = 0.0
    contrastive: float = 0.0
    temperature: float = 0.1


class TrainedByStep(Protocol):
    """A recipe of what is trained step by step: a dataclass."""

    held_out: float
    seed: int

    @property
    def descent(self) -> Descent: ...


def train_by_step(
    network: nn.Module,
    source: Source,
    out: Path,
    recipe: TrainedByStep,
    *,
    stage: str = "training",
    device: str = "cpu",
    processes: Processes = ALONE,
    progress: Progress = silent,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    finish: Callable[[], None] = lambda: None,
) -> nn.Module:
    """Train `network` on `device`; returns it on the CPU, in eval mode.

    Writes `checkpoint.pt`, `log.csv`, and at the end `network.safetensors` and `recipe.json`. A
    killed training goes on from there; a finished one is not trained again. `finish` is called
    with the network trained and not yet written.

    Of several `processes`, see `processes.joined`, each calls this with the same arguments, of a
    folder that all see; the first one writes. Their number may be another after a kill.

    Raises ValueError when `out` holds a run with another recipe.
    """
    if restore_network(network, out, recipe):
        return network.eval()
    descent = recipe.descent
    held = held_out_models(source.models, recipe.held_out)
    train = np.flatnonzero(~held)
    torch.manual_seed(recipe.seed)
    if processes.count > 1:
        synchronise(network)
    # A quarter faster on a CPU.
    network.to(device=device, memory_format=torch.channels_last)
    classifier = CosineClassifier(network.embedding, len(train), margin=descent.cosine_margin)
    classifier.to(device)
    parameters = [*network.parameters(), *classifier.parameters()]
    optimiser = torch.optim.AdamW(
        parameters, lr=descent.learning_rate, weight_decay=descent.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: _warmup_cosine(s, descent))
    modules = {"network": network, "classifier": classifier, "optimiser": optimiser}
    modules["schedule"] = schedule
    step = _resume(out, recipe, modules)
    processes.wait()  # before the first one writes a later checkpoint
    embed, classify = processes.prepared(network), processes.prepared(classifier)
    csv = CsvLog(out / "log.csv", COLUMNS, resume_step=step) if processes.first else None
    label_of = np.full(len(source.models), -1)
    label_of[train] = np.arange(len(train))
    started = saved = time.monotonic()
    sums: dict[str, float] = dict.fromkeys(COLUMNS[1:5], 0.0)
    counted = 0
    network.train()
    while step < descent.steps:
        # Dropout, too, survives a resume.
        torch.manual_seed(recipe.seed * 1_000_003 + step + (processes.rank << 40))
        rng = np.random.default_rng((recipe.seed, step))
        model, image, variant = descent.sampler.draw(
            source.block[train], source.images, source.variants, rng
        )
        own = processes.share(len(model))
        inputs = source.fetch(train[model[own]], image[own], variant[own]).to(device)
        labels = torch.from_numpy(label_of[train[model]]).to(device)
        embeddings = processes.gathered(embed(inputs), len(model))
        losses = _losses(embeddings, labels, classify, descent)
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
        if csv is not None and (step % 200 == 0 or step == descent.steps):
            means = {name: total / counted for name, total in sums.items()}
            means["held_out_auc"] = held_out_auc(network, source, np.flatnonzero(held))
            csv.write(step=step, seconds=time.monotonic() - started, **means)
            progress(stage, step, descent.steps, **means)
            sums, counted = dict.fromkeys(sums, 0.0), 0
        late = time.monotonic() - saved > checkpoint_seconds or step == descent.steps
        if processes.first and late:
            state = {name: module.state_dict() for name, module in modules.items()}
            save_checkpoint(
                out / "checkpoint.pt", state | {"step": step, "recipe": asdict(recipe)}
            )
            saved = time.monotonic()
    network.to(device="cpu", memory_format=torch.contiguous_format).eval()
    finish()
    if processes.first:
        save_network(network, out, recipe)
    processes.wait()
    return network


def _losses(
    embeddings: Tensor, labels: Tensor, classifier: nn.Module, descent: Descent
) -> dict[str, Tensor]:
    unit = nn.functional.normalize(embeddings, dim=1)
    losses = {}
    if descent.classification:
        losses["classification"] = descent.classification * classifier(embeddings, labels)
    if descent.triplet:
        triplet = batch_hard_triplet(unit, labels, descent.margin)
        losses["triplet"] = descent.triplet * triplet
    if descent.contrastive:
        contrastive = supervised_contrastive(unit, labels, descent.temperature)
        losses["contrastive"] = descent.contrastive * contrastive
    return losses


def _warmup_cosine(step: int, descent: Descent) -> float:
    fraction = step / descent.steps
    if fraction < descent.warmup:
        return (step + 1) / (descent.warmup * descent.steps + 1)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * fraction)))


def _resume(out: Path, recipe: TrainedByStep, modules: dict[str, nn.Module]) -> int:
    state = load_checkpoint(out / "checkpoint.pt")
    if state is None:
        return 0
    check_recipe(out, state["recipe"], recipe)
    for name, module in modules.items():
        module.load_state_dict(state[name])
    return int(state["step"])
