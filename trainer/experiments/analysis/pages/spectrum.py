"""The page of averaged spectra (Fig. 2, equation 1)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from trainer.experiments.analysis.residuals import HIGH, high
from trainer.experiments.analysis.spectrum import (
    Spectrum,
    Uniqueness,
    draw_profiles,
    draw_spectra,
)
from trainer.experiments.page import Experiment, Picture, Table


def spectrum_page(
    spectra: list[Spectrum],
    unique: Uniqueness,
    reference: Spectrum | None,
    scale: str,
    examples: list[np.ndarray] | None = None,
) -> Experiment:
    """Fig. 2 and eq. 1."""
    shown = [*spectra, *([reference] if reference else [])]
    rows = [(s.name, s.images, float(high(s.profile)), _peak(s)) for s in shown]
    pictures = draw_spectra(spectra, examples), draw_profiles(spectra, reference)
    return Experiment(
        "spectrum",
        "Averaged residual spectra of generators",
        "Fig. 2, equation (1)",
        scale,
        {
            "generators": {
                s.name: {"images": s.images, "log10_profile": s.profile.tolist()} for s in shown
            },
            "uniqueness": asdict(unique),
        },
        [
            Picture("2d", "Averaged power spectra of residuals (Fig. 2).", pictures[0]),
            "Each generator's images were halved at random, and each half averaged. The halves of "
            f"one generator correlate at {unique.own:.2f}, halves of two generators at "
            f"{unique.other:.2f} (log spectra less the mean of all). "
            f"{100 * unique.matched:.0f} % of the halves find their own other half nearest; "
            f"chance is {100 * unique.chance:.0f} %.",
            Picture("1d", "Reduced power spectra (eq. 1).", pictures[1]),
            Table(
                f"High: mean log10 AI(ω) {HIGH}. Peak: how far the strongest single frequency "
                "stands above its ring's mean (log10), the grid that upsampling leaves.",
                ("generator", "images", "high", "peak"),
                rows,
                digits=2,
            ),
        ],
    )


def _peak(spectrum: Spectrum) -> float:
    """Largest log10 ratio of a frequency's power to the mean of its ring, beyond ω = 0.1."""
    n = spectrum.power.shape[-1]
    frequency = np.fft.fftfreq(n, d=1 / n)
    radius = np.rint(np.hypot(frequency[:, None], frequency[None, :])).astype(int)
    inside = (radius <= n // 2) & (radius > n // 10)
    ring = spectrum.profile[radius[inside]] - np.log10(2 * np.pi)
    return float((np.log10(spectrum.power[inside] + 1e-12) - ring).max())
