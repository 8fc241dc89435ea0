"""Train an extractor on synthetic models only (paper III-C; Appendix B)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from trainer.checkpoint import CsvLog, load_checkpoint, save_checkpoint
from trainer.extractor.discriminant import Discriminant
from trainer.extractor.heads import HEADS, Seen
from trainer.extractor.losses import CosineClassifier, batch_hard_triplet, supervised_contrastive
from trainer.extractor.networks import CompactNet, Head, Parts, ResNet50
from trainer.extractor.sampling import Sampler
from trainer.extractor.source import Source

Progress = Callable[[int, int, dict[str, float]], None]
COLUMNS = ("step", "loss", "classification", "triplet", "contrastive", "held_out_auc", "seconds")
_INPUT_SAMPLE = 4096


@dataclass(frozen=True)
class ExtractorRecipe:
    """Everything that makes an extractor besides the pool. A loss of weight 0 is off.

    Every head is trained by itself for `steps`, but for linear ones, which are fitted with
    `shrinkage` and with photographs of the weight `contents` (`Discriminant.fit`). From their
    embeddings what contents predict is subtracted, with a share `mean` of the photographs' mean.
    `whitening` is the shrinkage of the trained heads' within-class covariance, None for none.
    """

    name: str = "compact"
    heads: tuple[Head, ...] = HEADS
    widths: tuple[int, ...] = (32, 64, 96)
    embedding: int = 128
    dropout: float = 0.0
    steps: int = 3000
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    classification: float = 1.0
    triplet: float = 1.0
    contrastive: float = 0.0
    margin: float = 0.3
    cosine_margin: float = 0.2
    temperature: float = 0.1
    whitening: float | None = 0.2
    shrinkage: float = 0.01
    contents: float = 5.0
    mean: float | None = 0.5
    held_out: float = 0.1
    seed: int = 0
    checkpoint_seconds: float = 120.0
    sampler: Sampler = field(default_factory=Sampler)

    def hash(self, *inputs: str) -> str:
        """Identifies the recipe and what else made the model (pools, denoiser, photographs)."""
        text = json.dumps(asdict(self), sort_keys=True) + "".join(inputs)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


COMPACT = ExtractorRecipe()
# Appendix B: batch 200, learning rate 1e-4, warm-up cosine, margin 0.3, 40 epochs of ~1,000 steps.
PAPER = ExtractorRecipe(
    name="paper",
    embedding=2048,
    steps=40_000,
    learning_rate=1e-4,
    weight_decay=0.01,
    cosine_margin=0.0,
    sampler=Sampler(
        models=50, images=4, confusable=0.0, shared_contents=0.0, processed=0.0, averaged=1
    ),
)
RECIPES = {recipe.name: recipe for recipe in (COMPACT, PAPER)}


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


def held_out_models(models: tuple[str, ...], fraction: float) -> np.ndarray:
    """(M,) bool: the architectures (with all their seeds) kept for validation and calibration."""
    held = []
    for name in models:
        architecture = name.split("/")[-2]  # whatever its pool
        digest = hashlib.sha256(architecture.encode()).hexdigest()
        held.append(int(digest[:8], 16) / 2**32 < fraction)
    return np.array(held)


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


@torch.no_grad()
def held_out_auc(network: nn.Module, source: Source, models: np.ndarray) -> float:
    """Verification AUC on models never trained on: unprocessed images, every pair. NaN if < 2."""
    if len(models) < 2:
        return float("nan")
    models = models[:200]
    images = min(4, source.images)
    model = np.repeat(models, images)
    image = np.tile(np.arange(images), len(models))[:, None]
    training = network.training
    network.eval()
    device = next(network.parameters()).device
    z = network(source.fetch(model, image, np.zeros_like(model)).to(device))
    network.train(training)
    z = nn.functional.normalize(z, dim=1).cpu().numpy()
    score = z @ z.T
    upper = np.triu_indices(len(z), 1)
    same = (model[:, None] == model[None, :])[upper]
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, score[upper]))


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
