"""Synthetic models and extractors: a killed run resumes.

The trials are small, and what each run does alike before it writes anything is done ahead: PyTorch
is imported, workers are forked, the graph of the signal is exported. Else most kills would fall
into that.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from support.photographs import write_photographs

from kills.trial import Trial, apart

ARCHITECTURES = 12


def trials(shared: Path) -> dict[str, Trial]:
    """The trials by name; photographs and a pool to learn from are made in a folder."""
    import torch

    import trainer.synthesis.pool

    torch.set_num_threads(1)  # threads do not survive a fork
    trainer.synthesis.pool.get_context = lambda method: multiprocessing.get_context("fork")
    photos = write_photographs(shared / "photos", 8)
    pool = shared / "pool"
    _synthesize(photos, 2, pool)  # in this process, as the next: what they import stays
    learn = _extractor(photos, pool)
    learn(shared / "once")
    return {
        "trainer-synthesize": Trial(
            _start,
            lambda work: [partial(_synthesize, photos, 1, work)],
            _check_pool,
            lambda work: apart(partial(_synthesize, photos, 1, work)),
            _is_temporary,
        ),
        "trainer-extractor": Trial(
            _start,
            lambda work: [partial(learn, work)],
            _check_run,
            lambda work: apart(partial(learn, work)),
            _is_temporary,
        ),
    }


def _synthesize(photos: Path, seeds: int, out: Path) -> None:
    from trainer.cli import app
    from trainer.synthesis import paper288

    every = [architecture.id for architecture in paper288(8)]
    chosen = ",".join(every[:: len(every) // ARCHITECTURES][:ARCHITECTURES])
    words = ["--architectures", chosen, "--seeds", seeds, "--steps", 1, "--no-closed-form"]
    words = ["synthesize", "--photos", photos, "--out", out, "--workers", 1, *words]
    code = app([str(word) for word in words], standalone_mode=False)
    assert not code


def _extractor(photos: Path, pool: Path) -> Callable[[Path], object]:
    """What ``trainer extractor`` calls, with a smaller network than it offers."""
    import torch

    import trainer.extractor.features
    from trainer.denoiser import Student
    from trainer.extractor import CompactRecipe, FeatureRecipe, Head, RenderRecipe, run_compact

    torch.manual_seed(0)
    heads = (Head(("coefficients",)), Head(("periods",)))
    recipe = CompactRecipe(heads=heads, embedding=8, sample=64)
    denoiser = Student(4, 4)
    exported = trainer.extractor.features.onnx_embedder(recipe.signal(denoiser).eval(), threads=1)
    trainer.extractor.features.onnx_embedder = lambda *_, **__: exported
    return lambda out: run_compact(
        [pool],
        photos,
        out,
        recipe,
        denoiser,
        rendering=RenderRecipe(images=4, blocks=2, worst_error=100),
        features=FeatureRecipe(variants=1, photographs=20),
    )


def _is_temporary(name: str) -> bool:
    return name.endswith(".tmp")


def _start(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)


def _check_pool(work: Path, done: int) -> None:
    from trainer.synthesis import load_model, read_pool

    if not list(work.glob("**/*.safetensors")):
        assert not done
        return
    entries = read_pool(work)
    assert len(entries) == ARCHITECTURES or not done
    for entry in entries:
        load_model(work, entry)


def _check_run(work: Path, done: int) -> None:
    import numpy as np
    from safetensors.numpy import load_file

    from trainer.extractor import load_run

    for path in work.glob("**/*.npy"):
        np.load(path)
    for path in work.glob("**/*.safetensors"):
        load_file(path)
    try:
        load_run(work)
    except FileNotFoundError:
        assert not done
