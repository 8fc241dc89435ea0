"""Bui et al. 2022, RepMix: representations of two images are mixed half-way through a network.

Two images, each through a random corruption, meet after the network's first part in a random
proportion; the rest must name both generators in that proportion. Mixing representations instead
of pixels keeps each image's trace, and mixing contents makes them useless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from trainer.experiments.rivals.budget import MINUTES, Budget, descend
from trainer.experiments.rivals.crops import Crops, centred, embed_by_windows
from trainer.experiments.rivals.networks import ConvNet, HighPass
from trainer.images import random_operations as operations
from trainer.progress import Progress, silent


@dataclass
class RepMix:
    """`corrupted`: share of images that meet a corruption; `alpha`: the proportion's beta law.

    `front` is what the network sees of an image: its paper's, the pixels, with `nn.Identity()`.

    The paper starts from ImageNet weights of a ResNet-50 and takes the 19 corruptions of
    ImageNet-C; here a small network starts at random and meets JPEG, WebP, blur and noise.
    """

    budget: Budget = MINUTES
    corrupted: float = 0.5
    alpha: float = 0.4
    front: nn.Module = field(default_factory=HighPass)
    title: str = field(default="RepMix", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        budget, crops = self.budget, Crops(images, self.budget.side)
        torch.manual_seed(budget.seed)
        network = ConvNet(budget.width, self.front)
        head = nn.Linear(network.features, len(crops.names))

        def loss(rng: np.random.Generator) -> Tensor:
            pixels, labels = crops.draw(budget.batch, rng)
            mixed = network.stem(centred(corrupt(pixels, self.corrupted, rng)))
            other = torch.from_numpy(rng.permutation(budget.batch))
            share = torch.from_numpy(rng.beta(self.alpha, self.alpha, budget.batch)).float()
            weight = share[:, None, None, None]
            logits = head(network.tail(weight * mixed + (1 - weight) * mixed[other]))
            first, second = (
                nn.functional.cross_entropy(logits, y, reduction="none")
                for y in (labels, labels[other])
            )
            return (share * first + (1 - share) * second).mean()

        descend(
            [*network.parameters(), *head.parameters()],
            loss,
            steps=budget.steps,
            learning_rate=budget.learning_rate,
            seed=budget.seed,
            progress=progress,
        )
        self._network = network

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 8·width), L2-normalised."""
        if self._network is None:
            raise ValueError("fit this rival before it embeds")
        return embed_by_windows(images, self._network, self.budget.side)


def corrupt(pixels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Send a `share` of uint8 images (N, 3, H, W) through one random corruption each."""
    chain = (operations.jpeg, operations.webp, operations.blur, operations.noise)
    out = pixels.copy()
    for i in np.flatnonzero(rng.random(len(pixels)) < share):
        image = np.ascontiguousarray(pixels[i].transpose(1, 2, 0))
        out[i] = chain[rng.integers(len(chain))](image, rng).transpose(2, 0, 1)
    return out
