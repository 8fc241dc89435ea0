"""Fig. 6: the spectrum of a last-layer kernel against the spectrum of its feature map.

A convolution multiplies spectra, so an output channel's map should carry the shape of its kernels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.spectrum import dft_magnitude
from trainer.experiments.analysis.generators import GeneratorRecipe, train_generator
from trainer.experiments.analysis.residuals import LOG_FLOOR
from trainer.images.photos import Photos
from trainer.progress import Progress, silent
from trainer.synthesis import GroupedAutoencoder, load_model, read_pool

_TINY = 1e-15  # bilinear inputs hold next to nothing at Nyquist; a larger floor would show there

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class KernelSpectra:
    """Spectra of one model's last convolution, one row an output channel: float64 (C, n, n).

    `kernels` is the summed magnitude of the kernels of an output channel (over its inputs),
    `maps` the mean power of its output over images, `gains` that power divided by the mean power
    of the inputs: what the layer itself does, freed of the pictures' own spectrum.
    """

    name: str
    kernels: np.ndarray
    maps: np.ndarray
    gains: np.ndarray


@dataclass(frozen=True)
class Mirroring:
    """Correlation of log spectra of kernels and outputs, over all frequencies but zero.

    `own` (models, channels) pairs a channel's kernels with its own output, `other` with the same
    channel's output in each other model of that architecture.
    """

    own: np.ndarray
    other: np.ndarray


@torch.no_grad()
def kernel_spectra(
    name: str, network: nn.Module, convolution: nn.Conv2d, inputs: Tensor
) -> KernelSpectra:
    """Run `network(inputs)` and compare `convolution`'s kernels with what it puts out.

    The convolution must have one group and stride 1. Maps are seen through a Hann window, since
    the leakage of their borders would cover what little a smooth map holds at high frequencies.
    """
    seen: list[tuple[Tensor, Tensor]] = []
    hook = convolution.register_forward_hook(lambda _, x, y: seen.append((x[0], y)))
    try:
        network(inputs)
    finally:
        hook.remove()
    before, after = (torch.cat(part).double().numpy() for part in zip(*seen, strict=True))
    n = after.shape[-1]
    weight = convolution.weight.double().numpy()
    padded = np.zeros((*weight.shape[:2], n, n))
    padded[..., : weight.shape[2], : weight.shape[3]] = weight
    maps, power = _power(after).mean(axis=0), _power(before).mean(axis=(0, 1))
    return KernelSpectra(name, dft_magnitude(padded).sum(axis=1), maps, maps / (power + _TINY))


def trained_kernels(
    photos: Photos,
    recipes: list[GeneratorRecipe],
    *,
    images: int,
    progress: Progress = silent,
) -> list[KernelSpectra]:
    """Small generators trained here, and the convolution of their last block."""
    found = []
    for i, recipe in enumerate(recipes):
        generator = train_generator(photos, recipe)
        latents = torch.randn(images, recipe.latent, generator=torch.Generator().manual_seed(1))
        last = generator.blocks[-1].convolution
        found.append(kernel_spectra(f"seed {recipe.seed}", generator, last, latents))
        progress("generators", i + 1, len(recipes))
    return found


def pool_kernels(
    pool: Path, photos: Photos, *, architectures: int, images: int, seed: int = 0
) -> dict[str, list[KernelSpectra]]:
    """Two models each of some architectures of a pool, and the convolution that makes their RGB.

    Architectures whose last convolution is 1×1 are passed over: its spectrum is flat. Raises
    ValueError when no architecture has two models.
    """
    entries = defaultdict(list)
    for entry in read_pool(pool):
        entries[entry.architecture].append(entry)
    names = sorted(name for name, found in entries.items() if len(found) > 1)
    if not names:
        raise ValueError(f"{pool} has one model per architecture; train more seeds")
    rng = np.random.default_rng(seed)
    crops = torch.from_numpy(photos.crops(images, 128, rng)).float() / 255.0
    groups: dict[str, list[KernelSpectra]] = {}
    for name in map(str, rng.permutation(names)):
        if len(groups) == architectures:
            break
        models = []
        for entry in (entries[name][0], entries[name][-1]):
            model = load_model(pool, entry)
            grouped = isinstance(model, GroupedAutoencoder)
            last = model.decoder[-1].convolutions[-1] if grouped else model.last
            inputs = crops[:, None] if grouped else crops
            if last.kernel_size[0] > 1:
                models.append(kernel_spectra(f"seed {entry.seed}", model, last, inputs))
        if models:
            groups[name] = models
    return groups


def mirroring(models: list[KernelSpectra], *, gain: bool) -> Mirroring:
    """How well kernels predict the map (`gain=False`, the paper's picture) or the gain."""
    kernels = np.array([_rows(m.kernels) for m in models])
    outputs = np.array([_rows(m.gains if gain else m.maps) for m in models])
    own = np.einsum("mcf,mcf->mc", kernels, outputs)
    across = np.einsum("mcf,kcf->mkc", kernels, outputs)
    return Mirroring(own, across[~np.eye(len(models), dtype=bool)])


def draw_kernels(models: list[KernelSpectra], channel: int) -> Figure:
    """For two models: kernels, output and gain of one channel, zero frequency in the middle."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.1 * len(models)), layout="constrained")
    axes = figure.subplots(len(models), 3, squeeze=False)
    titles = ("kernels, summed |F|", "feature map, power", "gain: map / inputs")
    for row, model in zip(axes, models, strict=True):
        for axis, values, title in zip(
            row, (model.kernels, model.maps, model.gains), titles, strict=True
        ):
            picture = np.fft.fftshift(np.log10(values[channel] + LOG_FLOOR))
            low, high = np.percentile(picture, [1, 99.5])
            shown = axis.imshow(
                picture, cmap="magma", vmin=low, vmax=high, extent=(-0.5, 0.5, 0.5, -0.5)
            )
            axis.set_title(f"{model.name}: {title}", fontsize=9)
            axis.set_xticks([-0.5, 0, 0.5])
            axis.set_yticks([-0.5, 0, 0.5])
            axis.tick_params(labelsize=8)
            bar = figure.colorbar(shown, ax=axis, shrink=0.8)
            bar.ax.tick_params(labelsize=8)
    figure.supxlabel("cycles per pixel on both axes; colours are log10", fontsize=9)
    return figure


def _power(maps: np.ndarray) -> np.ndarray:
    hann = np.hanning(maps.shape[-1] + 1)[:-1]
    window = np.outer(hann, hann)
    window /= np.sqrt((window**2).mean())  # unit variance in, n² power out, as without it
    return dft_magnitude((maps - maps.mean((2, 3), keepdims=True)) * window) ** 2


def _rows(spectra: np.ndarray) -> np.ndarray:
    rows = np.log(spectra + LOG_FLOOR).reshape(len(spectra), -1)[:, 1:]
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12)
