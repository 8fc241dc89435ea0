"""What is mapped: every image set by every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.evaluation import ImageSet, read_image_set
from trainer.experiments.embed_map.metrics import (
    Map,
    Separation,
    draw_map,
    measure_separation,
    methods,
)
from trainer.experiments.embed_map.rival import rival_embeddings, unseen_images
from trainer.experiments.embedding import embed_generators, limited
from trainer.progress import Progress, part_of, silent

if TYPE_CHECKING:
    import numpy as np

    from fingerprint_sdk import Extractor
    from trainer.experiments.rivals import Rival


@dataclass(frozen=True, eq=False)
class Panel:
    """An image set, or its unseen half, mapped by one model."""

    model: str
    folder: Path
    image_set: ImageSet
    images: dict[str, tuple[Path, ...]]
    separation: Separation
    maps: tuple[Map, ...]

    @property
    def title(self) -> str:
        return f"{self.model}, {self.folder.name}"

    def record(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return {
            "model": self.model,
            "image_set": str(self.folder),
            "images": {name: len(paths) for name, paths in self.images.items()},
            "separation": asdict(self.separation),
            "trustworthiness": {drawn.method: drawn.trustworthiness for drawn in self.maps},
            "points": {
                drawn.method: [
                    [file, round(float(x), 3), round(float(y), 3)]
                    for file, (x, y) in zip(drawn.files, drawn.points, strict=True)
                ]
                for drawn in self.maps
            },
        }


def map_panels(
    extractors: Mapping[str, Extractor],
    folders: Sequence[Path],
    decoders: Path | None,
    rivals: Mapping[str, Rival],
    *,
    limit: int | None,
    perplexity: float,
    seed: int,
    cache: Path | None,
    progress: Progress = silent,
) -> tuple[list[Panel], dict[str, dict[str, list[str]]]]:
    """The panels of every image set by every model, and who was seen of each by the rivals.

    Arguments are those of `trainer.experiments.embed_map.page.map_experiment`.
    """
    if rivals and cache is None:
        raise ValueError("a rival's embeddings are kept: give a cache")
    panels: list[Panel] = []
    splits: dict[str, dict[str, list[str]]] = {}
    for folder in folders:
        image_set = read_image_set(folder, decoders)
        images = limited(image_set.images, limit)
        rows: dict[str, dict[str, np.ndarray]] = {}
        if rivals and cache is not None:
            split, images = unseen_images(image_set, limit)
            splits[str(folder)] = {"seen": list(split.seen), "unseen": list(split.unseen)}
            for name, rival in rivals.items():
                rows[rival.title] = rival_embeddings(name, rival, split, images, cache, progress)
        for name, extractor in extractors.items():
            shown = part_of(progress, f"{name}, {folder.name}")
            rows[name] = embed_generators(extractor, images, cache=cache, progress=shown)
        for name, embeddings in rows.items():
            maps = [
                draw_map(embeddings, images, method, perplexity=perplexity, seed=seed)
                for method in methods()
            ]
            separation = measure_separation(embeddings)
            panels.append(Panel(name, folder, image_set, images, separation, tuple(maps)))
    return panels, splits
