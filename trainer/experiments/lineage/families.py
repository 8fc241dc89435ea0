"""Which models belong to which base, and how many were traced to it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trainer.evaluation import ImageSet
from trainer.experiments.lineage.tree import (
    Attribution,
)

_DERIVED = ("fine-tune of", "derived from")


def find_families(image_set: ImageSet, bases: Sequence[str]) -> dict[str, str]:
    """Model -> base, bases first in each family."""
    if len(set(bases)) < 2:
        raise ValueError("name at least two base models, each with --base")
    for base in bases:
        if base not in image_set.images:
            raise ValueError(
                f"no model {base!r} in the image set: it has {', '.join(image_set.images)}"
            )
    owner = {image_set.decoders[base]: base for base in bases}
    if len(owner) < len(bases):
        raise ValueError(
            f"two of the base models {list(bases)} share a decoder: they are one family"
        )
    family = {}
    for decoder, base in owner.items():
        shared = [name for name in image_set.images if image_set.decoders[name] == decoder]
        family |= {name: base for name in sorted(shared, key=lambda name: name != base)}
    if len(family) == len(bases):
        raise ValueError("no other model shares a decoder with a base: give --decoders")
    return family


def read_relations(folder: Path, decoders: Path | None) -> dict[str, str]:
    """The column `basis` of the CSV file, where there is one."""
    here = folder.resolve()
    places = [decoders] if decoders else [here / "decoders.csv", here.parent / "decoders.csv"]
    for path in places:
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                return {row["model"]: row.get("basis") or "" for row in csv.DictReader(file)}
    return {}


def score_groups(
    traced: Sequence[Attribution], family: Mapping[str, str], relations: Mapping[str, str]
) -> dict[str, dict[str, float | int]]:
    """Scores of the variants proper, of those that share the decoder only, and of all."""
    derived = [one for one in traced if relations.get(one.variant, "").startswith(_DERIVED)]
    other = [one for one in traced if one not in derived]
    parts = {"fine-tuned or derived": derived, "share the decoder": other, "all": traced}
    return {
        name: {
            "variants": len(chosen),
            "traced": float(np.mean([one.nearest == one.base for one in chosen])),
            "images": float(np.mean([one.images for one in chosen])),
            "same_family_among_all": float(
                np.mean([family.get(one.among_all) == one.base for one in chosen])
            ),
        }
        for name, chosen in parts.items()
        if chosen
    }
