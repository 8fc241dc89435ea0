"""``fingerprint info``: what a model is, and where it runs."""

from __future__ import annotations

import platform
from typing import Annotated, Any

import typer

from fingerprint_sdk import __version__, zoo
from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.output import print_json, print_pairs, print_table


def info(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Bundled name, folder, .onnx file, or owner/name on the Hugging Face Hub.",
            show_default="the bundled default",
        ),
    ] = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Show a model: weights licence, sha256, calibration, and the device really used.

    [bold]Examples[/bold]

      fingerprint info

      fingerprint info owner/name --revision 0123456789abcdef0123456789abcdef01234567
    """
    from fingerprint_sdk.extractor import Extractor

    resolved = zoo.resolve(model, revision=revision, offline=offline)
    extractor = Extractor.from_file(resolved.path, device=device.value, threads=threads)
    described = resolved.description
    calibration = extractor.calibration
    document: dict[str, Any] = {
        "name": extractor.name,
        "version": extractor.version,
        "description": None if described is None else described.description,
        "weights_license": extractor.license,
        "source": resolved.source,
        "path": str(resolved.path),
        "bytes": resolved.path.stat().st_size,
        "sha256": extractor.model_sha256,
        "sha256_checked": described is not None,
        "recipe_hash": None if described is None else described.recipe_hash,
        "window_size": extractor.window_size,
        "embedding_size": extractor.embedding_size,
        "default_fmr": calibration.default_fmr,
        "conditions": [
            {
                "images_a": condition.images_a,
                "images_b": condition.images_b,
                "recompressed": condition.recompressed,
                "fmr_range": list(condition.fmr_range),
                "default_threshold": condition.threshold(calibration.default_fmr),
            }
            for condition in calibration.conditions
        ],
        "device": extractor.device,
        "providers": list(extractor.providers),
        "versions": _versions(),
    }
    if json:
        print_json(document)
        return
    conditions = document.pop("conditions")
    versions = document.pop("versions")
    document["default_fmr"] = f"{calibration.default_fmr:g}"
    document["providers"] = ", ".join(extractor.providers)
    document["versions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    print_pairs((key.replace("_", " "), value) for key, value in document.items())
    print_table(
        ("images a", "images b", "recompressed", "lowest FMR", "highest FMR", "default threshold"),
        [
            (
                c["images_a"],
                c["images_b"],
                c["recompressed"],
                f"{c['fmr_range'][0]:g}",
                f"{c['fmr_range'][1]:g}",
                c["default_threshold"],
            )
            for c in conditions
        ],
        title="calibrated comparisons",
    )


def _versions() -> dict[str, str]:
    import huggingface_hub
    import numpy
    import onnxruntime
    import PIL

    return {
        "fingerprint-sdk": __version__,
        "onnxruntime": onnxruntime.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "huggingface-hub": huggingface_hub.__version__,
        "python": platform.python_version(),
    }
