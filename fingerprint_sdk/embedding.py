"""The embedding of an image, from its windows, and of a set, from its images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.images.quality import counted_windows

_UNIT = 1e-3  # how far from 1 a length may be, for half precision

Embedding = npt.NDArray[np.float32]
Run: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating]]
"""From windows, uint8 (n, 3, 128, 128), to their embeddings, (n, D)."""


def embed_images(
    run: Run,
    images: Iterable[npt.NDArray[np.uint8]],
    constant: float = 0.0,
    *,
    per_axis: int | None = None,
    batch_size: int | None = None,
) -> Embedding:
    """Embeddings of images as an ``Extractor`` takes them, by any function of their windows.

    Args:
        run: the function; it need not normalise.
        images: uint8, shape (height, width, 3), RGB, at least one.
        constant: of the model, see ``image_embedding``.
        per_axis: windows on each axis at most, see ``images.windows``.
        batch_size: images whose windows share one call of ``run``; None for all.

    Returns:
        float32, L2-normalised, shape (N, D), or (N, D + 1) with a constant.

    Raises:
        ValueError: no image was given.
    """
    remaining = iter(images)
    rows: list[Embedding] = []
    while batch := [counted_windows(image, per_axis) for image in islice(remaining, batch_size)]:
        vectors = run(np.concatenate(batch))
        rows += image_embeddings(vectors, [len(cut) for cut in batch], constant)
    if not rows:
        raise ValueError("no images were given")
    return np.stack(rows)


def image_embeddings(
    windows: npt.NDArray[np.floating], counts: Sequence[int], constant: float = 0.0
) -> Iterator[Embedding]:
    """``image_embedding`` of several images whose windows are in one array.

    Args:
        windows: shape (n, D), those of the first image, then those of the second...
        counts: windows of each image, each at least 1; their sum is n.
        constant: of the model, at least 0; 0 for none.

    Yields:
        For each image float32, shape (D,), or (D + 1,) with a constant.
    """
    start = 0
    for count in counts:
        yield image_embedding(windows[start : start + count], constant)
        start += count


def image_embedding(windows: npt.NDArray[np.floating], constant: float = 0.0) -> Embedding:
    """The embedding of an image from those of its windows.

    Their L2-normalised mean (paper, "Sliding Window"), and behind it ``constant``, all scaled to
    length 1 again. A constant t turns the cosine s of two images into (s + t²) / (1 + t²), which
    ranks them as before. But images of a set that agree have a longer mean than images that do
    not, and only beside a constant does the normalised mean of the set still show it: the larger
    t, the more nearly cosines of sets rank as the distance between their means does.

    Equations: docs/method.md#windows.

    Args:
        windows: shape (n, D), n >= 1.
        constant: of the model, at least 0; 0 for none.

    Returns:
        float32, shape (D,), or (D + 1,) with a constant. All zero when the windows cancel out.
    """
    mean = mean_embedding(windows)
    if not constant:
        return mean
    extended = np.append(mean.astype(np.float64), constant if mean.any() else 0.0)
    return mean_embedding(extended[None])


def mean_embedding(embeddings: npt.NDArray[np.floating]) -> Embedding:
    """L2-normalised mean: windows to image, images to set.

    Args:
        embeddings: shape (n, D), n >= 1.

    Returns:
        float32, shape (D,). All zero when the rows cancel out, which scores 0 with anything.
    """
    mean: npt.NDArray[np.float64] = np.asarray(embeddings, dtype=np.float64).mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return np.asarray(mean / norm if norm > 0 else mean, dtype=np.float32)


def is_embeddings(images: object) -> TypeGuard[npt.NDArray[np.floating]]:
    """Whether something given for images is embeddings: an array of floats, (D,) or (n, D)."""
    return (
        isinstance(images, np.ndarray)
        and np.issubdtype(images.dtype, np.floating)
        and images.ndim <= 2
    )


def embedding_rows(embeddings: npt.NDArray[np.floating], size: int) -> Embedding:
    """One embedding or some as float32 rows, (n, D).

    Raises:
        FingerprintError: they are not L2-normalised rows of ``size`` numbers.
    """
    rows = float_rows(embeddings)
    if rows.shape[1] != size:
        raise FingerprintError(
            f"embeddings of this model have {size} numbers, not {rows.shape[1]}: embed the images "
            "with the model that compares them"
        )
    # Values that are not finite fail this comparison too.
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(rows, axis=1)
    if not (np.abs(norms - 1) < _UNIT).all():
        raise FingerprintError(
            "embeddings must be finite and L2-normalised: give them as embedded"
        )
    return rows


def float_rows(embeddings: object) -> Embedding:
    """One embedding or some as float32 rows, (n, D), whatever their lengths are.

    Raises:
        FingerprintError: they are no rows of real numbers.
    """
    try:
        given = np.asarray(embeddings)
        if given.dtype.kind not in "fiub" or given.ndim > 2:
            raise ValueError(f"{given.dtype}, shape {given.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is no unit vector
            return np.atleast_2d(given.astype(np.float32, copy=False))
    except (ValueError, TypeError) as error:
        raise FingerprintError(
            f"embeddings must be an array of floats, (D,) or (n, D), not {error}"
        ) from error


def cosine(a: Embedding, b: Embedding) -> float:
    """Score of two L2-normalised embeddings, -1 to 1."""
    return float(np.clip(np.dot(a.astype(np.float64), b.astype(np.float64)), -1, 1))
