"""Yang et al. 2023, POSE: progressive open-space expansion.

Small networks of two convolutions, each trained to copy its input except for a trace that the
extractor has not met yet, stand in for generators not seen. Round by round one more is added, and
the extractor learns the seen generators (cross-entropy) apart from all of the copies (triplet
loss). Its input is the logarithm of the DCT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn

from trainer.experiments.rivals.budget import MINUTES, Budget, descend
from trainer.experiments.rivals.crops import Crops, centred, embed_by_windows
from trainer.experiments.rivals.networks import ConvNet
from trainer.extractor.paper.losses import batch_hard_triplet
from trainer.progress import Progress, part_of, silent


@dataclass
class Pose:
    """`rounds` of one augmentation network each, `augment_steps` long.

    `channels`, `augment_rate` and the 512-d plain CNN are the paper's; `lowbound` is the mean
    squared error on [-1, 1] below which copying better earns nothing.
    """

    budget: Budget = MINUTES
    rounds: int = 3
    augment_steps: int = 30
    channels: int = 32
    augment_rate: float = 1e-2
    lowbound: float = 0.001
    margin: float = 0.3
    title: str = field(default="POSE", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        budget, crops = self.budget, Crops(images, self.budget.side)
        torch.manual_seed(budget.seed)
        front = nn.Sequential(LogDct(budget.side), nn.BatchNorm2d(3))
        network = ConvNet(budget.width, front)
        head = nn.Linear(network.features, len(crops.names))
        copies: list[nn.Module] = []
        each = budget.steps // (self.rounds + 1)
        for number in range(self.rounds + 1):  # the first round has no copy yet
            if number:
                copies.append(self._new_copy(crops, network, copies, budget.seed + number))
            descend(
                [*network.parameters(), *head.parameters()],
                lambda rng: self._loss(crops, network, head, copies, rng),
                steps=each,
                learning_rate=budget.learning_rate,
                seed=budget.seed + 1000 * number,
                progress=part_of(progress, "training", number * each, (self.rounds + 1) * each),
            )
        self._network = network

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 8·width), L2-normalised."""
        if self._network is None:
            raise ValueError("fit this rival before it embeds")
        return embed_by_windows(images, self._network, self.budget.side)

    def _loss(
        self,
        crops: Crops,
        network: nn.Module,
        head: nn.Module,
        copies: list[nn.Module],
        rng: np.random.Generator,
    ) -> Tensor:
        pixels, labels = crops.draw(self.budget.batch, rng)
        x, classes = centred(pixels), labels
        if copies:
            number = int(rng.integers(len(copies)))
            half = len(x) // 2
            with torch.no_grad():
                copied = copies[number](x[:half])
            x = torch.cat([x, copied])
            classes = torch.cat([labels, labels[:half] + (number + 1) * len(crops.names)])
        features = network(x)
        unit = nn.functional.normalize(features, dim=1)
        known = nn.functional.cross_entropy(head(features[: len(labels)]), labels)
        return known + batch_hard_triplet(unit, classes, self.margin)

    def _new_copy(
        self, crops: Crops, network: nn.Module, copies: list[nn.Module], seed: int
    ) -> nn.Module:
        """A network that copies its input, yet looks to the extractor like no other so far."""
        copy = nn.Sequential(
            nn.Conv2d(3, self.channels, 3, padding=1, padding_mode="reflect"),
            nn.LeakyReLU(0.2),
            nn.Conv2d(self.channels, 3, 3, padding=1, padding_mode="reflect"),
        )
        network.eval()

        def loss(rng: np.random.Generator) -> Tensor:
            x = centred(crops.draw(self.budget.batch, rng)[0])
            copied = copy(x)
            with torch.no_grad():
                met = torch.stack([network(x)] + [network(other(x)) for other in copies])
            likeness = nn.functional.cosine_similarity(network(copied)[None], met, dim=2)
            error = (copied - x).square().mean().clamp(min=self.lowbound)
            return error + 0.1 * likeness.amax(0).mean()

        descend(
            copy.parameters(),
            loss,
            steps=self.augment_steps,
            learning_rate=self.augment_rate,
            seed=seed,
        )
        network.train()
        return copy.requires_grad_(False)


class LogDct(nn.Module):
    """log |orthonormal 2-D DCT-II| of each channel: (N, C, side, side) -> the same shape."""

    def __init__(self, side: int) -> None:
        super().__init__()
        matrix = dct(np.eye(side), axis=0, norm="ortho")
        self.register_buffer("matrix", torch.from_numpy(matrix).float())

    def forward(self, x: Tensor) -> Tensor:
        return torch.log((self.matrix @ x @ self.matrix.T).abs() + 1e-3)
