"""Train the seeds of one architecture to reconstruct photographs (paper III-B)."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.images.photos import Photos
from trainer.synthesis.architectures import Architecture
from trainer.synthesis.autoencoder import GroupedAutoencoder, join_states, split_state
from trainer.synthesis.closed_form import solve_last_convolution
from trainer.synthesis.extended import ExtendedArchitecture


@dataclass(frozen=True)
class SynthesisRecipe:
    """How a synthetic model is made. Together with architecture and seed it fixes the result.

    `floor` is the paper's η: mean squared error on [-1, 1] below which there is no gradient.
    `steps` bounds the descent, since not every architecture can reach the floor; 0 leaves the
    closed-form solution as it is. `closed_form=False` starts from random weights as the paper.

    Equations: docs/method.md#synthesis.
    """

    floor: float = 0.005
    steps: int = 150
    batch: int = 8
    side: int = 64
    learning_rate: float = 2e-3
    closed_form: bool = True
    solve_crops: int = 12
    spread: float = 0.1
    bfloat16: bool = True

    def hash(self, photos: Photos) -> str:
        """Identifies recipe and photographs; part of every model's metadata."""
        text = json.dumps(asdict(self), sort_keys=True) + photos.digest
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SyntheticModel:
    """One trained synthetic model. `reconstruction_error` is the mean squared one on [-1, 1]."""

    architecture: Architecture | ExtendedArchitecture
    seed: int
    state: dict[str, Tensor]
    reconstruction_error: float
    steps: int
    seconds: float


def train_architecture(
    architecture: Architecture,
    seeds: tuple[int, ...],
    photos: Photos,
    recipe: SynthesisRecipe,
    *,
    device: str = "cpu",
) -> list[SyntheticModel]:
    """Train all `seeds` together as one grouped network; `seconds` is each one's share."""
    started = time.monotonic()
    network = GroupedAutoencoder(architecture, seeds, spread=recipe.spread)
    if recipe.closed_form:
        crops = [photos.crops(recipe.solve_crops, recipe.side, _stream(s, -1)) for s in seeds]
        solve_last_convolution(network, _to_unit(crops))
    network = network.to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    steps = 0
    while steps < recipe.steps:
        crops = [photos.crops(recipe.batch, recipe.side, _stream(s, steps)) for s in seeds]
        images = _to_unit(crops).to(device)
        with torch.autocast(device, torch.bfloat16, enabled=recipe.bfloat16):
            out = network(images)
        error = _error(out.float(), images)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(steps / recipe.steps)
        optimiser.zero_grad(set_to_none=True)
        error.clamp(min=recipe.floor).sum().backward()
        optimiser.step()
        steps += 1
    network.eval().cpu()
    if recipe.closed_form and steps:
        _solve_again(network, photos, recipe)
    errors = _errors(network, photos, recipe)
    seconds = (time.monotonic() - started) / len(seeds)
    return [
        SyntheticModel(architecture, seed, state, error, steps, seconds)
        for seed, state, error in zip(seeds, split_state(network), errors, strict=True)
    ]


def _solve_again(network: GroupedAutoencoder, photos: Photos, recipe: SynthesisRecipe) -> None:
    """A short noisy descent leaves the last convolution off its optimum; keep what is better."""
    before, old = _errors(network, photos, recipe), split_state(network)
    crops = [
        photos.crops(2 * recipe.solve_crops, recipe.side, _stream(s, -2)) for s in network.seeds
    ]
    solve_last_convolution(network, _to_unit(crops))
    after, new = _errors(network, photos, recipe), split_state(network)
    kept = [n if a <= b else o for a, b, n, o in zip(after, before, new, old, strict=True)]
    joined = join_states(network.architecture, dict(zip(network.seeds, kept, strict=True)))
    network.load_state_dict(joined.state_dict())


@torch.no_grad()
def _errors(network: GroupedAutoencoder, photos: Photos, recipe: SynthesisRecipe) -> list[float]:
    crops = photos.crops(32, recipe.side, np.random.default_rng(0))
    images = _to_unit([crops] * len(network.seeds))
    return _error(network(images), images).tolist()


def _error(out: Tensor, images: Tensor) -> Tensor:
    return (2 * (out - images)).square().mean((0, 2, 3, 4))


def schedule(fraction: float) -> float:
    """Share of the learning rate after this share of the steps: warm-up over 10 %, then cosine."""
    return min(fraction / 0.1 + 0.01, 0.5 + 0.5 * float(np.cos(np.pi * fraction)))


def _stream(seed: int, step: int) -> np.random.Generator:
    """The photographs a seed sees depend on the seed and the step alone."""
    return np.random.default_rng((seed, step + 2))


def _to_unit(crops: list[np.ndarray]) -> Tensor:
    """Per-seed uint8 crops (N, 3, H, W) -> float32 (N, S, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(crops, axis=1)).float() / 255.0
