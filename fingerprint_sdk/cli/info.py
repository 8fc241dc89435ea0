"""``fingerprint info``: what a model is, and where it runs; or what is known of an image."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fingerprint_sdk import __version__, zoo
from fingerprint_sdk.cli.shared import options
from fingerprint_sdk.cli.shared.image import is_image_file, print_image
from fingerprint_sdk.cli.shared.output import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from fingerprint_sdk.calibration import Calibration


def info(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL|IMAGE]",
            help="Bundled name, folder, .onnx file, or owner/name on the Hugging Face Hub; or an "
            "image file.",
            show_default="the bundled default",
        ),
    ] = None,
    revision: options.Revision = None,
    device: options.Device = options.DeviceChoice.auto,
    offline: options.Offline = False,
    threads: options.Threads = None,
    show_prompts: options.ShowPrompts = False,
    json: options.Json = False,
) -> None:
    """Show a model: weights licence, sha256, calibration, and the device really used.

    Of an image file, show its size, hash and quality, and what it declares of itself.

    [bold]Examples[/bold]

      fingerprint info

      fingerprint info suspect.png

      fingerprint info owner/name --revision 0123456789abcdef0123456789abcdef01234567
    """
    from fingerprint_sdk.extractor import Extractor

    if model is not None and is_image_file(Path(model)):
        print_image(Path(model), show_prompts, json)
        return
    resolved = zoo.resolve(model, revision=revision, offline=offline)
    extractor = Extractor.from_file(resolved.path, device=device.value, threads=threads)
    described = resolved.description
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
        "calibration": _calibration(extractor.calibration),
        "device": extractor.device,
        "providers": list(extractor.providers),
        "versions": _versions(),
    }
    if json:
        print_json(document)
        return
    calibration = document.pop("calibration")
    document["providers"] = ", ".join(extractor.providers)
    versions = document.pop("versions")
    document["versions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    _print(document, calibration)


def _calibration(calibration: Calibration) -> dict[str, Any]:
    """What a model is calibrated for, and its bounds for one image a side at its default rates."""
    from fingerprint_sdk.images.treatment import TREATMENTS

    rates = calibration.check(None)
    singles = [calibration.condition(1, 1, treatment=treatment) for treatment in TREATMENTS]
    return {
        "default_fmr": calibration.default_fmr,
        "default_fnmr": calibration.default_fnmr,
        "fmr_range": list(calibration.fmr_range),
        "fnmr_range": list(singles[0].fnmr_range),
        "images": list(calibration.images),
        "windows": list(calibration.windows),
        "single": [
            {
                "treatment": condition.treatment,
                "missed": condition.limits(*rates)[0],
                "threshold": condition.limits(*rates)[1],
                "least_likelihood_ratio": condition.bounds[0],
                "largest_likelihood_ratio": condition.bounds[1],
            }
            for condition in singles
        ],
    }


def _print(model: dict[str, Any], calibration: dict[str, Any]) -> None:
    fmr, fnmr = calibration["default_fmr"], calibration["default_fnmr"]
    calibrated = {
        "calibrated for": ", ".join(one["treatment"] for one in calibration["single"]),
        "images a side": _listed(calibration["images"]),
        "windows": _listed(calibration["windows"]),
        "FMR": _range(calibration["fmr_range"], fmr),
        "FNMR": _range(calibration["fnmr_range"], fnmr),
    }
    print_pairs(
        [*((key.replace("_", " "), value) for key, value in model.items()), *calibrated.items()]
    )
    columns = (
        "images are",
        f"same from, FMR {fmr:g}",
        f"different below, FNMR {fnmr:g}",
        "likelihood ratios",
    )
    rows = [
        (
            one["treatment"],
            one["threshold"],
            one["missed"],
            f"{one['least_likelihood_ratio']:.2g} to {one['largest_likelihood_ratio']:.2g}",
        )
        for one in calibration["single"]
    ]
    print_table(columns, rows, title="one image a side, all windows")


def _listed(numbers: list[int]) -> str:
    """``1, 2, 5 or more``: beyond the largest that was calibrated nothing changes."""
    return ", ".join(map(str, numbers)) + " or more"


def _range(rates: list[float], default: float) -> str:
    return f"{rates[0]:g} to {rates[1]:g}, by default {default:g}"


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
