"""A rival's embeddings of generators it was not trained on, for the map beside ours (Fig. 13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.evaluation import Pool
from trainer.laboratory.embedding import limited

if TYPE_CHECKING:
    from trainer.baselines import Rival
    from trainer.comparison import Split

Images = dict[str, tuple[Path, ...]]


def unseen_images(pool: Pool, limit: int | None) -> tuple[Split, Images]:
    """The split that `trainer compare` draws by default, and the images of its unseen half.

    Args:
        limit: images of each generator; None for all.

    Raises ValueError as `trainer.comparison.split_pool` does.
    """
    from trainer.comparison import split_pool

    split = split_pool(pool)
    return split, limited(split.unseen, limit)


def rival_embeddings(
    name: str,
    rival: Rival,
    split: Split,
    images: Mapping[str, Sequence[Path]],
    cache: Path,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Embeddings of `images`, part of the split's, by a rival fitted on its training images.

    Returns float32 (n, D) for each generator, L2-normalised, in the order of its paths. `cache`
    is shared with `trainer compare`.
    """
    from trainer.comparison import embed_rival

    every = embed_rival(name, rival, split, cache, progress or (lambda stage, done, total: None))
    tested = split.seen | split.unseen
    return {
        generator: every[generator][[tested[generator].index(path) for path in paths]]
        for generator, paths in images.items()
    }
