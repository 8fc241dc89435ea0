"""Error against a cause on logarithmic axes, and the straight line through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def fit_power_law(x: Sequence[float], errors: Sequence[float], at: float) -> dict[str, float]:
    """Least squares of log error on log x: its exponent, and the error that it gives at `at`.

    `spread` is the standard error of the exponent. Errors of 0 count as a tenth of the least
    other one. Raises ValueError for fewer than three points.
    """
    if len(x) < 3:
        raise ValueError(f"a line with a spread needs three points, not {len(x)}")
    values = np.array(errors, float)
    positive = values[values > 0]
    values = np.maximum(values, positive.min() / 10 if len(positive) else 1e-3)
    log_x, log_y = np.log(x), np.log(values)
    centred = log_x - log_x.mean()
    exponent = float(centred @ log_y / (centred @ centred))
    constant = float(log_y.mean() - exponent * log_x.mean())
    rest = log_y - constant - exponent * log_x
    spread = float(np.sqrt(rest @ rest / (len(x) - 2) / (centred @ centred)))
    return {
        "exponent": exponent,
        "spread": spread,
        "error": float(np.exp(constant + exponent * np.log(at))),
    }


def draw_curves(x: Sequence[float], series: Mapping[str, Sequence[Any]], label: str) -> Figure:
    """`series`: image set -> lines with `identification` and `auc` (value, low, high) in %."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, ScalarFormatter

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    columns = (("identification", "identification error, %"), ("auc", "100 − AUC, %"))
    for axes, (measure, title) in zip(figure.subplots(1, 2), columns, strict=True):
        for image_set, rows in series.items():
            values = 100 - np.array([getattr(row, measure) for row in rows])
            values = np.maximum(values, 0.05)
            whiskers = np.abs(values[:, 1:] - values[:, :1]).T[::-1]
            axes.errorbar(x, values[:, 0], yerr=whiskers, marker="o", capsize=3, label=image_set)
        axes.set(xlabel=label, ylabel=title, xscale="log", yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.minorticks_off()
        axes.set_xticks(x, [f"{value:.3g}" if value < 10 else f"{value:.0f}" for value in x])
        axes.xaxis.minorticks_off()
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].legend()
    return figure
