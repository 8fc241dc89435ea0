"""How long the trained rivals train, and the one loop in which they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trainer.progress import Progress, silent


@dataclass(frozen=True)
class Budget:
    """Size of a trained rival and of its training.

    `steps` of `batch` random crops of `side` px (a multiple of 16); `width` is the channels of a
    network's first block.
    """

    steps: int = 3000
    batch: int = 30
    side: int = 64
    width: int = 12
    learning_rate: float = 1e-3
    seed: int = 0


MINUTES = Budget()
"""Five minutes or so a rival on one CPU core."""

FULL = Budget(steps=20_000, batch=64, side=128, width=64, learning_rate=1e-4)
"""Near the papers' own scale; for a GPU."""


def descend(
    parameters: Iterable[nn.Parameter],
    loss_of: Callable[[np.random.Generator], Tensor],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    betas: tuple[float, float] = (0.9, 0.999),
    progress: Progress = silent,
) -> None:
    """Adam for `steps` on `loss_of(rng)`, the rate falling to a hundredth along a cosine."""
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, betas=betas)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, max(steps, 1), eta_min=learning_rate / 100
    )
    rng = np.random.default_rng(seed)
    for step in range(steps):
        loss = loss_of(rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress("training", step + 1, steps)
