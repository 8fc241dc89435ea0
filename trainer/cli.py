"""The `trainer` command: from a folder of photographs to a published fingerprint model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from fingerprint_sdk.errors import FingerprintError


class _Commands(TyperGroup):
    """Turns bad input into one message on stderr and exit code 2; a bug keeps its traceback."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except (FingerprintError, ValueError, OSError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from error
        except ModuleNotFoundError as error:
            if error.name not in ("torch", "onnx", "onnxscript", "onnxruntime", "sklearn"):
                raise
            needed = 'pip install "fingerprint-sdk[trainer,cpu]"'
            typer.echo(f"error: training needs {error.name}: {needed}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__,
)
pool_app = typer.Typer(no_args_is_help=True, help="Look at a pool of synthetic models.")
app.add_typer(pool_app, name="pool")

PhotosOption = Annotated[Path, typer.Option(help="Folder of real photographs.", exists=True)]


@app.command()
def synthesize(
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the pool; a killed run resumes.")],
    architectures: Annotated[
        str, typer.Option(help="`paper288`, `extended:N`, or ids split by commas.")
    ] = ("paper288"),
    seeds: Annotated[int, typer.Option(help="Models per architecture.", min=1)] = 20,
    width: Annotated[int, typer.Option(help="Channels of the last block (paper288).")] = 32,
    steps: Annotated[int, typer.Option(help="Step budget of each model.", min=0)] = 150,
    floor: Annotated[float, typer.Option(help="η: no gradient below this residual.")] = 0.005,
    closed_form: Annotated[
        bool, typer.Option(help="Solve the last convolution before and after the descent.")
    ] = True,
    workers: Annotated[int, typer.Option(help="Processes, one core each.", min=1)] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train synthetic models (paper III-B)."""
    from trainer.progress import bar
    from trainer.synthesis import SynthesisRecipe, named_architectures
    from trainer.synthesis import synthesize as run

    recipe = SynthesisRecipe(floor=floor, steps=steps, closed_form=closed_form)
    chosen = named_architectures(architectures, width)
    with bar("synthetic models") as update:
        entries = run(
            photos,
            out,
            chosen,
            tuple(range(seeds)),
            recipe,
            workers=workers,
            device=device,
            progress=lambda done, total, _: update(done, total),
        )
    typer.echo(f"{out}: {len(entries)} synthetic models")


@app.command()
def denoiser(
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the denoiser; a killed run resumes.")],
    steps: Annotated[int, typer.Option(help="Steps of the teacher.", min=25)] = 2000,
    student_steps: Annotated[int, typer.Option(help="Steps of the student.", min=25)] = 4000,
    student_crops: Annotated[int, typer.Option(help="Crops the student learns.", min=1)] = 800,
    depth: Annotated[int, typer.Option(help="Layers of the teacher.", min=3)] = 17,
    width: Annotated[int, typer.Option(help="Channels of the teacher.", min=1)] = 64,
    student_depth: Annotated[int, typer.Option(help="Layers of the student.", min=2)] = 4,
    student_width: Annotated[int, typer.Option(help="Channels of the student.", min=1)] = 16,
    batch: Annotated[int, typer.Option(help="Patches a step.", min=1)] = 8,
    side: Annotated[int, typer.Option(help="Side of a patch in pixels.")] = 96,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Seed of weights, patches and noise.", min=0)] = 0,
) -> None:
    """Train the denoiser and its cheap student (paper III-C)."""
    from trainer.denoiser import DenoiserRecipe, make_denoiser
    from trainer.photos import load_photos
    from trainer.progress import bar

    recipe = DenoiserRecipe(
        depth=depth,
        width=width,
        student_depth=student_depth,
        student_width=student_width,
        steps=steps,
        student_steps=student_steps,
        student_crops=student_crops,
        batch=batch,
        side=side,
        learning_rate=learning_rate,
        seed=seed,
    )
    with bar("denoiser") as update:
        report = make_denoiser(
            load_photos(photos, side=max(128, side)),
            out,
            recipe,
            progress=lambda done, total, numbers: update(done, total, **numbers),
        )
    typer.echo(
        f"teacher  {report.teacher_macs / 1e6:10.1f} M multiply-accumulates at 128 px\n"
        f"student  {report.student_macs / 1e6:10.1f} M, {report.ratio:.1f} times fewer\n"
        f"residual spectra on {report.held_out_photographs} held-out photographs: log power "
        f"correlation {report.agreement.correlation:.4f}, mean absolute log difference "
        f"{report.agreement.mean_log_difference:.4f}"
    )


@app.command()
def extractor(
    pool: Annotated[list[Path], typer.Option(help="Pool of synthetic models; repeatable.")],
    photos: PhotosOption,
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run resumes.")],
    recipe: Annotated[str, typer.Option(help="`compact` (we ship it) or `paper`.")] = "compact",
    residual: Annotated[
        Path | None, typer.Option(help="Denoiser weights; default: the ones in the package.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Override the recipe's steps.", min=1)] = None,
    images: Annotated[int, typer.Option(help="Images rendered per model.", min=4)] = 16,
    variants: Annotated[int, typer.Option(help="Signals kept per image.", min=1)] = 2,
    blocks: Annotated[
        int, typer.Option(help="Content blocks: models of a block see the same crops.", min=1)
    ] = 40,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 0,
) -> None:
    """Train a fingerprint extractor on synthetic models only (paper III-C)."""
    from dataclasses import replace

    from trainer.denoiser import load_weights
    from trainer.extractor import RECIPES, FeatureRecipe, RenderRecipe, plot_losses, run_extractor
    from trainer.progress import bars

    if recipe not in RECIPES:
        raise typer.BadParameter(f"{recipe!r} is not one of {', '.join(RECIPES)}")
    chosen = replace(RECIPES[recipe], seed=seed, steps=steps or RECIPES[recipe].steps)
    network = load_weights(residual or ("dncnn" if recipe == "paper" else "student"))
    with bars() as update:
        run_extractor(
            pool,
            photos,
            out,
            chosen,
            network,
            rendering=RenderRecipe(images=images, blocks=blocks),
            features=FeatureRecipe(variants=variants),
            progress=lambda stage, done, total, numbers: update(stage, done, total, **numbers),
        )
    typer.echo(f"{out}: finished; losses drawn in {plot_losses(out)}")


@app.command()
def export_onnx(
    run: Annotated[Path, typer.Argument(help="Folder of a finished `trainer extractor` run.")],
    out: Annotated[Path, typer.Option(help="Folder of the model, e.g. zoo/NAME.")],
    photos: PhotosOption,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1.0.0",
    license: Annotated[str, typer.Option(help="Licence of the weights.")] = "Apache-2.0",
    models: Annotated[int, typer.Option(help="Held-out models to calibrate on.", min=2)] = 120,
) -> None:
    """Calibrate a run on held-out models and write it as one ONNX file."""
    from trainer.progress import bar
    from trainer.publish import export_run

    with bar("calibration") as update:
        path = export_run(
            run, out, photos, version=version, license=license, models=models, progress=update
        )
    typer.echo(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, parity with torch checked")


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Model name, folder or ONNX file.")],
    images: Annotated[
        list[Path], typer.Option(help="Pool FOLDER/GENERATOR/IMAGE; repeatable.", exists=True)
    ],
    decoders: Annotated[
        Path | None, typer.Option(help="CSV of model,decoder; default: beside the pool.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores as JSON.")] = None,
    galleries: Annotated[int, typer.Option(help="Random galleries.", min=1)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs of either kind.", min=1)] = 5000,
) -> None:
    """Score a model on images of real generators (paper, section IV)."""
    import fingerprint_sdk
    from trainer.evaluation import evaluate as run
    from trainer.evaluation import print_table, write_json
    from trainer.progress import bar

    loaded = fingerprint_sdk.load(model)
    scores = {}
    for folder in images:
        with bar(folder.name) as update:
            scores[folder.name] = run(
                loaded, folder, decoders, galleries=galleries, pairs=pairs, progress=update
            )
    print_table(scores)
    if out is not None:
        write_json(out, scores)


@app.command()
def card(
    model: Annotated[Path, typer.Argument(help="Folder of the model, e.g. zoo/NAME.")],
    scores: Annotated[Path, typer.Option(help="JSON of `trainer evaluate --out`.", exists=True)],
    run: Annotated[Path | None, typer.Option(help="Run the model came from.")] = None,
) -> None:
    """Write a model's card from its scores."""
    from trainer.card import write_card

    info = json.loads((run / "run.json").read_text()) if run is not None else None
    typer.echo(f"{write_card(model, scores, info)}")


@pool_app.command()
def info(
    pool: Annotated[Path, typer.Argument(help="Folder made by `trainer synthesize`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count a pool's models by axis; show their residuals, their cost and their recipe."""
    from trainer.synthesis.summary import summarise_pool, summary_table

    summary = summarise_pool(pool)
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
    else:
        from rich.console import Console

        Console().print(summary_table(summary, str(pool)))


if __name__ == "__main__":
    app()
