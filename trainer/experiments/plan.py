"""Which commands a full run consists of, given the data at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.experiments.report import ORDER


@dataclass(frozen=True)
class Inputs:
    """What a full run may use; an experiment that lacks some of it is left out.

    Attributes:
        models: extractors, the first for experiments that take a single one.
        images: image sets of real generators, the first for experiments that take a single one.
        photos: folder of photographs.
        pool: pool of synthetic models.
        lineage: image set that holds the base models.
        bases: base models, two or more.
    """

    models: Sequence[str] = ()
    images: Sequence[Path] = ()
    photos: Path | None = None
    pool: Path | None = None
    lineage: Path | None = None
    bases: Sequence[str] = ()


def plan_run(inputs: Inputs, out: Path, *, full: bool = False) -> dict[str, list[str]]:
    """Name of each experiment that can be run -> arguments of `trainer`, in the paper's order.

    All at the default scale, or with `full` at the paper's (`evaluate` has one scale). Ablations
    and the comparison with rivals train for hours at any scale worth reading, so they are run by
    themselves and only collected.
    """
    sets = [part for folder in inputs.images for part in ("--images", str(folder))]
    models = [part for model in inputs.models for part in ("--model", model)]
    bases = [part for base in inputs.bases for part in ("--base", base)]
    photos = ["--photos", str(inputs.photos)] if inputs.photos else []
    pool = ["--pool", str(inputs.pool)] if inputs.pool else []
    real = [part for folder in inputs.images for part in ("--real", str(folder))]
    plans: dict[str, list[str]] = {}
    if sets:
        plans["spectrum"] = ["analyse", "spectrum", *sets, *photos]
    if photos:
        plans["components"] = ["analyse", "components", *photos, *pool]
        plans["kernels"] = ["analyse", "kernels", *photos, *pool]
        plans["blocks"] = ["analyse", "blocks", *photos]
    if pool and photos and real:
        plans["fidelity"] = ["fidelity", *pool, *photos, *real]
    if models and sets:
        plans["evaluate"] = ["evaluate", *models[:2], *sets]
        plans["embed-map"] = ["embed-map", *models, *sets]
        plans["robustness"] = ["robustness", *models, *sets[:2]]
    if models and bases and inputs.lineage:
        source = ["--images", str(inputs.lineage)]
        plans["lineage"] = ["lineage", *models[:2], *source, *bases]
    scale = ["--full"] if full else []
    return {
        name: [*plans[name], "--page", str(out)]
        if name == "evaluate"
        else [*plans[name], *scale, "--out", str(out)]
        for name in ORDER
        if name in plans
    }
