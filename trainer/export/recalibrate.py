"""A model folder calibrated anew: the same network, by today's recipe of calibration."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import to_json
from fingerprint_sdk.extractor import Extractor
from fingerprint_sdk.files import write_bytes, write_text
from fingerprint_sdk.gallery import file as gallery_file
from fingerprint_sdk.zoo import CONFIG_NAME, KNOWN_NAME
from trainer.calibration import CalibrationRecipe, CohortRecipe, fit_calibration
from trainer.export.run import never_seen
from trainer.extractor.run import RUN_FILE
from trainer.progress import Progress, silent


def recalibrate(
    model: Path,
    pools: list[Path],
    photos_folder: Path,
    *,
    version: str,
    models: int = CalibrationRecipe.models,
    settings: int = CohortRecipe.settings,
    progress: Progress = silent,
) -> Path:
    """Calibrate the model in a folder again, and write it there; returns the ONNX file.

    The network stays as it is, and so do embeddings and what is typical. Of the pools those models
    count that the network never saw, as `export_run` chooses them. A built-in gallery holds
    embeddings, so it stays, too, as one of the new version.

    Raises ValueError when no photograph is left to calibrate on.
    """
    import onnx

    info = json.loads((model / RUN_FILE).read_text())
    config = json.loads((model / CONFIG_NAME).read_text())
    recipe = CalibrationRecipe(models=models, cohort=CohortRecipe(settings=settings))
    chosen, photos = never_seen(info, pools, photos_folder, recipe.side)
    path, known = model / "model.onnx", model / KNOWN_NAME
    extractor = Extractor.from_file(path, device="cpu")
    calibration, cohort = fit_calibration(
        extractor.embed_windows, chosen, photos, recipe, progress=progress
    )
    # What the SDK would refuse, fails here.
    Calibration.from_json(json.dumps(calibration), cohort)
    entries = gallery_file.read(known).entries if known.exists() else None
    proto = onnx.load(path)
    props = {prop.key: prop.value for prop in proto.metadata_props} | {
        "version": version,
        "calibration": json.dumps(calibration, sort_keys=True),
        "cohort": to_json(cohort),
    }
    onnx.helper.set_model_props(proto, props)
    write_bytes(path, proto.SerializeToString())
    if entries is not None:
        identity = Extractor.from_file(path, device="cpu").identity
        write_bytes(known, gallery_file.encode(identity, entries))
    for name in config["files"]:
        content = (model / name).read_bytes()
        config["files"][name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
    write_text(model / CONFIG_NAME, json.dumps(config | {"version": version}, indent=2) + "\n")
    write_text(
        model / RUN_FILE, json.dumps(info | {"calibration": asdict(recipe)}, indent=2) + "\n"
    )
    return path
