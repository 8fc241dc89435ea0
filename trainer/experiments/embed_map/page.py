"""The experiment `embed-map`: every image set mapped by every model (paper, Fig. 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.experiments.drawing import interactive_map, scatter
from trainer.experiments.embed_map.metrics import (
    NEIGHBOURS,
    Map,
    methods,
)
from trainer.experiments.embed_map.panels import Panel, map_panels
from trainer.experiments.embedding import describe
from trainer.experiments.page import Experiment, Picture, Table
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fingerprint_sdk import Extractor
    from trainer.experiments.rivals import Rival


def map_experiment(
    extractors: Mapping[str, Extractor],
    folders: Sequence[Path],
    decoders: Path | None = None,
    *,
    rivals: Mapping[str, Rival] | None = None,
    limit: int | None = 15,
    perplexity: float = 30.0,
    by_decoder: bool = False,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Experiment:
    """Map every image set by every model.

    Args:
        extractors: models, by the name that the page shows.
        folders, decoders: see `trainer.evaluation.read_image_set`; image sets are never mixed.
        rivals: methods of `trainer.experiments.rivals` by name, fitted on the seen half of each
            image set as `trainer compare` does. Only the unseen half is mapped, by every method.
        limit: images of each generator; None for all.
        perplexity, seed: see `trainer.experiments.embed_map.metrics.draw_map`.
        by_decoder: colour by decoder; the figures stay those of generators.
        cache: see `trainer.experiments.embedding.embed_generators`; needed with rivals, whose
            embeddings `trainer compare` keeps there too.
        progress: told of each model and image set, and of each rival.
    """
    panels, splits = map_panels(
        extractors,
        folders,
        decoders,
        rivals or {},
        limit=limit,
        perplexity=perplexity,
        seed=seed,
        cache=cache,
        progress=progress,
    )
    every = {name: describe(extractor) for name, extractor in extractors.items()}
    figures = {
        "models": every,
        "rivals": {name: repr(rival) for name, rival in (rivals or {}).items()},
        "splits": splits,
        "perplexity": perplexity,
        "seed": seed,
        "limit": limit,
        "panels": [panel.record() for panel in panels],
    }
    shown = "all images" if limit is None else f"at most {limit} images"
    return Experiment(
        "embed-map",
        "Maps of embeddings",
        "Fig. 13",
        f"{shown} of each of {len({(p.folder, g) for p in panels for g in p.images})} generators "
        f"in {len(folders)} image {'set' if len(folders) == 1 else 'sets'} (the paper does not "
        f"say how many); --full for all images. {_training(rivals or {})}"
        f"Methods: {' and '.join(methods())}.",
        figures,
        [
            "A point is an image, a colour a generator. What counts is whether points of one "
            "colour lie together; distances between far groups mean little in such maps. The "
            "table measures the same in the embedding itself, before any map.",
            *_split_lines(splits),
            _summary(panels),
            *_pictures(panels, by_decoder),
            "Hover a point to see its generator and file; press a name to hide or show it.",
            *_interactive(panels, by_decoder),
            *[_neighbours(panel) for panel in panels],
        ],
    )


def _training(rivals: Mapping[str, Rival]) -> str:
    """How the rivals were trained, as far as they are."""
    return "".join(f"{rival.title}: {rival!r}. " for rival in rivals.values())


def _split_lines(splits: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    return [
        f"Of {Path(folder).name} only generators that no rival was trained on are shown. The "
        f"rivals were trained on images of {', '.join(split['seen'])}."
        for folder, split in splits.items()
    ]


def _summary(panels: Sequence[Panel]) -> Table:
    return Table(
        f"How well generators separate. Own neighbours: share of an image's {NEIGHBOURS} nearest "
        "others that are by its own generator, in %. Trustworthiness: of the map itself, in %.",
        (
            "model, image set", "generators", "own neighbours", "silhouette × 100",
            *(f"trustworthiness, {method}" for method in methods()),
        ),
        [
            (panel.title, len(panel.images), 100 * panel.separation.neighbours,
             100 * panel.separation.silhouette,
             *(100 * drawn.trustworthiness for drawn in panel.maps))
            for panel in panels
        ],
    )  # fmt: skip


def _neighbours(panel: Panel) -> Table:
    rows = []
    for name, own in panel.separation.own.items():
        other = panel.separation.nearest_other[name]
        rows.append(
            (name, 100 * own, *(("–", "–") if other is None else (other[0], 100 * other[1])))
        )
    return Table(
        f"{panel.title}: whose images are the {NEIGHBOURS} nearest, in %",
        ("generator", "its own", "mostly else", "share"),
        rows,
    )


def _labels(panel: Panel, drawn: Map, by_decoder: bool) -> list[str]:
    return [panel.image_set.decoders[label] if by_decoder else label for label in drawn.labels]


def _pictures(panels: Sequence[Panel], by_decoder: bool) -> list[Picture]:
    """One picture for each image set and method, a panel for each model."""
    pictures = []
    folders = list(dict.fromkeys(panel.folder for panel in panels))
    for folder in folders:
        for k, method in enumerate(methods()):
            shown = [panel for panel in panels if panel.folder == folder]
            figure = _figure(shown, k, by_decoder)
            label = f"{folders.index(folder) + 1}-{folder.name}-{method.lower()}"
            colours = "decoder" if by_decoder else "generator"
            caption = f"{method} of the embeddings of {folder.name}, by {colours}"
            pictures.append(Picture(label, caption, figure))
    return pictures


def _figure(panels: Sequence[Panel], k: int, by_decoder: bool) -> Figure:
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(
        1, len(panels), figsize=(5.2 * len(panels) + 2.8, 5), squeeze=False, layout="constrained"
    )
    for panel, axes in zip(panels, grid[0], strict=True):
        drawn = panel.maps[k]
        scatter(axes, drawn.points, _labels(panel, drawn, by_decoder), panel.title)
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", fontsize=8, frameon=False)
    return figure


def _interactive(panels: Sequence[Panel], by_decoder: bool) -> list[str]:
    parts: list[str] = []
    for panel in panels:
        for drawn in panel.maps:
            title = f"{panel.title}: {drawn.method}"
            labels = _labels(panel, drawn, by_decoder)
            parts += [title, interactive_map(drawn.points, labels, drawn.files, title)]
    return parts
