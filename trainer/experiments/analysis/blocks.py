"""Fig. 7: whose fingerprint does an image carry, when the last blocks come from another model?"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from trainer.experiments.analysis.generators import Generator
from trainer.experiments.analysis.residuals import LOG_FLOOR, residual_power

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Swap:
    """Images of composed models, told apart by a classifier that knows the whole ones.

    `swapped` last blocks (and the RGB layer with them) were exchanged; 0 is Testing I. `confusion`
    int (2, 2): rows are who gave the early blocks, columns the classifier's answer. `follows_last`
    in [0, 1] is the share of images attributed to the giver of the last blocks.
    """

    swapped: int
    confusion: np.ndarray

    @property
    def follows_last(self) -> float:
        off = self.confusion[0, 1] + self.confusion[1, 0]
        share = float(off / self.confusion.sum())
        return share if self.swapped else 1 - share


def swap_blocks(
    first: Generator, second: Generator, denoiser: nn.Module, *, images: int
) -> list[Swap]:
    """Train a classifier on two generators' spectra, then exchange ever more of their last blocks.

    `images` per model are classified in each test; as many others train the classifier. Raises
    ValueError when the generators differ in architecture.
    """
    if len(first.blocks) != len(second.blocks):
        raise ValueError("blocks can be exchanged between generators of one architecture only")
    classifier = _train([_features(g, denoiser, images, seed=1) for g in (first, second)])
    swaps = []
    for swapped in range(len(first.blocks) + 1):
        composed = compose(first, second, swapped), compose(second, first, swapped)
        confusion = np.zeros((2, 2), int)
        for row, generator in enumerate(composed):
            answers = classifier.predict(_features(generator, denoiser, images, seed=2))
            confusion[row] = np.bincount(answers, minlength=2)
        swaps.append(Swap(swapped, confusion))
    return swaps


def compose(early: Generator, late: Generator, swapped: int) -> Generator:
    """`early` with the last `swapped` blocks of `late`, and its RGB layer when there are any."""
    composed = copy.deepcopy(early)
    if swapped:
        keep = len(composed.blocks) - swapped
        for i in range(keep, len(composed.blocks)):
            composed.blocks[i] = copy.deepcopy(late.blocks[i])
        composed.to_rgb = copy.deepcopy(late.to_rgb)
    return composed


def draw_blocks(tests: dict[str, list[Swap]], *, swapped: int) -> Figure:
    """Confusion matrices before and after, and the answers against the number of blocks."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6 * len(tests)), layout="constrained")
    axes = figure.subplots(len(tests), 3, squeeze=False)
    for row, (name, swaps) in zip(axes, tests.items(), strict=True):
        whole, after = swaps[0], swaps[swapped]
        _matrix(row[0], whole.confusion, f"{name}: Testing I, whole models", ("M1", "M2"))
        title = f"{name}: Testing II, last {swapped} of {len(swaps) - 1} blocks exchanged"
        _matrix(row[1], after.confusion, title, ("CM1", "CM2"))
        axis = row[2]
        x = [s.swapped for s in swaps[1:]]
        axis.plot(x, [100 * s.follows_last for s in swaps[1:]], "o-")
        axis.axhline(50, color="grey", linestyle=":")
        axis.set_ylim(-2, 102)
        axis.set_xticks(x)
        axis.set_xlabel("last blocks exchanged (of all: the whole but the latent layer)")
        axis.set_ylabel("attributed to their giver (%)")
        axis.set_title(f"{name}: whose fingerprint", fontsize=10)
        axis.grid(alpha=0.3)
    return figure


def _matrix(axis: object, confusion: np.ndarray, title: str, rows: tuple[str, str]) -> None:
    shares = 100 * confusion / confusion.sum(axis=1, keepdims=True)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)  # type: ignore[attr-defined]
    for i in range(2):
        for j in range(2):
            colour = "white" if shares[i, j] > 55 else "black"
            text = f"{shares[i, j]:.1f} %"
            axis.text(j, i, text, ha="center", va="center", color=colour)  # type: ignore[attr-defined]
    axis.set_xticks([0, 1], ["M1", "M2"])  # type: ignore[attr-defined]
    axis.set_yticks([0, 1], rows)  # type: ignore[attr-defined]
    axis.set_xlabel("attributed to")  # type: ignore[attr-defined]
    axis.set_title(title, fontsize=10)  # type: ignore[attr-defined]


def _features(generator: Generator, denoiser: nn.Module, images: int, *, seed: int) -> np.ndarray:
    """Log power of the residual, half of the frequencies (the rest mirrors them)."""
    power = residual_power(generator.sample(images, seed), denoiser)
    return np.log10(power[..., : power.shape[-1] // 2 + 1] + LOG_FLOOR).reshape(images, -1)


def _train(features: list[np.ndarray]) -> Pipeline:
    labels = np.repeat([0, 1], [len(f) for f in features])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, max_iter=500))
    return classifier.fit(np.concatenate(features), labels)
