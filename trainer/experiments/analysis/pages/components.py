"""The page of what each layer does to the spectrum (Figs. 3 to 5)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from trainer.experiments.analysis.components import (
    FIGURES,
    Effect,
    GeneratorProfiles,
    Seeds,
    draw_effects,
)
from trainer.experiments.analysis.profiles import ModelProfiles
from trainer.experiments.analysis.residuals import HIGH, high
from trainer.experiments.page import Experiment, Picture, Table


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
        f"{caption} High: mean log10 AI(ω) {HIGH}. Explained: share of the variance of all "
        "profiles that lies between the values of the axis (η², %).",
        ("axis: value", "models", "high", "explained (%)"),
        rows,
        digits=2,
    )
