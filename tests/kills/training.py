"""Synthetic models and extractors: a killed run resumes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from support.photographs import write_photographs

from kills.trial import Trial, apart

ARCHITECTURES = 4


def trials(shared: Path) -> dict[str, Trial]:
    """The trials by name; photographs and a pool to learn from are made in a folder."""
    # Here, or most of a child's time would go into this, and be the time when it is killed.
    import trainer.cli
    import trainer.extractor
    import trainer.synthesis  # noqa: F401

    photos = write_photographs(shared / "photos", 8)
    pool = shared / "pool"
    synthesis = ["synthesize", "--photos", photos, "--steps", 2, "--workers", 1, "--seeds", 1]
    synthesis += ["--architectures", ",".join(_architectures())]
    learning = ["extractor", "--pool", pool, "--photos", photos, "--images", 4, "--blocks", 2]
    learning += ["--photographs", 20, "--variants", 1, "--workers", 1]
    return {
        "trainer-synthesize": Trial(
            _start,
            lambda work: [partial(_train, *synthesis, "--out", work)],
            _check_pool,
            lambda work: apart(partial(_train, *synthesis, "--out", work)),
            _is_temporary,
        ),
        "trainer-extractor": Trial(
            partial(_start_learning, pool, [*synthesis, "--out", pool, "--seeds", 2]),
            lambda work: [partial(_train, *learning, "--out", work)],
            _check_run,
            lambda work: apart(partial(_train, *learning, "--out", work)),
            _is_temporary,
        ),
    }


def _architectures() -> list[str]:
    from trainer.synthesis import paper288

    every = [architecture.id for architecture in paper288(8)]
    return every[:: len(every) // ARCHITECTURES][:ARCHITECTURES]


def _train(*words: object) -> None:
    from trainer.cli import app

    code = app([str(word) for word in words], standalone_mode=False)
    assert not code


def _is_temporary(name: str) -> bool:
    return name.endswith(".tmp")


def _start(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)


def _start_learning(pool: Path, synthesis: list[object], work: Path) -> None:
    _start(work)
    if not (pool / "manifest.csv").exists():
        apart(partial(_train, *synthesis))


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

    from trainer.extractor import load_run

    for path in work.glob("**/*.npy"):
        np.load(path)
    try:
        load_run(work)
    except FileNotFoundError:
        assert not done
