"""From a finished run to a model folder: calibrate, export, describe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch

from fingerprint_sdk.files import write_text
from fingerprint_sdk.images.jpeg import DETECTOR
from trainer.calibration import (
    CalibrationRecipe,
    CohortRecipe,
    fit_calibration,
    reference_windows,
)
from trainer.export.onnx import FingerprintModel, ModelCard, export_onnx
from trainer.extractor import CompactNet, PaperRecipe, held_out_models, load_run
from trainer.extractor.run import RUN_FILE
from trainer.extractor.saved import Run
from trainer.graph import onnx_embedder
from trainer.images.photos import Photos, load_photos
from trainer.progress import Progress, silent
from trainer.signal.typicality import Typicality, fit_typicality
from trainer.synthesis import PoolEntry, read_pool

_USE = {PaperRecipe.method: ", to compare with and not to decide by"}


def export_run(
    run: Path,
    out: Path,
    photos_folder: Path,
    *,
    version: str,
    license: str,
    models: int = CalibrationRecipe.models,
    settings: int = CohortRecipe.settings,
    progress: Progress = silent,
) -> Path:
    """Calibrate `run` on the models and photographs it never saw, and write a model folder.

    `out` gets `model.onnx`, `config.json`, and `run.json`: every recipe that made the file, and no
    path of this machine.
    """
    finished = load_run(run)
    calibrating = CalibrationRecipe(models=models, cohort=CohortRecipe(settings=settings))
    pools = [Path(pool) for pool in finished.info["pools"]]
    chosen, photos = never_seen(finished.info, pools, photos_folder, calibrating.side)
    embed = onnx_embedder(FingerprintModel(finished.signal, finished.network))
    calibration, cohort = fit_calibration(embed, chosen, photos, calibrating, progress=progress)
    typicality = _typicality(finished, chosen, photos, calibrating)
    card = ModelCard(
        name=out.name,
        version=version,
        license=license,
        description=(
            f"Fingerprint extractor from {finished.info['models']} synthetic models only, a tenth "
            f"of their architectures held out for calibration; method {finished.info['method']}"
            f"{_USE.get(finished.info['method'], '')}."
        ),
        recipe_hash=finished.info["recipe_hash"],
        calibration=calibration,
        cohort=cohort,
        constant=calibrating.constant,
    )
    made_by = without_paths(finished.info) | {
        "calibration": asdict(calibrating),
        "jpeg_detector": asdict(DETECTOR),
    }
    path = export_onnx(finished.signal, finished.network, card, out, typicality=typicality)
    write_text(out / RUN_FILE, json.dumps(made_by, indent=2) + "\n")
    return path


def never_seen(
    info: dict[str, Any], pools: Sequence[Path], photos_folder: Path, side: int
) -> tuple[list[tuple[Path, PoolEntry]], Photos]:
    """The models and the photographs that a run was not trained on; `info` is its `run.json`.

    Raises ValueError when no such photograph gives crops of `side` px.
    """
    held_out, rendering = info["recipe"]["held_out"], info["rendering"]
    entries = [
        (pool, entry)
        for pool in pools
        for entry in read_pool(pool)
        if entry.reconstruction_error <= rendering["worst_error"]
    ]
    held = held_out_models([entry.id(pool) for pool, entry in entries], held_out)
    # The split goes by name, so photographs loaded for larger crops were still never trained on.
    side = max(rendering["side"], side)
    _, photos = load_photos(photos_folder, side=side).split(held_out)
    if not photos.names:
        raise ValueError(
            f"{photos_folder}: no held-out photograph gives {side} px to calibrate on; "
            "add more or larger ones"
        )
    return [entry for entry, is_held in zip(entries, held, strict=True) if is_held], photos


def _typicality(
    run: Run,
    pools: list[tuple[Path, PoolEntry]],
    photos: Photos,
    recipe: CalibrationRecipe,
) -> Typicality | None:
    """Of photographs and of what held-out models make of others; of a compact network only."""
    if not isinstance(run.network, CompactNet):
        return None
    measure = onnx_embedder(run.signal)
    reference = reference_windows(pools, photos, recipe)
    network = run.network
    with torch.no_grad():
        signals = [
            network.standardised(torch.from_numpy(measure(images))).numpy() for images in reference
        ]
    wanted = recipe.typicality
    return fit_typicality(
        np.concatenate(signals[::2]),
        np.stack(signals[1::2]),
        wanted.components,
        wanted.quantile,
        wanted.margin,
    )


def without_paths(info: dict[str, Any]) -> dict[str, Any]:
    """`run.json` without the folders of this machine."""
    return info | {"pools": [PurePath(pool).name for pool in info["pools"]]}
