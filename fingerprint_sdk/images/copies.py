"""What an image may have become since: copies that a gallery can know beside the original.

A published image is seldom the file that its generator wrote. Its own recompressed or shrunk copy
is far nearer to it than the original is, so a gallery that knows both finds either.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from fingerprint_sdk.images.decode import LoadedImage, is_single_image, load_image

Pixels = npt.NDArray[np.uint8]


def _jpeg(pixels: Pixels) -> Pixels:
    """JPEG of quality 90, 4:2:0: the finer and the coarser ones that people publish are near."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90, subsampling=2)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded)


def _shrunk(pixels: Pixels) -> Pixels:
    """Both sides at 70 %, bicubically."""
    height, width = (max(1, round(0.7 * side)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


KINDS: Mapping[str, Callable[[Pixels], Pixels]] = {"jpeg": _jpeg, "shrunk": _shrunk}
LOSSY = "jpeg"
"""The kind whose pixels carry lossy compression."""


def jpeg_copies(images: Iterable[object]) -> Iterator[LoadedImage]:
    """The JPEG copy of each image."""
    for image in images:
        loaded = load_image(image)  # type: ignore[arg-type]
        yield LoadedImage(_jpeg(loaded.pixels), f"the jpeg copy of {loaded.name}")


def can_be_read_again(images: object) -> bool:
    """Whether images that were taken once can be taken once more: no stream, no open file."""
    if is_single_image(images):
        return not hasattr(images, "read")
    if isinstance(images, np.ndarray):
        return True
    return isinstance(images, Sequence) and not any(hasattr(image, "read") for image in images)


def with_copies(images: Iterable[object]) -> Iterator[LoadedImage]:
    """Each image, decoded, and behind it its copies in the order of ``KINDS``."""
    for image in images:
        loaded = load_image(image)  # type: ignore[arg-type]
        yield loaded
        for kind, process in KINDS.items():
            yield LoadedImage(process(loaded.pixels), f"the {kind} copy of {loaded.name}")
