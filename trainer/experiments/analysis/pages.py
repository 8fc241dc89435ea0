"""What each command of the analysis found, as figures (JSON), tables, pictures and words."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from trainer.experiments.analysis.blocks import Swap, draw_blocks
from trainer.experiments.analysis.components import (
    FIGURES,
    Effect,
    GeneratorProfiles,
    Seeds,
    draw_effects,
)
from trainer.experiments.analysis.fidelity import Fidelity, draw_volumes
from trainer.experiments.analysis.kernels import KernelSpectra, draw_kernels, mirroring
from trainer.experiments.analysis.profiles import ModelProfiles
from trainer.experiments.analysis.residuals import high
from trainer.experiments.analysis.spectrum import (
    Spectrum,
    Uniqueness,
    draw_profiles,
    draw_spectra,
)
from trainer.experiments.page import Experiment, Picture, Table

_HIGH = "over the top quarter of the frequencies (0.375 to 0.5 cycles per pixel)"


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
                f"High: mean log10 AI(ω) {_HIGH}. Peak: how far the strongest single frequency "
                "stands above its ring's mean (log10), the grid that upsampling leaves.",
                ("generator", "images", "high", "peak"),
                rows,
                digits=2,
            ),
        ],
    )


def components_page(
    pool: tuple[ModelProfiles, list[Effect]] | None,
    trained: tuple[GeneratorProfiles, list[Effect], Seeds | None] | None,
    scale: str,
) -> Experiment:
    """Figs. 3 to 5. Raises ValueError when there is nothing to show."""
    figures: dict[str, object] = {}
    parts: list[str | Table | Picture] = []
    if trained is not None:
        profiles, effects, seeds = trained
        figures["generators"] = _effects(effects, profiles.reference)
        figures["generators_seeds"] = asdict(seeds) if seeds else None
        caption = "Small generators that differ in one layer (Figs. 3 to 5)."
        parts += [
            Picture("generators", caption, draw_effects(effects, profiles.reference)),
            _effect_table("Small generators trained here.", effects),
        ]
        if seeds is not None:
            parts.append(
                "Fig. 5 in numbers: two generators of one normalisation and different seeds lie "
                f"{seeds.within:.3f} apart (RMS of log10 AI), of different normalisations and "
                f"seeds {seeds.between:.3f}."
            )
    if pool is not None:
        found, effects = pool
        figures["pool"] = _effects(effects, found.reference)
        caption = "Synthetic models of the pool, all other choices varying (Figs. 3 to 5)."
        parts += [
            Picture("pool", caption, draw_effects(effects, found.reference)),
            _effect_table("Synthetic models of the pool.", effects),
        ]
    if not parts:
        raise ValueError("nothing to compare: give --pool, or --steps above 0")
    return Experiment(
        "components",
        "What upsampling, activation and normalisation do to the spectrum",
        "Figs. 3, 4 and 5",
        scale,
        figures,
        parts,
    )


def kernels_page(groups: dict[str, list[KernelSpectra]], scale: str) -> Experiment:
    """Fig. 6: `groups` maps an architecture to its models."""
    figures, rows, parts = {}, [], []
    for number, (name, models) in enumerate(groups.items()):
        found = {"map": mirroring(models, gain=False), "gain": mirroring(models, gain=True)}
        figures[name] = {
            key: {"own": m.own.tolist(), "other_mean": float(m.other.mean())}
            for key, m in found.items()
        }
        for key, m in found.items():
            values = (np.median(m.own), m.own.min(), m.own.max(), np.median(m.other))
            rows.append((f"{name}: {key}", m.own.size, *map(float, values)))
        # The paper shows a channel of its choice; ours is the median one.
        strength = found["map"].own[:2].mean(axis=0)
        channel = int(np.argsort(strength)[len(strength) // 2])
        caption = f"{name}, output channel {channel}, the median one of {len(strength)} (Fig. 6)."
        parts.append(Picture(f"{number}", caption, draw_kernels(models[:2], channel)))
    return Experiment(
        "kernels",
        "Kernels of the last layer and the maps they make",
        "Fig. 6",
        scale,
        figures,
        [
            Table(
                "Correlation of log spectra, over all frequencies but zero: a channel's kernels "
                "with its own map, or with the layer's gain (map over inputs); and the same with "
                "that channel's map in another model of the architecture.",
                (
                    "model: against",
                    "channels",
                    "own, median",
                    "lowest",
                    "highest",
                    "other, median",
                ),
                rows,
                digits=2,
            ),
            *parts,
        ],
    )


def blocks_page(tests: dict[str, list[Swap]], scale: str) -> Experiment:
    """Fig. 7."""
    rows = []
    for name, swaps in tests.items():
        for s in swaps:
            rows.append((name, s.swapped, *map(int, s.confusion.ravel()), 100 * s.follows_last))
    return Experiment(
        "blocks",
        "The last blocks carry the fingerprint",
        "Fig. 7",
        scale,
        {
            name: [
                {
                    "swapped": s.swapped,
                    "confusion": s.confusion.tolist(),
                    "follows_last": s.follows_last,
                }
                for s in swaps
            ]
            for name, swaps in tests.items()
        },
        [
            Picture("confusion", "Confusion matrices (Fig. 7).", draw_blocks(tests, swapped=1)),
            Table(
                "Images by who gave the early blocks → the classifier's answer. Last column: "
                "share attributed to the giver of the last blocks (with 0 swapped, to the model).",
                ("models", "swapped", "1 → M1", "1 → M2", "2 → M1", "2 → M2", "last blocks' (%)"),
                rows,
            ),
        ],
    )


def fidelity_page(found: Fidelity, real: list[str], scale: str) -> Experiment:
    """Table II and Fig. 12."""
    whole = found.families[0]
    rows = []
    for f in found.families:
        share = "-"
        if f.log_volume is not None and whole.log_volume is not None:
            share = f"{np.exp((f.log_volume - whole.log_volume) / found.dimensions):.2f}"
        volume = "-" if f.log_volume is None else f"{f.log_volume:.1f}"
        rows.append((f.name, f.models, f.distance, f.whole_distance, volume, share))
    return Experiment(
        "fidelity",
        "Fidelity and diversity of synthetic models",
        "Table II, Fig. 12",
        scale,
        {**asdict(found), "real_generators": real},
        [
            Table(
                "FFD: Fréchet Frequency Distance to the real generators on log10 reduced spectra; "
                "lower is closer. Beside it the same for as many models drawn from all, since a "
                "smaller family alone costs distance. Log volume: of the ellipsoid in "
                f"{found.dimensions} principal components ({100 * found.variance:.1f} % of the "
                "variance), corrected for the number of models.",
                ("family", "models", "FFD", "all, same size", "log volume", "share per dimension"),
                rows,
                digits=3,
            ),
            f"Squared distance from the real generators' mean to the bare photographs: "
            f"{found.photographs:.2f}. Distances far under it mean that the models look like "
            "generators more than photographs do. The contents differ too: real generators paint "
            "their own pictures.",
            Picture("volume", "Volume against that of all models (Fig. 12).", draw_volumes(found)),
        ],
    )


def _effects(effects: list[Effect], reference: np.ndarray) -> dict[str, object]:
    found: dict[str, object] = {
        e.axis: {
            "explained": e.explained,
            "high": e.high,
            "models": e.models,
            "log10_profiles": {name: mean.tolist() for name, mean in e.mean.items()},
        }
        for e in effects
    }
    return {"photographs": reference.tolist(), "photographs_high": float(high(reference)), **found}


def _effect_table(caption: str, effects: list[Effect]) -> Table:
    rows = [
        (f"{FIGURES[e.axis]} {e.axis}: {name}", e.models[name], e.high[name], 100 * e.explained)
        for e in effects
        for name in e.mean
    ]
    return Table(
        f"{caption} High: mean log10 AI(ω) {_HIGH}. Explained: share of the variance of all "
        "profiles that lies between the values of the axis (η², %).",
        ("axis: value", "models", "high", "explained (%)"),
        rows,
        digits=2,
    )


def _peak(spectrum: Spectrum) -> float:
    """Largest log10 ratio of a frequency's power to the mean of its ring, beyond ω = 0.1."""
    n = spectrum.power.shape[-1]
    frequency = np.fft.fftfreq(n, d=1 / n)
    radius = np.rint(np.hypot(frequency[:, None], frequency[None, :])).astype(int)
    inside = (radius <= n // 2) & (radius > n // 10)
    ring = spectrum.profile[radius[inside]] - np.log10(2 * np.pi)
    return float((np.log10(spectrum.power[inside] + 1e-12) - ring).max())
