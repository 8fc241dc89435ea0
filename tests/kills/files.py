"""Commands that write galleries, indexes and tables."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from support.tiny_model import build_tiny_model, synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.cli import app
from kills.trial import Steps, Trial

STEPS, IMAGES = 6, 2


def command(*words: object) -> None:
    """Run a command in this process, without its words; an error goes up."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = app([str(word) for word in words], standalone_mode=False)
    assert not code, said.getvalue()


def pictures(root: Path) -> list[Path]:
    """A folder for each step, with a folder of images in it, all of different names."""
    folders = []
    for step in range(STEPS):
        folders.append(root / f"step{step}")
        inner = folders[-1] / f"source{step}"
        inner.mkdir(parents=True)
        for image in range(IMAGES):
            pixels = synthetic_image(step, image, 140, 140)
            Image.fromarray(pixels).save(inner / f"{step}-{image}.png")
    return folders


def trials(shared: Path) -> dict[str, Trial]:
    """The trials by name; what they share is made in a folder."""
    model = build_tiny_model(shared / "model.onnx")
    folders = pictures(shared)
    options = ["--model", model, "--device", "cpu", "--threads", "1"]
    copies = "--no-copies"
    return {
        "gallery-add": Trial(
            partial(_start, "g.fpg", partial(_gallery, model)),
            lambda work: [
                partial(command, "gallery", "add", work / "g.fpg", folder, copies, *options)
                for folder in folders
            ],
            _check_gallery,
            lambda work: command("gallery", "rename", work / "g.fpg", "before", "after"),
            _all_but("g.fpg", ".g.fpg.lock"),
        ),
        "index-add": Trial(
            partial(
                _start,
                "x.fpi",
                lambda path: fp.Index(fp.load(model, device="cpu", threads=1)).save(path),
            ),
            lambda work: [
                partial(command, "index", folder, "--out", work / "x.fpi", *options)
                for folder in folders
            ],
            _check_index,
            lambda work: command("index", folders[-1], "--out", work / "x.fpi", *options),
            _all_but("x.fpi", ".x.fpi.lock"),
        ),
        "embed-out": Trial(
            partial(_start, "x.npz", None),
            lambda work: _embed(work, folders, options),
            _check_table,
            lambda work: command(
                "embed", folders[0] / "source0", "--out", work / "y.npz", *options
            ),
            _all_but("x.npz", "y.npz"),
        ),
    }


def _all_but(*names: str) -> Callable[[str], bool]:
    return lambda name: name not in names


def _start(name: str, make: Callable[[Path], None] | None, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if make is not None:
        make(work / name)


def _gallery(model: Path, path: Path) -> None:
    gallery = fp.Gallery(fp.load(model, device="cpu", threads=1))
    gallery.enroll("before", np.eye(16, dtype=np.float32)[:3])
    gallery.save(path)


def _index(model: Path, path: Path) -> None:
    fp.Index(fp.load(model, device="cpu", threads=1)).save(path)


def _check_gallery(work: Path, done: int) -> None:
    gallery = fp.Gallery.load(work / "g.fpg")
    assert list(gallery.names) in (
        ["before", *(f"source{step}" for step in range(done))],
        ["before", *(f"source{step}" for step in range(done + 1))],
    )
    counts = [len(entry.embeddings) for _, entry in gallery.items()]
    assert counts == [3] + [IMAGES] * (len(gallery) - 1)


def _check_index(work: Path, done: int) -> None:
    index = fp.Index.load(work / "x.fpi")
    assert len(index) in (IMAGES * done, IMAGES * (done + 1))
    names = [f"{step}-{image}.png" for step in range(STEPS) for image in range(IMAGES)]
    assert [Path(name).name for name in index.names] == names[: len(index)]


def _embed(work: Path, folders: list[Path], options: list[object]) -> Steps:
    """Tables of more and more images, in one file."""
    sources = [folder / f"source{step}" for step, folder in enumerate(folders)]
    return [
        partial(command, "embed", *sources[: step + 1], "--out", work / "x.npz", *options)
        for step in range(len(sources))
    ]


def _check_table(work: Path, done: int) -> None:
    if done == 0 and not (work / "x.npz").exists():
        return
    with np.load(work / "x.npz") as table:
        count = len(table["paths"])
        assert table["embeddings"].shape == (count, 16)
    assert count in (IMAGES * done, IMAGES * (done + 1))
