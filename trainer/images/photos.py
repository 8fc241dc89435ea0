"""Real photographs: the pool that synthetic models reconstruct (paper III-C, "real dataset pool").

All of a camera's own trace must be gone before a synthetic model adds its own, or the extractor
would learn the codec. Each photograph is therefore shrunk by a random factor of at least 1.5 and
cropped at an offset that is not a multiple of the 8-pixel JPEG grid.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
MIN_SHRINK, MAX_SHRINK = 1.5, 2.5


@dataclass(frozen=True)
class Photos:
    """Shrunk photographs held in memory.

    `images` are H×W×3 uint8 RGB arrays, each at least `side` pixels on both axes; `names` are
    their file names, in the same order. `digest` is a hash of the files they came from.

    Equations: docs/method.md#photographs.
    """

    images: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    side: int
    digest: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def crops(
        self, count: int, side: int, rng: np.random.Generator, *, enlarged: float = 0.0
    ) -> np.ndarray:
        """`count` random crops of random photographs: uint8, (count, 3, side, side), RGB.

        A share `enlarged` of them is cut smaller, by up to a half, and enlarged to `side`:
        generated pictures are smoother at the pixel than shrunk photographs.
        """
        out = np.empty((count, 3, side, side), np.uint8)
        for i in range(count):
            image = self.images[rng.integers(len(self.images))]
            if enlarged and rng.random() < enlarged:
                small = _crop(image, int(rng.integers(side // 2, side)), rng).transpose(1, 2, 0)
                resized = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)
                out[i] = np.asarray(resized).transpose(2, 0, 1)
            else:
                out[i] = _crop(image, side, rng)
        return out

    def split(self, held_out: float) -> tuple[Photos, Photos]:
        """Split by file, never by crop: (training, held out). The split is a hash of the name."""
        kept, held = [], []
        for i, name in enumerate(self.names):
            fraction = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
            (held if fraction < held_out else kept).append(i)
        return self._take(kept), self._take(held)

    def _take(self, indices: list[int]) -> Photos:
        names = tuple(self.names[i] for i in indices)
        digest = hashlib.sha256(repr((self.digest, names)).encode()).hexdigest()[:16]
        return Photos(tuple(self.images[i] for i in indices), names, self.side, digest)


def load_photos(folder: Path, *, side: int = 128, seed: int = 0) -> Photos:
    """Read every image below `folder`, shrink it, and cut it off the JPEG grid.

    Photographs too small to give `side` pixels after shrinking by 1.5 are left out.
    Raises FileNotFoundError when `folder` holds no usable photograph, ValueError when an image
    file cannot be read.
    """
    folder = Path(folder)
    images, names = [], []
    # Of the files, not the pixels: decoders of another version differ by a grey level here and
    # there, and a pool must not become foreign to its own photographs by an upgrade.
    files = hashlib.sha256(f"{seed}:{side}".encode())
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        name = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        shrunk = _shrink(_read(path), side + 8, rng)
        if shrunk is not None:
            files.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
            images.append(shrunk)
            names.append(name)
    if not images:
        raise FileNotFoundError(
            f"{folder}: no photograph of at least {int((side + 8) * MIN_SHRINK)} px was found; "
            "give a folder of JPEG or PNG photographs"
        )
    return Photos(tuple(images), tuple(names), side, files.hexdigest()[:16])


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is no readable image ({error}); mend or remove it") from error


def _shrink(image: Image.Image, side: int, rng: np.random.Generator) -> np.ndarray | None:
    largest = min(MAX_SHRINK, min(image.size) / side)
    if largest < MIN_SHRINK:
        return None
    factor = rng.uniform(MIN_SHRINK, largest)
    size = (round(image.width / factor), round(image.height / factor))
    shrunk = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    top, left = rng.integers(1, 8, size=2)  # off the grid, also for whatever grid survives
    return np.ascontiguousarray(shrunk[top:, left:])


def _crop(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    if min(height, width) < side:
        raise ValueError(f"a {width}x{height} photograph cannot give a crop of {side} px")
    top = rng.integers(height - side + 1)
    left = rng.integers(width - side + 1)
    crop = image[top : top + side, left : left + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return crop.transpose(2, 0, 1)
