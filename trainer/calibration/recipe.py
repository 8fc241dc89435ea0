"""What a model is calibrated on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CohortRecipe:
    """`settings` of each kind of `trainer.images.treatments`: strength, and what else it draws.

    Each stands for itself by the mean of `together` photographs of `side` px that all went through
    it, a window of each, so that contents cancel out. Of some kinds there are `more` settings, so
    many times as many: what varies most, or leaves so regular a trace that only its like is near.

    A side's likeness to a kind is that to the `nearest` settings of it. What is explained is
    `likeness_weight` times what the likeness to the best kind exceeds that of a share `base` of
    unprocessed sides by held-out models by, and `contrast_weight` times what it exceeds the mean
    of the `others` kinds next to it by. More than of a share `base` of them is more than usual. A
    side of which more is explained than of a share `processed` of them counts as processed.
    Equations: docs/method.md#cohort; how the weights were chosen: benchmarks/quality/README.md,
    "What the answers are worth".
    """

    settings: int = 60
    together: int = 8
    more: tuple[tuple[str, int], ...] = (
        ("cropped jpeg", 2), ("resized jpeg", 5), ("webp", 3), ("resized webp", 4),
        ("enlarged", 2), ("exactly enlarged", 3), ("doubled", 2), ("text", 4),
        ("stretched size", 12), ("turned", 3), ("demosaiced", 4), ("display", 6),
        ("coarse chroma", 2), ("soft chroma", 2), ("soft grain", 5), ("moved channels", 2),
        ("lines", 5), ("moire", 8), ("screened", 8), ("weave", 4), ("repeating kernel", 3),
        ("block transform", 3), ("screen", 2), ("in turn", 8),
    )  # fmt: skip
    side: int = 224
    nearest: int = 3
    others: int = 10
    base: float = 0.5
    processed: float = 0.998
    likeness_weight: float = 1.5
    contrast_weight: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class TypicalityRecipe:
    """Reference signals: of `images` photographs, and of as many renderings by held-out models.

    `windows` of each count; every second image says what is typical: a share `quantile` of them
    within the limit, times a `margin`. Equations: docs/method.md#typicality.
    """

    images: int = 300
    windows: int = 3
    components: int = 64
    quantile: float = 0.99
    margin: float = 1.3
    seed: int = 0


@dataclass(frozen=True)
class CalibrationRecipe:
    """`images` contents through each of at most `models` held-out models, and then treated.

    A content is a collage of `collage` × `collage` photographs of `side` px, so that windows share
    no pixels. Every `treated`-th model's are treated, too: that costs most. Of processed images
    the impostors of a model are the share `alike` of the others that is most like it: real ones
    that came down one pipeline are more alike than these. `constant` is that of the embeddings
    (`fingerprint_sdk.embedding.image_embedding`). `sides` are the numbers of images on a side: of
    so many, `sets` are drawn of either half of a model's images, halved `draws` times. `windows`
    are those of windows of an image, that get a condition of their own: thresholds at each
    of `fmrs`, scores at each of `fnmrs`. The defaults are what the SDK decides at.

    Images of a real generator vary more than what a synthetic model makes of crops: all windows of
    one tell no more than a single window here, hence one. But processing leaves the same in every
    window, and the more windows, the more alike it makes strangers: processed images are judged
    by `more_windows`, too, and the strictest counts. And still more of its pairs lie low:
    an FNMR's score is that at a share `spread` of it here, and of the logarithm of a likelihood
    ratio a share `evidence` counts (benchmarks/quality/README.md, "What the answers are worth").

    Equations: docs/method.md#calibration.
    """

    models: int = 120
    treated: int = 4
    images: int = 40
    side: int = 224
    collage: int = 2
    draws: int = 4
    sets: int = 12
    alike: float = 0.5
    spread: float = 0.05
    evidence: float = 0.7
    constant: float = 1.0
    sides: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    windows: tuple[int, ...] = (1,)
    more_windows: tuple[int, ...] = (9,)
    fmrs: tuple[float, ...] = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
    fnmrs: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
    default_fmr: float = 0.01
    default_fnmr: float = 0.05
    seed: int = 0
    cohort: CohortRecipe = CohortRecipe()
    typicality: TypicalityRecipe = TypicalityRecipe()
