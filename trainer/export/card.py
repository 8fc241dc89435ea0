"""The model card of a published model: what it is, how it was made, how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fingerprint_sdk.files import write_text
from trainer.export.figures import IMAGE_SETS, accuracy_table, known_table, value, verdict_table
from trainer.extractor import PaperRecipe


def write_card(
    model: Path,
    scores_file: Path,
    run: Path | None = None,
    known: Path | None = None,
    beside: Path | None = None,
) -> Path:
    """Write `model/README.md` by the run's `run.json`, or the model's own; see `card_text`."""
    described = (model if run is None else run) / "run.json"
    run_info = json.loads(described.read_text()) if described.exists() else None
    path = model / "README.md"
    write_text(path, card_text(model, scores_file, run_info, known=known, beside=beside))
    return path


def card_text(
    model: Path,
    scores_file: Path,
    run_info: dict[str, Any] | None = None,
    *,
    load_as: str | None = None,
    known: Path | None = None,
    beside: Path | None = None,
) -> str:
    """The card of the folder `model`, with a header the Hub reads (`huggingface_hub.ModelCard`).

    Args:
        model: folder with `config.json`.
        scores_file: JSON of `trainer evaluate --out`.
        run_info: `run.json` of the run it came from.
        load_as: what the example gives `fingerprint_sdk.load`; by default the model's own name.
        known: JSON of `trainer evaluate --known --out`, if the model has a built-in gallery.
        beside: JSON of `trainer evaluate --out` of another model, to compare with.

    Raises ValueError when the scores are of another model file.
    """
    config = json.loads((model / "config.json").read_text())
    scores = json.loads(scores_file.read_text())
    promised = config["files"]["model.onnx"]["sha256"]
    for name, values in scores.items():
        if values["model"]["sha256"] != promised:
            raise ValueError(f"{scores_file}: the scores on {name} are of another model file")
    families = None if known is None else json.loads(known.read_text())
    if families is not None and families["model"]["sha256"] != promised:
        raise ValueError(f"{known}: the scores are of another model file")
    told = _families_told(families)
    if beside is not None:
        told += _beside(json.loads(beside.read_text()))
    header = _header(config, scores).to_yaml(line_break="\n")
    return f"---\n{header}\n---\n{_card(config, scores, run_info or {}, load_as, told)}"


def _header(config: dict[str, Any], scores: dict[str, Any]) -> Any:
    from huggingface_hub import EvalResult, ModelCardData

    results = []
    for image_set, values in scores.items():
        figures = {
            ("accuracy", "identification accuracy"): values["identification"]["model"]["accuracy"],
            ("auc", "verification AUC"): values["verification"]["model"]["auc"],
        }
        results += [
            EvalResult(
                task_type="image-classification",
                task_name="model attribution",
                dataset_type=image_set,
                dataset_name=IMAGE_SETS.get(image_set, image_set),
                metric_type=kind,
                metric_name=name,
                metric_value=round(value(figure), 4),
            )
            for (kind, name), figure in figures.items()
        ]
    return ModelCardData(
        license=config["license"].lower(),
        library_name="fingerprint-sdk",
        pipeline_tag="image-feature-extraction",
        tags=["model-attribution", "image-forensics", "fingerprint", "onnx"],
        model_name=config["name"],
        eval_results=results,
    )


def _card(
    config: dict[str, Any],
    scores: dict[str, Any],
    info: dict[str, Any],
    load_as: str | None,
    told: str,
) -> str:
    return f"""
# {config["name"]} {config["version"]}

