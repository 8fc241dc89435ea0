"""A wider family of synthetic models than the paper's, after what generators use today.

Beyond the paper: up to three stages, pixel shuffle, un-patchify, bicubic and FIR upsampling, 4×4
transposed convolution, LeakyReLU, SiLU and GELU, group and pixel normalisation, noise inputs, an
RGB skip path, sharpened targets (adversarial training sharpens where squared error blurs), bounded
outputs, and resizing after generation. `extended_autoencoder` is the network.

Seeds 0 to 3 of an architecture are ever less alike: 1 and 2 share most of 0's random weights (near
twins, the hard negatives of training), 3 shares none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TWIN_DISTANCE = (0.0, 0.2, 0.5, 1.0)  # share of fresh noise in the weights, by seed % 4


@dataclass(frozen=True)
class ExtendedArchitecture:
    """Drawn by `draw_extended`; see the module's description."""

    number: int
    stages: int
    upsampling: str
    activation: str
    normalisation: str
    convolutions: int
    width: int
    latent: int
    kernel: int
    output: str
    skip: bool
    noise: float
    sharpen: float
    spread: float
    resize: float
    resize_kernel: str

    @property
    def id(self) -> str:
        return f"extended-{self.number:05d}"


def draw_extended(number: int) -> ExtendedArchitecture:
    """Architecture `number`: a pure function of it."""
    rng = np.random.default_rng((288, number))
    pick = lambda *values: values[rng.integers(len(values))]  # noqa: E731
    stages, kernel = pick(1, 1, 2, 2, 3), pick(1, 3, 3, 3, 5, 7)
    return ExtendedArchitecture(
        number=number,
        stages=stages,
        upsampling=pick(
            "nearest",
            "bilinear",
            "bicubic",
            "fir",
            "shuffle",
            "transposed2",
            "transposed4",
            "patch",
        ),
        activation=pick("none", "relu", "leaky", "silu", "gelu", "tanh", "sigmoid"),
        normalisation=pick("none", "none", "batch", "group", "pixel"),
        convolutions=pick(1, 1, 2, 3),
        width=min(pick(16, 24, 32, 48), {1: 48, 3: 48, 5: 24, 7: 16}[kernel]),
        latent=pick(8, 16, 32),
        kernel=kernel,
        output=pick("linear", "linear", "tanh", "sigmoid"),
        skip=bool(rng.random() < 0.25),
        noise=float(pick(0.0, 0.0, rng.uniform(0.02, 0.3))),
        sharpen=float(pick(0.0, 0.0, rng.uniform(0.1, 1.5))),
        spread=float(rng.uniform(0.1, 0.6)),
        resize=float(rng.uniform(0.6, 1.7)) if rng.random() < 0.15 else 1.0,
        resize_kernel=pick("bicubic", "bilinear"),
    )
