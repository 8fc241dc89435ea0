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
    image_set: ImageSet,
    *,
    seen: Sequence[str] = (),
    training: ImageSet | None = None,
    train_share: float = 0.4,
    seed: int = 0,
) -> Split:
    """Half of the generators seen, and a share of each seen one's images for training.

    Generators that share an image decoder stay on one side: else an unseen one would have a twin
    among the seen.

    Args:
        image_set: its images are tested, but for those trained on.
        seen: names of the seen ones; by default those of `training`, else drawn with `seed`.
        training: more images of seen generators, to train on. The twins of seen generators are
            left out then.
        train_share: of each seen one's images, 0 to 1; 0 only with `training`.
        seed: of what is drawn.

    Raises:
        ValueError: fewer than two generators on a side, an unknown name, or too few images.
    """
    more = {} if training is None else training.images
    names = set(seen) or set(more) or _draw_half(image_set, seed)
    if unknown := (names | set(more)) - set(image_set.images):
        raise ValueError(
            f"{sorted(unknown)} are not in the image set: {', '.join(image_set.images)}"
        )
    other = set(image_set.images) - names
    if training is not None:
        decoders = {image_set.decoders[name] for name in names}
        other = {name for name in other if image_set.decoders[name] not in decoders}
    if min(len(names), len(other)) < 2:
        raise ValueError("at least two generators must be seen, and two not")
    if not 0 <= train_share < 1 or (not train_share and names - set(more)):
        raise ValueError(f"the training share must lie between 0 and 1, not {train_share}")
    train, test = {}, {}
    for name in sorted(names):
        paths = image_set.images[name]
        order = np.random.default_rng((seed, len(paths))).permutation(len(paths))
        count = max(1, int(train_share * len(paths))) if train_share else 0
        train[name] = (*more.get(name, ()), *(paths[i] for i in sorted(order[:count])))
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
