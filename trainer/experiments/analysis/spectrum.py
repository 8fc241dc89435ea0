"""Fig. 2 and eq. 1: the averaged residual spectrum of each generator, and its reduction to 1-D."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from trainer.experiments.analysis.profiles import ImagePowers
from trainer.experiments.analysis.residuals import LOG_FLOOR, frequencies, log_profile

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Spectrum:
    """A generator's averaged spectrum.

    `power` float64 (n, n), zero frequency at (0, 0); `profile` float64 (n // 2 + 1,), log10 of its
    azimuthal integral; `images` counts what was averaged.
    """

    name: str
    power: np.ndarray
    profile: np.ndarray
    images: int


@dataclass(frozen=True)
class Uniqueness:
    """Whether averaged spectra tell generators apart, without any learning.

    Each generator's images are halved at random; `own` is the mean correlation of the log spectra
    of its two halves, `other` that of halves by different generators, after the mean spectrum of
    all is taken away; `matched` is the share of halves whose nearest other half is their own;
    `chance` what guessing would give.
    """

    own: float
    other: float
    matched: float
    chance: float


def average(found: ImagePowers) -> Spectrum:
    """The mean of a generator's power spectra, and its reduction by equation (1)."""
    power = found.powers.mean(axis=0)
    return Spectrum(found.name, power, log_profile(power), len(found.powers))


def uniqueness(generators: list[ImagePowers], *, splits: int = 20, seed: int = 0) -> Uniqueness:
    """Split-half agreement of averaged spectra, the mean over `splits` random halvings.

    Raises ValueError with fewer than two generators or a generator of one image.
    """
    if len(generators) < 2 or any(len(g.powers) < 2 for g in generators):
        raise ValueError("telling generators apart needs two of them, with two images each")
    rng = np.random.default_rng(seed)
    k = len(generators)
    own, other, matched = [], [], []
    for _ in range(splits):
        halves: list[list[np.ndarray]] = [[], []]
        for generator in generators:
            order = rng.permutation(len(generator.powers))
            for side, part in enumerate(np.array_split(order, 2)):
                power = generator.powers[part].mean(axis=0)
                halves[side].append(np.log10(power + LOG_FLOOR).ravel()[1:])
        rows = np.array(halves[0] + halves[1])
        rows -= rows.mean(axis=0)
        rows -= rows.mean(axis=1, keepdims=True)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12
        across = rows[:k] @ rows[k:].T
        own.append(np.diag(across).mean())
        other.append(across[~np.eye(k, dtype=bool)].mean())
        matched.append((across.argmax(axis=1) == np.arange(k)).mean())
    return Uniqueness(*(float(np.mean(v)) for v in (own, other, matched)), 1 / k)


def draw_spectra(spectra: list[Spectrum], examples: list[np.ndarray] | None = None) -> Figure:
    """One panel a generator, log power, zero frequency in the middle; above it an example."""
    from matplotlib.figure import Figure

    columns = min(6, len(spectra))
    rows_each = 2 if examples else 1
    rows = -(-len(spectra) // columns) * rows_each
    figure = Figure(figsize=(1.75 * columns + 1.0, 2.0 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    shown = [np.fft.fftshift(np.log10(s.power + LOG_FLOOR)) for s in spectra]
    # One scale for all, since level is part of the pattern; single peaks may saturate.
    low, high = np.percentile(np.array([s.ravel() for s in shown]), [1, 99.7])
    drawn = None
    for i, spectrum in enumerate(spectra):
        row, column = divmod(i, columns)
        axis = axes[row * rows_each + rows_each - 1][column]
        drawn = axis.imshow(
            shown[i], cmap="magma", vmin=low, vmax=high, extent=(-0.5, 0.5, 0.5, -0.5)
        )
        axis.set_title("\n".join(wrap(spectrum.name, 24)[:2]), fontsize=8)
        if examples:
            axes[row * rows_each][column].imshow(examples[i])
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=30, pad=0.01)
    bar.set_label("log10 power of the residual (σ² = 1/255²)", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    figure.supxlabel("each panel: −0.5 to 0.5 cycles per pixel on both axes", fontsize=8)
    return figure


def draw_profiles(spectra: list[Spectrum], reference: Spectrum | None = None) -> Figure:
    """The reduced 1-D spectra of all generators on one axis."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axis = figure.subplots()
    colours = mpl.colormaps["tab20"]
    for i, spectrum in enumerate(spectra):
        x = frequencies(len(spectrum.profile))
        style = ("-", "--", ":", "-.")[i // 20 % 4]
        axis.plot(x[1:], spectrum.profile[1:], style, color=colours(i % 20), label=spectrum.name)
    if reference is not None:
        x = frequencies(len(reference.profile))
        axis.plot(x[1:], reference.profile[1:], "k", linewidth=2.5, label=reference.name)
    axis.set_xlabel("spatial frequency ω (cycles per pixel; Nyquist is 0.5)")
    axis.set_ylabel("log10 AI(ω) of the residual")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure
