"""Descend the whole of a wider-family model from its closed-form start (paper III-B, II-C η).

With random layers before it, even the best last convolution leaves an error which no trained
generator would. A short descent of all layers halves it for a few seconds of one core.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn

from trainer.images.photos import Photos
from trainer.synthesis.extended import ExtendedArchitecture
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder
from trainer.synthesis.training import SynthesisRecipe, SyntheticModel, schedule

_SIDE = 32  # pixels: error per second falls faster on many small crops than on few large ones
_RATE = 7e-3  # Adam, from a solved start
_CLIP = 1.0


def train_extended(
    architecture: ExtendedArchitecture, seed: int, photos: Photos, recipe: SynthesisRecipe
) -> SyntheticModel:
    """One model: random layers, last convolution in closed form, then `recipe.steps` of descent.

    The last convolution is solved once more behind the descent; the best of the three states is
    kept, so a descent never makes a model worse. `recipe.steps` 0 keeps the random layers.
    """
    started = time.monotonic()
    network = ExtendedAutoencoder(architecture, seed)
    crops = photos.crops(recipe.solve_crops, recipe.side, _stream(seed, architecture.number))
    solving = torch.from_numpy(crops).float() / 255.0
    network.solve(solving)
    held_out = photos.crops(32, recipe.side, np.random.default_rng(0))
    tested = torch.from_numpy(held_out).float() / 255.0
    states = [_state(network, tested)]
    if recipe.steps:
        _descend(network, seed, photos, recipe)
        network.settle(solving)
        states.append(_state(network, tested))
        network.solve(solving)
        states.append(_state(network, tested))
    error, state = min(states, key=lambda pair: pair[0])
    seconds = time.monotonic() - started
    return SyntheticModel(architecture, seed, state, error, recipe.steps, seconds)


def _descend(
    network: ExtendedAutoencoder, seed: int, photos: Photos, recipe: SynthesisRecipe
) -> None:
    number = network.architecture.number
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    network.train()
    for step in range(recipe.steps):
        crops = photos.crops(recipe.batch, _SIDE, np.random.default_rng((seed, number, step)))
        images = torch.from_numpy(crops).float() / 255.0
        error = (2 * (network(images) - network.target(images))).square().mean()
        if error.item() > recipe.floor:  # the paper's η: no gradient below it
            optimiser.param_groups[0]["lr"] = _RATE * schedule(step / recipe.steps)
            optimiser.zero_grad(set_to_none=True)
            error.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
            optimiser.step()


@torch.no_grad()
def _state(network: ExtendedAutoencoder, images: Tensor) -> tuple[float, dict[str, Tensor]]:
    """Error on [-1, 1] (infinite where not a number), and a copy of the weights."""
    error = (2 * (network(images) - images)).square().mean().nan_to_num(float("inf"))
    return error.item(), {k: v.clone() for k, v in network.state_dict().items()}


def _stream(seed: int, number: int) -> np.random.Generator:
    """The photographs that a model is solved on."""
    return np.random.default_rng((seed, number + 2))
