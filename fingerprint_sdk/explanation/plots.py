"""The pictures of an explanation, drawn by matplotlib without any global state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.explanation.sentences import marks
from fingerprint_sdk.extras import need

if TYPE_CHECKING:
    from fingerprint_sdk.explanation.view import ImageView
    from fingerprint_sdk.identification import Identification

COLOURS = ("#1f6feb", "#d9480f", "#1a7f37", "#8250df", "#bf8700", "#0e7490")  # of images 1, 2, …
_GREY = "#57606a"
_SIDE = 4.4  # inches
_DPI = 110
_MAX_SHOWN = 640  # pixels of a side of the picture
_MAX_NAME = 28


def pictures(views: Sequence[ImageView]) -> dict[str, bytes]:
    """See ``Explanation.pictures``."""
    found: dict[str, bytes] = {}
    # Around their medians, spectra of strong and weak residuals fit one scale.
    spectra = [view.spectrum - np.median(_ac(view.spectrum)) for view in views]
    low, high = np.percentile(np.concatenate([_ac(one) for one in spectra]), [2, 99.8])
    for number, view in enumerate(views, 1):
        found[f"{number}-windows"] = _windows(view)
        found[f"{number}-residual"] = _residual(view)
        found[f"{number}-spectrum"] = _spectrum(spectra[number - 1], low, max(high, low + 1))
    found["profile"] = _profile(views)
    for number, view in enumerate(views, 1):
        known = view.identification
        if known is not None and not known.reasons:  # a score would be read as evidence
            found[f"{number}-neighbours"] = _neighbours(known, COLOURS[number - 1])
    return found


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure that no global list knows, and its one pair of axes."""
    figure = need("matplotlib.figure", "plots", "drawing")
    agg = need("matplotlib.backends.backend_agg", "plots", "drawing")
    made = figure.Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    agg.FigureCanvasAgg(made)
    return made, made.add_subplot()


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _windows(view: ImageView) -> bytes:
    """The picture under a heat map of its windows' agreement."""
    effects = need("matplotlib.patheffects", "plots", "drawing")
    height, width = view.pixels.shape[:2]
    figure, axes = _figure(_SIDE, _SIDE * min(max(height / width, 0.6), 1.6))
    axes.imshow(_shrunk(view.pixels), extent=(0, width, height, 0))
    x, y = _edges(view.lefts, width), _edges(view.tops, height)
    # Agreement leaves the picture clear; the less of it, the thicker the red.
    alpha = 0.7 * (1 - np.clip(view.agreement, 0, 1))
    cells = axes.pcolormesh(x, y, view.agreement, cmap="Reds_r", vmin=0, vmax=1, alpha=alpha)
    for edge in x[1:-1]:
        axes.axvline(edge, color="white", linewidth=0.8)
    for edge in y[1:-1]:
        axes.axhline(edge, color="white", linewidth=0.8)
    outline = [effects.withStroke(linewidth=3, foreground="black")]
    for row, middle_y in enumerate((y[:-1] + y[1:]) / 2):
        for column, middle_x in enumerate((x[:-1] + x[1:]) / 2):
            axes.text(
                middle_x,
                middle_y,
                f"{view.agreement[row, column]:.2f}",
                ha="center",
                va="center",
                color="white",
                fontsize=12,
                fontweight="bold",
                path_effects=outline,
            )
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.set_axis_off()
    bar = figure.colorbar(cells, ax=axes, fraction=0.046, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("agreement (cosine)", color=_GREY, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=_GREY)
    return _png(figure)


def _residual(view: ImageView) -> bytes:
    figure, axes = _figure(_SIDE, _SIDE)
    gain = float(np.percentile(np.abs(view.residual), 98))
    picture = np.clip(0.5 + view.residual / (2 * max(gain, 1e-6)), 0, 1)
    axes.imshow(picture.transpose(1, 2, 0), interpolation="nearest")
    axes.set_axis_off()
    return _png(figure)


def _spectrum(spectrum: npt.NDArray[np.float64], low: float, high: float) -> bytes:
    figure, axes = _figure(_SIDE * 1.15, _SIDE)
    shown = axes.imshow(
        spectrum,
        cmap="magma",
        vmin=low,
        vmax=high,
        extent=(-0.5, 0.5, 0.5, -0.5),
        interpolation="nearest",
    )
    ticks = [-0.5, -0.25, 0, 0.25, 0.5]
    axes.set(xticks=ticks, yticks=ticks)
    axes.set_xlabel("horizontal frequency, cycles per pixel", color=_GREY, fontsize=9)
    axes.set_ylabel("vertical frequency", color=_GREY, fontsize=9)
    axes.tick_params(labelsize=8, colors=_GREY)
    bar = figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("power around its median, dB", color=_GREY, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=_GREY)
    return _png(figure)


def _profile(views: Sequence[ImageView]) -> bytes:
    figure, axes = _figure(2.15 * _SIDE, 0.75 * _SIDE)
    for number, view in enumerate(views, 1):
        # Radius 0 is the mean level, of which the residual has none.
        shape = view.profile[1:] - view.profile[1:].mean()
        frequency = np.linspace(0, 0.5, len(view.profile))[1:]
        axes.plot(
            frequency, shape, color=COLOURS[number - 1], linewidth=1.8, label=f"image {number}"
        )
    if len(views) > 1:
        axes.legend(frameon=False)
    axes.set(xlim=(0, 0.5))
    axes.set_xlabel("frequency, cycles per pixel", color=_GREY)
    axes.set_ylabel("power around its mean, dB", color=_GREY)
    _plain(axes)
    axes.grid(color="#d0d7de", linewidth=0.6)
    return _png(figure)


def _neighbours(result: Identification, colour: str) -> bytes:
    candidates = result.candidates
    figure, axes = _figure(1.15 * _SIDE, 0.75 + 0.32 * len(candidates))
    places = np.arange(len(candidates))
    named = [place == 0 and result.known for place in range(len(candidates))]
    axes.barh(
        places,
        [candidate.score for candidate in candidates],
        color=[colour if one else "#afb8c1" for one in named],
        height=0.62,
    )
    bounds = [mark for mark in marks(result) if mark is not None]
    for mark in bounds:
        axes.plot([mark, mark], [-0.42, 0.42], color="black", linewidth=1.4)
    for place, candidate in enumerate(candidates):
        beside = [candidate.score, 0.0, *(bounds if place == 0 else [])]
        axes.text(
            max(beside) + 0.015,
            place,
            f"{candidate.score:.2f}",
            va="center",
            fontsize=9,
            color=_GREY,
        )
    axes.set_yticks(places)
    # Names are text, not TeX: a dollar sign in one would start a formula.
    axes.set_yticklabels([_short(c.name) for c in candidates], parse_math=False)
    lowest = min([candidate.score for candidate in candidates] + bounds)
    axes.set(ylim=(len(candidates) - 0.5, -0.5), xlim=(min(lowest, 0) - 0.02, 1.12))
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_xlabel("score; black: none of these below, named from", color=_GREY, fontsize=9)
    _plain(axes)
    return _png(figure)


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#d0d7de")
    axes.tick_params(labelsize=9, colors=_GREY)


def _edges(offsets: tuple[int, ...], side: int) -> npt.NDArray[np.float64]:
    """Borders of the cells of a heat map: half way between the middles of the windows."""
    middles = np.array(offsets, np.float64) + 64
    return np.concatenate([[0.0], (middles[:-1] + middles[1:]) / 2, [float(side)]])


def _ac(spectrum: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """All but the middle, where the high-pass has left nothing."""
    n = len(spectrum)
    y, x = np.ogrid[:n, :n]
    outer: npt.NDArray[np.float64] = spectrum[np.hypot(y - n // 2, x - n // 2) > n / 16]
    return outer


def _shrunk(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    image.thumbnail((_MAX_SHOWN, _MAX_SHOWN))
    return np.asarray(image)


def _short(name: str) -> str:
    # The font may lack a letter, which would only give a warning and a box.
    name = name.encode("latin-1", "replace").decode("latin-1")
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 3] + "..."
