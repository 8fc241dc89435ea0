"""The page of fidelity and diversity (Table II, Fig. 12)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from trainer.experiments.analysis.fidelity import Fidelity, draw_volumes
from trainer.experiments.page import Experiment, Picture, Table


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
