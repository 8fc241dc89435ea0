"""The rivals by name, in the order of the paper's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from torch import nn

from trainer.experiments.rivals.budget import MINUTES, Budget
from trainer.experiments.rivals.dna_det import DnaDet
from trainer.experiments.rivals.imagenet import ImageNet
from trainer.experiments.rivals.marra import Marra
from trainer.experiments.rivals.networks import HighPass
from trainer.experiments.rivals.pose import Pose
from trainer.experiments.rivals.repmix import RepMix
from trainer.experiments.rivals.self_description import SelfDescription
from trainer.experiments.rivals.spectrum import Spectrum
from trainer.experiments.rivals.yu import Yu
from trainer.progress import Progress, silent

RIVALS = (
    "marra",
    "yu",
    "dna-det",
    "repmix",
    "pose",
    "spectrum",
    "self-description",
    "imagenet",
)


class Rival(Protocol):
    """What `trainer compare` asks of a method. Its `repr` names all settings."""

    title: str

    def fit(
        self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent
    ) -> None: ...

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray: ...


def make_rival(name: str, budget: Budget = MINUTES, *, full: bool = False) -> Rival:
    """The rival of that name; `full` takes its paper's other settings too, as far as known.

    Without it those whose papers' networks see pixels see what a blur takes away (`HighPass`).

    Raises ValueError for a name that is not in `RIVALS`.
    """
    front = nn.Identity() if full else HighPass()
    if name == "marra":
        return Marra(denoiser="dncnn" if full else "student")
    if name == "yu":
        return Yu(budget, front)
    if name == "dna-det":
        return DnaDet(budget, transforms=170 if full else 34, front=front)
    if name == "repmix":
        return RepMix(budget, front=front)
    if name == "pose":
        return Pose(budget, rounds=40 if full else 3)
    if name == "spectrum":
        return Spectrum()
    if name == "self-description":
        return SelfDescription()
    if name == "imagenet":
        return ImageNet()
    raise ValueError(f"{name!r} is no rival; choose from {', '.join(RIVALS)}")
