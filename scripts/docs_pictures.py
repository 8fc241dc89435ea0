"""Draw the pictures of docs/how-it-works.md and docs/threshold.md: python scripts/docs_pictures.py

They show the example images and synthetic models trained on the spot, and depend on no model of
ours. The residual is the plain high-pass filter that `fingerprint explain` falls back on.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from fingerprint_sdk.explanation import high_pass
from fingerprint_sdk.images import WINDOW_SIZE, load_image, window_grid, windows
from fingerprint_sdk.spectrum import azimuthal_integration, dft_magnitude

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs/pictures"
GENERATORS = {"lark": "tab:blue", "wren": "tab:orange"}
ARCHITECTURES = (
    "k1-l1-post-nearest-relu-batch-w16",
    "k1-l1-post-bilinear-tanh-none-w16",
    "k1-l2-pre-transposed-none-instance-w16",
)


def power(pixels: np.ndarray) -> np.ndarray:
    """Power spectrum of the residual, mean over windows and channels: (128, 128)."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SIZE) / WINDOW_SIZE)
    residual = high_pass(windows(pixels)) * np.outer(hann, hann)
    return np.exp(np.log(dft_magnitude(residual) ** 2 + 1e-6).mean(axis=(0, 1)))


def decibel(value: np.ndarray) -> np.ndarray:
    return 10 * np.log10(value)


def examples(name: str) -> list[np.ndarray]:
    return [load_image(ROOT / f"examples/images/{name}/{i}.png").pixels for i in range(1, 5)]


def show(axes: plt.Axes, picture: np.ndarray, title: str, **options: object) -> None:
    axes.imshow(picture, **options)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def show_spectrum(axes: plt.Axes, spectrum: np.ndarray, title: str) -> None:
    centred = np.fft.fftshift(decibel(spectrum))
    low, high = np.percentile(centred, (2, 99.5))
    show(axes, centred, title, cmap="magma", vmin=low, vmax=high)


def save(figure: plt.Figure, name: str) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=80, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    # A palette makes the file a third as large.
    Image.open(buffer).convert("RGB").quantize(128).save(OUT / f"{name}.png", optimize=True)


def draw_fingerprints() -> None:
    """Image with its windows, residual of the middle one, and mean spectrum of four images."""
    figure, rows = plt.subplots(2, 3, figsize=(7.5, 5.2), layout="constrained")
    for (name, colour), row in zip(GENERATORS.items(), rows, strict=True):
        pictures = examples(name)
        show(row[0], pictures[0], f"{name}: image and its nine windows")
        tops, lefts = window_grid(*pictures[0].shape[:2])
        for top in tops:
            for left in lefts:
                place = (left - 0.5, top - 0.5)
                side = WINDOW_SIZE
                row[0].add_patch(plt.Rectangle(place, side, side, fill=False, color=colour, lw=1))
        residual = high_pass(windows(pictures[0]))[4].mean(axis=0)
        show(row[1], residual, "residual of the middle window", cmap="gray", vmin=-12, vmax=12)
        mean = np.mean([power(pixels) for pixels in pictures], axis=0)
        show_spectrum(row[2], mean, "spectrum, mean of four images")
    save(figure, "fingerprints")


def draw_profiles() -> None:
    """Azimuthal integration of every example image (paper, equation (1))."""
    figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    for name, colour in GENERATORS.items():
        for i, pixels in enumerate(examples(name)):
            profile = decibel(azimuthal_integration(power(pixels)))
            frequency = np.linspace(0, 0.5, len(profile))
            label = f"{name}, four images" if i == 0 else None
            axes.plot(frequency[2:], profile[2:], color=colour, lw=1, label=label)
    axes.set(xlabel="frequency in cycles per pixel", ylabel="power of the residual in dB")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, "profiles")


def draw_synthesis() -> None:
    """One image through three synthetic models, and what each does to its spectrum."""
    import torch

    from trainer.images.photos import Photos
    from trainer.synthesis import (
        SynthesisRecipe,
        model_from_state,
        parse_architecture,
        train_architecture,
    )

    torch.set_num_threads(1)
    pictures = [pixels for name in GENERATORS for pixels in examples(name)]
    names = tuple(str(i) for i in range(len(pictures)))
    photos = Photos(tuple(pictures), names, side=128)
    figure, rows = plt.subplots(2, len(ARCHITECTURES) + 1, figsize=(9, 4.7), layout="constrained")
    show(rows[0, 0], pictures[0], "an image")
    show_spectrum(rows[1, 0], power(pictures[0]), "its spectrum")
    batch = torch.from_numpy(pictures[0].transpose(2, 0, 1)[None].copy())
    for i, identifier in enumerate(ARCHITECTURES, 1):
        architecture = parse_architecture(identifier)
        made = train_architecture(architecture, (7,), photos, SynthesisRecipe(steps=20))[0]
        model = model_from_state(architecture, 7, made.state)
        rendered = model.render(batch)[0, 0].permute(1, 2, 0).numpy()
        show(rows[0, i], rendered, f"through synthetic model {i}")
        show_spectrum(rows[1, i], power(rendered), "its spectrum")
    save(figure, "synthesis")


def draw_threshold() -> None:
    """A sketch of two score distributions and the two scores between them; no measurement."""
    figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    score = np.linspace(-0.6, 1, 400)
    impostor = np.exp(-0.5 * ((score - 0.05) / 0.16) ** 2)
    genuine = 0.8 * np.exp(-0.5 * ((score - 0.62) / 0.18) ** 2)
    missed, threshold = 0.32, 0.42
    axes.plot(score, impostor, color="tab:red", label="two different generators")
    axes.plot(score, genuine, color="tab:green", label="one generator")
    axes.fill_between(score, impostor, where=score >= threshold, color="tab:red", alpha=0.5)
    axes.fill_between(score, genuine, where=score <= missed, color="tab:green", alpha=0.3)
    axes.axvspan(missed, threshold, color="gray", alpha=0.25, label="inconclusive")
    axes.axvline(missed, color="black", lw=1)
    axes.axvline(threshold, color="black", lw=1)
    axes.text(missed - 0.02, 1.0, "“different”", ha="right", fontsize=9)
    axes.text(threshold + 0.02, 1.0, "“same”", ha="left", fontsize=9)
    axes.annotate("false matches", (0.46, 0.03), (0.66, 0.3), arrowprops={"arrowstyle": "->"})
    axes.annotate("false non-matches", (0.28, 0.07), (-0.55, 0.3), arrowprops={"arrowstyle": "->"})
    axes.set(xlabel="score", yticks=[], ylim=(0, 1.3))
    axes.legend(frameon=False, loc="upper right", ncols=3, fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    save(figure, "threshold")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    draw_fingerprints()
    draw_profiles()
    draw_threshold()
    draw_synthesis()


if __name__ == "__main__":
    main()
