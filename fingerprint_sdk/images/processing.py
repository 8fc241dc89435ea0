"""What becomes of images on their way: scaled, or written by a lossy codec and read again.

Each kind has a name that is the same for ever, since galleries keep it, and ``apply``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, features

from fingerprint_sdk.images.jpeg import estimate_jpeg_quality
from fingerprint_sdk.process.forks import cached_property

Pixels = npt.NDArray[np.uint8]
"""uint8, shape (height, width, 3), RGB."""

SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")
"""How Pillow's JPEG encoder can sample the colours."""

_THEN = " then "


class Kind(Protocol):
    """A kind of processing.

    Attributes:
        name: "scale 0.7", "jpeg 85 4:2:0", "webp 80", "avif 60", or two of these with "then"
            between; ``kind_named`` knows it.
        lossy: whether a codec changes the pixels.
    """

    @property
    def name(self) -> str: ...

    @property
    def lossy(self) -> bool: ...

    def apply(self, pixels: Pixels) -> Pixels:
        """The processed image; its sides are at least one pixel."""
        ...


@dataclass(frozen=True)
class Scale:
    """Both sides resized by a factor, bicubically.

    Attributes:
        factor: above 0.
    """

    factor: float
    lossy: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"scale {self.factor:g}"

    def apply(self, pixels: Pixels) -> Pixels:
        height, width = (max(1, round(self.factor * side)) for side in pixels.shape[:2])
        resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(resized)


@dataclass(frozen=True)
class Jpeg:
    """JPEG with libjpeg's tables.

    Attributes:
        quality: 1 to 100.
        subsampling: of the colours, one of ``SUBSAMPLING``.
    """

    quality: int
    subsampling: str
    lossy: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"jpeg {self.quality} {self.subsampling}"

    def apply(self, pixels: Pixels) -> Pixels:
        return _read_again(pixels, "JPEG", quality=self.quality, subsampling=self.subsampling)


@dataclass(frozen=True)
class JpegTables:
    """JPEG with the tables of a file at hand.

    Attributes:
        tables: one to four of 64 steps, 1 to 255, row by row, luminance first.
        subsampling: as in ``Jpeg``.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: str
    lossy: ClassVar[bool] = True

    @cached_property
    def name(self) -> str:
        """That of the libjpeg setting of like coarseness."""
        return Jpeg(estimate_jpeg_quality(self.tables[0]), self.subsampling).name

    def apply(self, pixels: Pixels) -> Pixels:
        tables = [list(table) for table in self.tables[:4]]
        return _read_again(pixels, "JPEG", qtables=tables, subsampling=self.subsampling)


@dataclass(frozen=True)
class WebP:
    """Lossy WebP of a quality from 0 to 100."""

    quality: int
    lossy: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"webp {self.quality}"

    def apply(self, pixels: Pixels) -> Pixels:
        return _read_again(pixels, "WEBP", quality=self.quality)


@dataclass(frozen=True)
class Avif:
    """AVIF of a quality from 0 to 100, its colours 4:2:0. Pillow has it from 11.3 on.

    By the encoder's fastest setting, since the usual one takes longer than the embedding does.
    """

    quality: int
    lossy: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"avif {self.quality}"

    def apply(self, pixels: Pixels) -> Pixels:
        return _read_again(pixels, "AVIF", quality=self.quality, speed=10)


@dataclass(frozen=True)
class Chain:
    """One kind of processing, then another: "scale 0.8 then jpeg 80 4:2:0"."""

    first: Kind
    second: Kind

    @property
    def name(self) -> str:
        return f"{self.first.name}{_THEN}{self.second.name}"

    @property
    def lossy(self) -> bool:
        return self.first.lossy or self.second.lossy

    def apply(self, pixels: Pixels) -> Pixels:
        return self.second.apply(self.first.apply(pixels))


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises ValueError if there is none."""
    if name.count(_THEN) == 1:
        return Chain(*(kind_named(part) for part in name.split(_THEN)))
    family, *numbers = name.split(" ")
    kind: Kind
    try:
        match family, numbers:
            case "scale", [factor]:
                kind = Scale(float(factor))
            case "jpeg", [quality, subsampling] if subsampling in SUBSAMPLING:
                kind = Jpeg(int(quality), subsampling)
            case "webp", [quality]:
                kind = WebP(int(quality))
            case "avif", [quality]:
                kind = Avif(int(quality))
            case _:
                raise ValueError
        if kind.name == name:  # else "jpeg 085", or a factor that is no number
            return kind
    except ValueError:
        pass
    raise ValueError(f"{name!r} is no kind of processing")


def resized(kind: Kind) -> float:
    """The factor by which it changes the sides of an image."""
    if isinstance(kind, Chain):
        return resized(kind.first) * resized(kind.second)
    return kind.factor if isinstance(kind, Scale) else 1.0


def available(kind: Kind) -> bool:
    """Whether this Pillow can do it: not every build writes WebP and AVIF."""
    if isinstance(kind, Chain):
        return available(kind.first) and available(kind.second)
    codec = kind.name.split(" ")[0]
    return codec not in ("webp", "avif") or bool(features.check(codec))


def _read_again(pixels: Pixels, codec: str, **options: Any) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, codec, **options)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))
