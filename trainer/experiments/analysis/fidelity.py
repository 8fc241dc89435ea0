"""Table II and Fig. 12: how real a family of synthetic models is, and how wide (paper IV-B).

Both metrics are biased when there are few models, and a reduced family has fewer than the whole.
The whole is therefore also measured at each reduced family's size, by random draws from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.experiments.analysis.distance import frechet_distance, sample_log_volume
from trainer.experiments.analysis.profiles import ModelProfiles
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a reduced family keeps: paper IV-B. The wider family's names for K and L come second.
REDUCTIONS: dict[str, Callable[[object], bool]] = {
    "w/o K (one block)": lambda a: getattr(a, "blocks", getattr(a, "stages", None)) == 1,
    "w/o L (one convolution)": lambda a: a.convolutions == 1,  # type: ignore[attr-defined]
    "w/o S (conv-norm-act)": lambda a: getattr(a, "order", None) == "post",
    "w/o U (bilinear)": lambda a: a.upsampling == "bilinear",  # type: ignore[attr-defined]
    "w/o A (no activation)": lambda a: a.activation == "none",  # type: ignore[attr-defined]
    "w/o N (no normalisation)": lambda a: a.normalisation == "none",  # type: ignore[attr-defined]
}
ONE_SEED = "w/o seed (one each)"
_DRAWS = 20


@dataclass(frozen=True)
class Family:
    """One line of Table II and one bar of Fig. 12.

    `distance` is the Fréchet Frequency Distance to the real generators on log10 profiles,
    `log_volume` the natural logarithm of the ellipsoid's volume; `whole_distance` and
    `whole_log_volume` are the same for as many models drawn at random from all.
    """

    name: str
    models: int
    distance: float
    whole_distance: float
    log_volume: float | None
    whole_log_volume: float | None


@dataclass(frozen=True)
class Fidelity:
    """Every family against the same real generators; `families[0]` is the whole.

    `dimensions` principal components of the whole family span the space of the volume; they hold
    `variance` (0 to 1) of its variance. `photographs` is the squared distance from the real
    generators' mean to the photographs the models were given, a floor for judging the distances.
    """

    families: tuple[Family, ...]
    dimensions: int
    variance: float
    real: int
    photographs: float


def measure_fidelity(
    found: ModelProfiles,
    real: np.ndarray,
    *,
    dimensions: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Fidelity:
    """Every reduced family that the pool holds, against real profiles (R, count).

    `dimensions` of the volume: by default as many principal components of the whole family as
    hold 99 % of its variance, at most a third of the smallest family.
    """
    families = {"all": np.arange(len(found)), **_reduced(found)}
    smallest = min(len(rows) for rows in families.values())
    centred = found.profiles - found.profiles.mean(axis=0)
    _, scales, axes = np.linalg.svd(centred, full_matrices=False)
    shares = np.cumsum(scales**2) / (scales**2).sum()
    if dimensions is None:
        enough = int(np.searchsorted(shares, 0.99)) + 1
        dimensions = max(1, min(enough, smallest // 3))
    dimensions = min(dimensions, len(axes))
    projected = centred @ axes[:dimensions].T
    rng = np.random.default_rng(seed)
    lines = []
    for name, rows in families.items():
        draws = [rows] if name == "all" else _draws(rng, len(found), len(rows))
        whole = [frechet_distance(real, found.profiles[draw]) for draw in draws]
        volumes = [_volume(projected[draw]) for draw in draws]
        lines.append(
            Family(
                name,
                len(rows),
                frechet_distance(real, found.profiles[rows]),
                float(np.mean(whole)),
                _volume(projected[rows]),
                None if volumes[0] is None else float(np.mean(volumes)),  # type: ignore[arg-type]
            )
        )
        progress("families", len(lines), len(families))
    return Fidelity(
        tuple(lines),
        dimensions,
        float(shares[dimensions - 1]),
        len(real),
        float(((real.mean(axis=0) - found.reference) ** 2).sum()),
    )


def draw_volumes(found: Fidelity) -> Figure:
    """Fig. 12: each family's volume as a share of the whole's, per dimension."""
    from matplotlib.figure import Figure

    reduced = [f for f in found.families[1:] if f.log_volume is not None]
    whole = found.families[0].log_volume or 0.0
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axis = figure.subplots()
    x = np.arange(len(reduced))
    own = [np.exp(((f.log_volume or 0.0) - whole) / found.dimensions) for f in reduced]
    drawn = [np.exp(((f.whole_log_volume or 0.0) - whole) / found.dimensions) for f in reduced]
    axis.bar(x - 0.2, own, 0.4, label="reduced family")
    axis.bar(x + 0.2, drawn, 0.4, color="lightgrey", label="as many models drawn from all")
    axis.axhline(1, color="black", linewidth=1)
    for i, value in enumerate(own):
        # In the middle of the bar: at its end, the line at 1 would cross the number.
        axis.text(
            i - 0.2, value / 2, f"{value:.2f}", color="white", ha="center", va="center", fontsize=8
        )
    axis.set_xticks(x, [f.name.replace(" (", "\n(") for f in reduced], fontsize=8)
    axis.set_ylabel(f"(volume / volume of all)^(1/{found.dimensions})")
    axis.set_ylim(0, 1.2 * max([1.0, *own, *drawn]))
    axis.legend(fontsize=9, ncols=2, loc="upper right")
    return figure


def _reduced(found: ModelProfiles) -> dict[str, np.ndarray]:
    """The rows of each reduced family, where it is neither tiny nor the whole."""
    families = {}
    for name, keeps in REDUCTIONS.items():
        rows = np.array([i for i, a in enumerate(found.architectures) if keeps(a)], int)
        if 4 <= len(rows) < len(found):
            families[name] = rows
    first: dict[str, int] = {}
    for i, a in enumerate(found.architectures):
        first.setdefault(a.id, i)
    if 4 <= len(first) < len(found):
        families[ONE_SEED] = np.array(list(first.values()))
    return families


def _draws(rng: np.random.Generator, models: int, size: int) -> list[np.ndarray]:
    return [rng.choice(models, size, replace=False) for _ in range(_DRAWS)]


def _volume(rows: np.ndarray) -> float | None:
    return sample_log_volume(rows) if len(rows) > rows.shape[1] else None
