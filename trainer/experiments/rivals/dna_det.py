"""Yang et al. 2022, DNA-Det: pretraining on image transformations, patchwise contrastive learning.

First a network learns which of many transformations (JPEG, double JPEG, blur, resizing, noise) a
crop went through, since an architecture's trace is like one. Then it learns the seen generators
from 64-px crops with cross-entropy and a supervised contrastive loss, several crops of an image in
a batch, the two losses weighted by learned uncertainties.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from trainer.experiments.rivals.budget import MINUTES, Budget, descend
from trainer.experiments.rivals.crops import Crops, centred, embed_by_windows
from trainer.experiments.rivals.networks import ConvNet, HighPass
from trainer.extractor.paper.losses import supervised_contrastive
from trainer.progress import Progress, part_of, silent

Transform = Callable[[Image.Image, np.random.Generator], Image.Image]


@dataclass
class DnaDet:
    """`transforms` of the paper's 170 classes, evenly picked; `crops` of one image in a batch.

    `front` is what the network sees of an image: its paper's, the pixels, with `nn.Identity()`.

    The paper takes 16 crops of an image, and pretrains on real images too; here the pretraining
    sees the seen generators' images only. A third of the steps pretrain.
    """

    budget: Budget = MINUTES
    transforms: int = 34
    crops: int = 3
    front: nn.Module = field(default_factory=HighPass)
    title: str = field(default="DNA-Det", init=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False)

    def fit(self, images: Mapping[str, Sequence[np.ndarray]], progress: Progress = silent) -> None:
        budget, crops = self.budget, Crops(images, self.budget.side)
        torch.manual_seed(budget.seed)
        network = ConvNet(budget.width, self.front)
        chain = all_transforms()
        chain = [
            chain[i] for i in np.linspace(0, len(chain) - 1, self.transforms).round().astype(int)
        ]
        first = budget.steps // 3

        which = nn.Linear(network.features, len(chain))
        train = partial(descend, learning_rate=budget.learning_rate, seed=budget.seed)
        train(
            [*network.parameters(), *which.parameters()],
            lambda rng: _pretext_loss(crops, chain, network, which, budget.batch, rng),
            steps=first,
            progress=part_of(progress, "training", 0, budget.steps),
        )
        head = nn.Linear(network.features, len(crops.names))
        project = nn.Linear(network.features, 128)
        log_variance = nn.Parameter(torch.zeros(2))

        def loss(rng: np.random.Generator) -> Tensor:
            pixels, labels = crops.draw(budget.batch, rng, per_image=self.crops)
            features = network(centred(pixels))
            both = torch.stack(
                [
                    nn.functional.cross_entropy(head(features), labels),
                    supervised_contrastive(project(features), labels),
                ]
            )
            return (torch.exp(-log_variance) * both + log_variance).sum()

        train(
            [*network.parameters(), *head.parameters(), *project.parameters(), log_variance],
            loss,
            steps=budget.steps - first,
            progress=part_of(progress, "training", first, budget.steps),
        )
        self._network = network

    def embed(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (N, 8·width), L2-normalised."""
        if self._network is None:
            raise ValueError("fit this rival before it embeds")
        return embed_by_windows(images, self._network, self.budget.side)


def all_transforms() -> list[Transform]:
    """The 170 classes: 70 JPEG qualities, 30 double JPEGs, 10 blurs, 50 resizings, 10 noises."""
    out: list[Transform] = [partial(_jpeg, qualities=(q,)) for q in range(30, 100)]
    out += [partial(_jpeg, qualities=(30 + 2 * i, 95 - i)) for i in range(30)]
    out += [partial(_blur, sigma=0.3 + 0.2 * i) for i in range(10)]
    kernels = (
        Image.Resampling.NEAREST,
        Image.Resampling.BOX,
        Image.Resampling.BILINEAR,
        Image.Resampling.BICUBIC,
        Image.Resampling.LANCZOS,
    )
    factors = np.linspace(0.5, 2.0, 10)
    out += [partial(_resize, factor=float(f), kernel=k) for k in kernels for f in factors]
    return out + [partial(_noise, sigma=1.0 + i) for i in range(10)]


def _pretext_loss(
    crops: Crops,
    chain: list[Transform],
    network: nn.Module,
    which: nn.Module,
    batch: int,
    rng: np.random.Generator,
) -> Tensor:
    pixels, _ = crops.draw(batch, rng)
    labels = rng.integers(len(chain), size=batch)
    for i, label in enumerate(labels):
        image = Image.fromarray(pixels[i].transpose(1, 2, 0).copy())
        pixels[i] = np.asarray(chain[label](image, rng)).transpose(2, 0, 1)
    logits = which(network(centred(pixels)))
    return nn.functional.cross_entropy(logits, torch.from_numpy(labels))


def _jpeg(image: Image.Image, rng: np.random.Generator, qualities: tuple[int, ...]) -> Image.Image:
    for quality in qualities:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as decoded:
            image = decoded.convert("RGB")
    return image


def _blur(image: Image.Image, rng: np.random.Generator, sigma: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma))


def _resize(
    image: Image.Image, rng: np.random.Generator, factor: float, kernel: Image.Resampling
) -> Image.Image:
    """Rescale, then cut or enlarge back to the same size."""
    width, height = image.size
    small = image.resize((round(width * factor), round(height * factor)), kernel)
    if factor >= 1:
        return small.crop((0, 0, width, height))
    return small.resize((width, height), kernel)


def _noise(image: Image.Image, rng: np.random.Generator, sigma: float) -> Image.Image:
    noisy = np.asarray(image) + rng.normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
