"""Small generators trained here: the SNGAN-like networks behind Figs. 3 to 7 (paper III-A).

A latent vector becomes a 4×4 map, and each block doubles it: upsampling, convolution,
normalisation, activation. The critic has spectral normalisation and both learn by the hinge loss,
as SNGAN does. Size and steps are a thousandth of the paper's, so the pictures are blobs; their
spectra still show what the layers do.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from trainer.images.photos import Photos
from trainer.progress import Progress, silent

UPSAMPLINGS = ("nearest", "bilinear", "transposed")
ACTIVATIONS = ("relu", "sigmoid", "tanh")
NORMALISATIONS = ("batch", "instance")


@dataclass(frozen=True)
class GeneratorRecipe:
    """One generator. `side` is 4·2^blocks px; `width` the channels of the last block.

    It is trained on `device`; the same recipe gives the same weights on one kind of machine.
    """

    upsampling: str = "nearest"
    activation: str = "relu"
    normalisation: str = "batch"
    seed: int = 0
    side: int = 64
    width: int = 8
    latent: int = 32
    steps: int = 300
    batch: int = 16
    learning_rate: float = 5e-4
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("upsampling", UPSAMPLINGS),
            ("activation", ACTIVATIONS),
            ("normalisation", NORMALISATIONS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r} is not one of {allowed}")
        if self.side < 8 or self.side & (self.side - 1):
            raise ValueError(f"side={self.side} must be a power of two, at least 8")

    @property
    def blocks(self) -> int:
        """Blocks of the generator; each doubles the side."""
        return self.side.bit_length() - 3


class Generator(nn.Module):
    """float32 (N, latent) -> float32 (N, 3, side, side) in [-1, 1]. `blocks` hold the layers."""

    def __init__(self, recipe: GeneratorRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        widths = [recipe.width * 2 ** min(3, recipe.blocks - i) for i in range(recipe.blocks)]
        widths.append(recipe.width)
        self.start = nn.Linear(recipe.latent, widths[0] * 16)
        self.blocks = nn.ModuleList(
            GeneratorBlock(recipe, a, b) for a, b in itertools.pairwise(widths)
        )
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.start(latents).unflatten(1, (-1, 4, 4))
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.to_rgb(x))

    @torch.no_grad()
    def sample(self, count: int, seed: int) -> np.ndarray:
        """uint8 (count, 3, side, side), as the generator would save it."""
        random = torch.Generator().manual_seed(seed)
        latents = torch.randn(count, self.recipe.latent, generator=random)
        images = torch.cat([self(part) for part in latents.split(64)])
        return ((images + 1) * 127.5).round().to(torch.uint8).numpy()


class GeneratorBlock(nn.Module):
    """Upsampling, convolution, normalisation, activation: doubles the side of its input."""

    def __init__(self, recipe: GeneratorRecipe, inputs: int, outputs: int) -> None:
        super().__init__()
        self.recipe = recipe
        if recipe.upsampling == "transposed":
            self.up: nn.Module = nn.ConvTranspose2d(inputs, inputs, 4, stride=2, padding=1)
        else:
            self.up = nn.Upsample(scale_factor=2, mode=recipe.upsampling)
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        batch = recipe.normalisation == "batch"
        self.norm = nn.BatchNorm2d(outputs) if batch else nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.convolution(self.up(x)))
        if self.recipe.activation == "relu":
            return functional.relu(x)
        return torch.sigmoid(x) if self.recipe.activation == "sigmoid" else torch.tanh(x)


class _Critic(nn.Sequential):
    def __init__(self, recipe: GeneratorRecipe) -> None:
        layers: list[nn.Module] = []
        inputs, width, side = 3, 16, recipe.side
        while side > 4:
            layers += [
                spectral_norm(nn.Conv2d(inputs, width, 4, stride=2, padding=1)),
                nn.LeakyReLU(0.1),
            ]
            inputs, width, side = width, min(64, 2 * width), side // 2
        layers += [nn.Flatten(), spectral_norm(nn.Linear(inputs * 16, 1))]
        super().__init__(*layers)


def train_generator(
    photos: Photos,
    recipe: GeneratorRecipe,
    *,
    progress: Progress = silent,
) -> Generator:
    """Train one generator against crops of `photos`; it is returned on the CPU.

    `progress` is told of the steps, with the losses of critic and generator.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return _train(photos, recipe, progress)


def _train(photos: Photos, recipe: GeneratorRecipe, progress: Progress) -> Generator:
    generator, critic = Generator(recipe).to(recipe.device), _Critic(recipe).to(recipe.device)
    settings = {"lr": recipe.learning_rate, "betas": (0.0, 0.9)}
    critics = torch.optim.Adam(critic.parameters(), **settings)
    generators = torch.optim.Adam(generator.parameters(), **settings)
    rng = np.random.default_rng(recipe.seed)
    stage = f"generator, {recipe.upsampling}, seed {recipe.seed}"
    for step in range(recipe.steps):
        crops = photos.crops(recipe.batch, recipe.side, rng)
        real = torch.from_numpy(crops).to(recipe.device).float() / 127.5 - 1
        fake = generator(torch.randn(recipe.batch, recipe.latent).to(recipe.device))
        loss = functional.relu(1 - critic(real)).mean()
        loss = loss + functional.relu(1 + critic(fake.detach())).mean()
        _descend(critics, loss)
        opinion = -critic(fake).mean()
        _descend(generators, opinion)
        if step % 10 == 9 or step == recipe.steps - 1:
            losses = {"critic": loss.item(), "generator": opinion.item()}
            progress(stage, step + 1, recipe.steps, **losses)
    return generator.eval().cpu()


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