{config["description"]} Zero-shot: no image of
any real generator was used in training or calibration. The image sets below were looked at several
times to decide on the design (what the heads see, processed and fainter copies, how alike the
calibration's impostors and how large its images are), so only other generators are a wholly
independent test.

```python
import fingerprint_sdk as fp

fp.load("{load_as or config["name"]}").verify("a.png", "b.png")
```

| | |
|---|---|
| input | uint8 windows N×3×{config["window_size"]}×{config["window_size"]}, RGB |
| output | float32 N×{config["embedding_size"]}, L2-normalised |
| file | model.onnx, {config["files"]["model.onnx"]["size"] / 2**20:.1f} MiB, \
sha256 `{config["files"]["model.onnx"]["sha256"]}` |
| recipe hash | `{config["recipe_hash"]}` |
| weights | {config["license"]} |
{_training(info)}
## How good it is

On images of real generators, none of them seen in training, in percent with 95 % intervals.
Identification takes ten gallery images a generator. In brackets, models that share an image
decoder count as one. `trainer evaluate` prints these figures.

{accuracy_table(scores)}

{verdict_table(scores)}
{told}
## What it cannot do

{_lacks(info)}\
- It has no class for camera photographs: two photographs may well be called the same source.
- Models that share an image decoder (LoRA variants, fine-tunes, several text-to-image models on
  one latent decoder) look alike. That is lineage, and it is not told apart.
- Resizing, heavy recompression, blur and deliberate removal weaken or erase the trace.
- The rates come from synthetic models. On other sources the realised ones differ from them, as the
  verdicts above show.
"""


def _lacks(info: dict[str, Any]) -> str:
    """What the SDK does with a compact model alone (`export_run`, `trainer known`)."""
    if info.get("method") != PaperRecipe.method:
        return ""
    return (
        "- It is there to compare with, not to decide by. A gallery made with it names several\n"
        "  times as many strangers as it is asked to (benchmarks/quality/README.md), it does not\n"
        "  notice an image like nothing that it was calibrated for, and has no gallery built in.\n"
    )


def _families_told(families: dict[str, Any] | None) -> str:
    return "" if families is None else f"\n## The built-in gallery\n\n{known_table(families)}\n"


def _beside(scores: dict[str, Any]) -> str:
    model = next(iter(scores.values()))["model"]
    return (
        f"\n## Beside {model['name']}\n\nThe same figures of `{model['name']}` "
        f"{model['version']}:\n\n{accuracy_table(scores)}\n"
    )


def _training(info: dict[str, Any]) -> str:
    if not info:
        return ""
    rendering = info["rendering"]
    return (
        f"\n## How it was made\n\n{info['models']} synthetic models{_families(info)}; "
        f"{rendering['images']} photograph crops each ({100 * rendering['enlarged']:.0f} % of "
        f"them enlarged); {_METHODS[info['method']](info)}. Photographs: openly licensed ones "
        "only. Denoiser: our own distilled DnCNN of σ = 1/255. Versions: "
        + ", ".join(f"{name} {version}" for name, version in info["versions"].items())
        + ". Every number of the recipe: `run.json`; every step: docs/method.md.\n"
    )


def _compact(info: dict[str, Any]) -> str:
    recipe, features = info["recipe"], info["features"]
    # After `trainer.extractor.variants`, in their order.
    kinds = (
        "as rendered",
        "as JPEG",
        "processed at will (JPEG, WebP, blur, noise)",
        "made fainter",
    )
    text = (
        f"every image {', '.join(kinds[: features['variants']])}; {len(recipe['heads'])} linear "
        f"discriminants fitted to all images, and to {features['photographs']} photograph crops "
        "that no model made, so that contents are left out"
    )
    if recipe["contents"] is not None:
        text += (
            ", less what contents still predict of their embeddings, with "
            f"{recipe['contents']['photograph_mean_share']} of the photographs' mean"
        )
    return text


def _paper(info: dict[str, Any]) -> str:
    recipe = info["recipe"]
    full = PaperRecipe.width
    narrowed = "" if recipe["width"] == full else f", {full / recipe['width']:g} times as narrow,"
    return (
        f"the paper's ResNet-50{narrowed} on spectra of residuals, trained with cross-entropy and "
        f"triplet loss for {recipe['steps']} steps of {recipe['models']} models × "
        f"{recipe['images']} images, seed {recipe['seed']}"
    )


_METHODS = {"compact": _compact, "paper": _paper}


def _families(info: dict[str, Any]) -> str:
    by_pool = info.get("models_by_pool")
    if not by_pool:
        return ""
    return " (" + ", ".join(f"{count} of pool `{pool}`" for pool, count in by_pool.items()) + ")"
