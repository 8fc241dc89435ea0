"""What goes into a rival: random crops to train on, windows to embed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fingerprint_sdk.embedding import embed_images


class Crops:
    """Random crops of some generators' images; a label is an index into `names`."""

    def __init__(self, images: Mapping[str, Sequence[np.ndarray]], side: int) -> None:
        """Raises ValueError when fewer than two generators, or none of one's images, are given."""
        if len(images) < 2:
            raise ValueError(f"a rival learns to tell generators apart: {list(images)} is too few")
        for name, pixels in images.items():
            if not len(pixels):
                raise ValueError(f"{name!r} has no image to learn from")
        self.names, self.side = tuple(sorted(images)), side
        self.images = [[_at_least(image, side) for image in images[name]] for name in self.names]

    def draw(
        self, count: int, rng: np.random.Generator, *, per_image: int = 1
    ) -> tuple[np.ndarray, Tensor]:
        """`count` crops, uint8 (count, 3, side, side), and their labels, int64 (count,).

        The generators take turns; `per_image` crops in a row come from one image.
        """
        out = np.empty((count, 3, self.side, self.side), np.uint8)
        labels = np.empty(count, np.int64)
        start = int(rng.integers(len(self.names)))
        for i in range(count):
            if i % per_image == 0:
                label = (start + i // per_image) % len(self.names)
                image = self.images[label][rng.integers(len(self.images[label]))]
            out[i] = crop(image, self.side, rng)
            labels[i] = label
        return out, torch.from_numpy(labels)


def crop(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random crop of `image` (H, W, 3), at times mirrored: (3, side, side)."""
    top = rng.integers(image.shape[0] - side + 1)
    left = rng.integers(image.shape[1] - side + 1)
    out = image[top : top + side, left : left + side]
    return (out[:, ::-1] if rng.random() < 0.5 else out).transpose(2, 0, 1)


def centred(pixels: np.ndarray) -> Tensor:
    """uint8 (N, 3, H, W) -> float32 in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).float() / 127.5 - 1


@torch.inference_mode()
def embed_by_windows(images: Sequence[np.ndarray], network: nn.Module, side: int) -> np.ndarray:
    """L2-normalised mean of `network` over the middle `side` px of each image's windows."""
    network.eval()

    def middle(cut: np.ndarray) -> np.ndarray:
        margin = (cut.shape[-1] - side) // 2
        cut = cut[:, :, margin : margin + side, margin : margin + side]
        return nn.functional.normalize(network(centred(cut)), dim=1).numpy()

    return embed_images(middle, images, batch_size=1)


def embed_by(
    images: Sequence[np.ndarray], describe: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Stack `describe(image)`, a vector, over images: float32 (N, D), not normalised."""
    return np.stack([np.asarray(describe(image), np.float32) for image in images])


def normalised(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) of length 1, float32; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(norms, 1e-12)).astype(np.float32)


def _at_least(image: np.ndarray, side: int) -> np.ndarray:
    """Mirror the borders of an image that is smaller than a crop."""
    missing = [(0, max(0, side - size)) for size in image.shape[:2]]
    return np.pad(image, [*missing, (0, 0)], mode="symmetric")
