"""From a finished run to a model folder: calibrate, export, describe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trainer.calibration import CalibrationRecipe, fit_calibration
from trainer.export.onnx import FingerprintModel, ModelCard, export_onnx, onnx_embedder
from trainer.extractor import held_out_models, load_run
from trainer.images.photos import load_photos
from trainer.synthesis import read_pool

Progress = Callable[[int, int], None]


def export_run(
    run: Path,
    out: Path,
    photos_folder: Path,
    *,
    version: str,
    license: str,
    models: int = 120,
    progress: Progress | None = None,
) -> Path:
    """Calibrate `run` on the models and photographs it never saw, and write `out/model.onnx`."""
    finished = load_run(run)
    recipe, rendering = finished.info["recipe"], finished.info["rendering"]
    entries = [
        (Path(pool), entry)
        for pool in finished.info["pools"]
        for entry in read_pool(Path(pool))
        if entry.residual <= rendering["worst_residual"]
    ]
    names = tuple(f"{pool.name}/{entry.architecture}/{entry.seed}" for pool, entry in entries)
    held = held_out_models(names, recipe["held_out"])
    chosen = [entry for entry, is_held in zip(entries, held, strict=True) if is_held]
    calibrating = CalibrationRecipe(models=models)
    # The split goes by name, so photographs loaded for larger crops were still never trained on.
    side = max(rendering["side"], calibrating.side)
    _, photos = load_photos(photos_folder, side=side).split(recipe["held_out"])
    if not photos.names:
        raise ValueError(
            f"{photos_folder}: no held-out photograph gives {side} px to calibrate on; "
            "add more or larger ones"
        )

    embed = onnx_embedder(FingerprintModel(finished.signal, finished.network))
    calibration = fit_calibration(embed, chosen, photos, calibrating, progress=progress)
    card = ModelCard(
        name=out.name,
        version=version,
        license=license,
        description=(
            f"Fingerprint extractor from {finished.info['models']} synthetic models only, a tenth "
            f"of their architectures held out for calibration; recipe {recipe['name']}."
        ),
        recipe_hash=finished.info["recipe_hash"],
        calibration=calibration,
        constant=calibrating.constant,
    )
    return export_onnx(finished.signal, finished.network, card, out)
