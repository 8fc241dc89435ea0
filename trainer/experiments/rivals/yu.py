"""Yu et al. 2019, "Attributing fake images to GANs": a classifier of GAN fingerprints.

The network is the discriminator of a progressive GAN: 3×3 convolutions with equalised learning
rate, leaky ReLU and average pooling down to 4×4, then a dense layer; cross-entropy over the seen
generators. The dense layer before the head is the fingerprint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from trainer.experiments.rivals.budget import MINUTES, Budget, descend
from trainer.experiments.rivals.crops import Crops, centred, embed_by_windows
from trainer.experiments.rivals.networks import HighPass
from trainer.progress import Progress, silent


@dataclass
class Yu:
    """The paper's crops are 128 px and its widest layer has 512 channels: see `FULL`.

    `front` is what the network sees of an image: its paper's, the pixels, with `nn.Identity()`.
    """

    budget: Budget = MINUTES
    front: nn.Module = field(default_factory=HighPass)
    title: str = field(default="Yu et al.", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        budget, crops = self.budget, Crops(images, self.budget.side)
        torch.manual_seed(budget.seed)
        network = _discriminator(budget.side, budget.width, self.front)
        head = _EqualLinear(8 * budget.width, len(crops.names))

        def loss(rng: np.random.Generator) -> Tensor:
            pixels, labels = crops.draw(budget.batch, rng)
            return nn.functional.cross_entropy(head(network(centred(pixels))), labels)

        descend(
            [*network.parameters(), *head.parameters()],
            loss,
            steps=budget.steps,
            learning_rate=2 * budget.learning_rate,
            betas=(0.0, 0.99),  # progressive GAN's
            seed=budget.seed,
            progress=progress,
        )
        self._network = network

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 8·width), L2-normalised."""
        if self._network is None:
            raise ValueError("fit this rival before it embeds")
        return embed_by_windows(images, self._network, self.budget.side)


def _discriminator(side: int, width: int, front: nn.Module) -> nn.Sequential:
    layers: list[nn.Module] = [front]
    inputs, outputs = 3, width
    while side > 4:
        layers += [_EqualConv(inputs, outputs), nn.LeakyReLU(0.2)]
        layers += [_EqualConv(outputs, outputs), nn.LeakyReLU(0.2), nn.AvgPool2d(2)]
        inputs, outputs, side = outputs, min(2 * outputs, 8 * width), side // 2
    dense = _EqualLinear(16 * inputs, 8 * width)
    return nn.Sequential(*layers, nn.Flatten(), dense, nn.LeakyReLU(0.2))


class _EqualConv(nn.Module):
    """A 3×3 convolution whose weights start at unit variance and are scaled in use."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = math.sqrt(2 / (9 * inputs))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight * self.scale, self.bias, padding=1)


class _EqualLinear(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = math.sqrt(2 / inputs)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight * self.scale, self.bias)
