"""The experiment `lineage`: variants against base models (paper, IV-E and Fig. 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.evaluation import read_image_set
from trainer.experiments.drawing import interactive_map
from trainer.experiments.embed_map.metrics import draw_map
from trainer.experiments.embedding import describe, embed_generators, limited
from trainer.experiments.lineage.dendrogram import draw_dendrogram
from trainer.experiments.lineage.families import find_families, read_relations, score_groups
from trainer.experiments.lineage.tree import (
    Attribution,
    Tree,
    clades,
    family_agreement,
    grow_tree,
    trace,
)
from trainer.experiments.page import Experiment, Picture, Table
from trainer.progress import Progress, silent

if TYPE_CHECKING:
    from fingerprint_sdk import Extractor


def lineage_experiment(
    extractor: Extractor,
    folder: Path,
    bases: Sequence[str],
    decoders: Path | None = None,
    *,
    limit: int | None = None,
    resamples: int = 200,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Experiment:
    """Trace the models that share a base's decoder to their base, and draw their tree.

    A family is a base model and every model of the image set with the same decoder. Where the CSV
    file has a column `basis` that begins with "fine-tune of" or "derived from", the model is a
    variant in the paper's sense; the others may share no more than the decoder, and count apart.

    Args:
        extractor: the model that makes the fingerprints.
        folder, decoders: see `trainer.evaluation.read_image_set`.
        bases: at least two base models, of different decoders.
        limit: images of each model; None for all.
        resamples, seed: see `trainer.experiments.lineage.tree.grow_tree`.
        cache: see `trainer.experiments.embedding.embed_generators`.
        progress: told of the images embedded, and of all.

    Raises:
        ValueError: a base is not in the image set, two share a decoder, or nothing shares theirs.
    """
    image_set = read_image_set(folder, decoders)
    family = find_families(image_set, bases)
    relations = read_relations(folder, decoders)
    images = limited(image_set.images, limit)
    embeddings = embed_generators(extractor, images, cache=cache, progress=progress)
    members = {name: embeddings[name] for name in family}
    tree = grow_tree(members, resamples=resamples, seed=seed)
    variants = {name: base for name, base in family.items() if name not in bases}
    traced = trace(embeddings, variants, resamples=resamples, seed=seed)
    groups = score_groups(traced, family, relations)
    agreement = family_agreement(tree, family)
    drawn = draw_map(members, images, seed=seed)
    owners = [f"{family[name]} and its family" for name in drawn.labels]
    used = "all images" if limit is None else f"at most {limit} images"
    counts = [len(images[name]) for name in family]
    return Experiment(
        "lineage",
        "Lineage: variants and their base models",
        "IV-E and Fig. 14",
        f"{used} ({min(counts)} to {max(counts)}) of {len(family)} models of {folder.name} in "
        f"{len(bases)} families, {resamples} bootstrap resamples (the paper: 3 base models, "
        "12 LoRA variants, 10 images each); --full for every image and 1,000 resamples.",
        {
            "model": describe(extractor),
            "image_set": str(folder),
            "images": {name: len(images[name]) for name in family},
            "family": family,
            "relation": {name: relations.get(name, "") for name in family},
            "resamples": resamples,
            "seed": seed,
            "traced": [asdict(one) for one in traced],
            "groups": groups,
            "tree": _record(tree),
            "adjusted_rand_index": agreement,
        },
        [
            "A family is a base model and the models that share its image decoder. Fingerprints "
            "are means over a model's images; a variant is traced to the base whose fingerprint "
            "is nearest.",
            _summary(groups, len(bases)),
            f"Cut into {len(bases)} groups, the tree agrees with the families to an adjusted Rand "
            f"index of {agreement:.2f} (1: the same groups, 0: chance). Its distances correlate "
            f"with the true ones by {tree.cophenetic:.2f}.",
            Picture(
                "dendrogram",
                "Average-linkage tree of gallery fingerprints; bold: base models; numbers: share "
                "of bootstrap trees with the same branch, in %",
                draw_dendrogram(tree, family, set(bases)),
            ),
            _details(traced, relations),
            "Images of these models by t-SNE; hover a point to see its model and file.",
            interactive_map(drawn.points, owners, drawn.files, "t-SNE of the families"),
        ],
    )


def _summary(groups: Mapping[str, Mapping[str, float | int]], bases: int) -> Table:
    return Table(
        f"Share of variants, and of their single images, traced to the right one of {bases} bases "
        f"(chance {100 / bases:.0f}), and of variants whose nearest model of all is of their "
        "family, in %",
        ("variants", "number", "traced", "single images", "nearest of all is family"),
        [
            (name, row["variants"], 100 * row["traced"], 100 * row["images"],
             100 * row["same_family_among_all"])
            for name, row in groups.items()
        ],
    )  # fmt: skip


def _details(traced: Sequence[Attribution], relations: Mapping[str, str]) -> Table:
    return Table(
        "Each variant; single images and bootstrap resamples nearest to the true base, in %",
        ("variant", "base", "known as", "traced to", "images", "resamples", "nearest of all"),
        [
            (one.variant, one.base, relations.get(one.variant, ""), one.nearest,
             100 * one.images, 100 * one.supported, one.among_all)
            for one in traced
        ],
    )  # fmt: skip


def _record(tree: Tree) -> dict[str, object]:
    return {
        "names": tree.names,
        "merges": tree.merges.tolist(),
        "branches": [
            sorted(tree.names[leaf] for leaf in branch) for branch in clades(tree.merges)
        ],
        "support": tree.support.tolist(),
        "cophenetic": tree.cophenetic,
    }
