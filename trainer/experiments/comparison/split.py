"""Which generators the rivals may see, and which of their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.evaluation import ImageSet

LEAST_TEST_IMAGES = 11
"""The protocol's gallery of 10, and one probe."""


@dataclass(frozen=True)
class Split:
    """Paths by generator. `train` and `seen` are disjoint images of the same generators."""

    train: dict[str, tuple[Path, ...]]
    seen: dict[str, tuple[Path, ...]]
    unseen: dict[str, tuple[Path, ...]]


def split_image_set(
    image_set: ImageSet, *, seen: Sequence[str] = (), train_share: float = 0.4, seed: int = 0
) -> Split:
    """Half of the generators seen, and a share of each seen one's images for training.

    Generators that share an image decoder stay on one side: else an unseen one would have a twin
    among the seen. Without `seen`, the seen half is drawn with `seed`.

    Raises:
        ValueError: fewer than two generators on a side, an unknown name, or too few images.
    """
    names = set(seen) or _draw_half(image_set, seed)
    if unknown := names - set(image_set.images):
        raise ValueError(
            f"{sorted(unknown)} are not in the image set: {', '.join(image_set.images)}"
        )
    other = set(image_set.images) - names
    if min(len(names), len(other)) < 2:
        raise ValueError("at least two generators must be seen, and two not")
    if not 0 < train_share < 1:
        raise ValueError(f"the training share must lie between 0 and 1, not {train_share}")
    train, test = {}, {}
    for name in sorted(names):
        paths = image_set.images[name]
        order = np.random.default_rng((seed, len(paths))).permutation(len(paths))
        count = max(1, int(train_share * len(paths)))
        train[name] = tuple(paths[i] for i in sorted(order[:count]))
        test[name] = tuple(paths[i] for i in sorted(order[count:]))
    split = Split(train, test, {name: image_set.images[name] for name in sorted(other)})
    for name, paths in (split.seen | split.unseen).items():
        if len(paths) < LEAST_TEST_IMAGES:
            raise ValueError(
                f"{name!r} has {len(paths)} test images, and the protocol needs "
                f"{LEAST_TEST_IMAGES}: add images, or lower the training share"
            )
    return split


def _draw_half(image_set: ImageSet, seed: int) -> set[str]:
    """Whole groups of one decoder, in random order, while they fit into half."""
    decoders = sorted(set(image_set.decoders.values()))
    seen: set[str] = set()
    for i in np.random.default_rng(seed).permutation(len(decoders)):
        group = {name for name in image_set.images if image_set.decoders[name] == decoders[i]}
        if len(seen) + len(group) <= len(image_set.images) // 2:
            seen |= group
    return seen
