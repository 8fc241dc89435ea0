"""A rival's embeddings of generators it was not trained on, for the map beside ours (Fig. 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.evaluation import ImageSet
from trainer.experiments.embedding import limited
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from trainer.experiments.comparison import Split
    from trainer.experiments.rivals import Rival

Images = dict[str, tuple[Path, ...]]


def unseen_images(image_set: ImageSet, limit: int | None) -> tuple[Split, Images]:
    """The split that `trainer compare` draws by default, and the images of its unseen half.

    Args:
        limit: images of each generator; None for all.

    Raises ValueError as `trainer.experiments.comparison.split_image_set` does.
    """
    from trainer.experiments.comparison import split_image_set

    split = split_image_set(image_set)
    return split, limited(split.unseen, limit)


def rival_embeddings(
    name: str,
    rival: Rival,
    split: Split,
    images: Mapping[str, Sequence[Path]],
    cache: Path,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Embeddings of `images`, part of the split's, by a rival fitted on its training images.

    Returns float32 (n, D) for each generator, L2-normalised, in the order of its paths. `cache`
    is shared with `trainer compare`.

    Raises ValueError when the rival needs a package that is not installed.
    """
    from trainer.experiments.comparison import embed_rival

    try:
        every = embed_rival(name, rival, split, cache, progress)
    except ModuleNotFoundError as error:
        raise ValueError(f"{rival.title}: {error}") from error
    tested = split.seen | split.unseen
    return {
        generator: every[generator][[tested[generator].index(path) for path in paths]]
        for generator, paths in images.items()
    }
