"""An index that several add to at once: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.indexes import check_plain, plain_index, plain_rows

import fingerprint_sdk as fp
from fingerprint_sdk.index.file import Content

WRITER = """
import sys
from support.indexes import plain_index, plain_rows
import fingerprint_sdk as fp
from fingerprint_sdk.index.file import Content

identity = plain_index(0).model
for number in map(int, sys.argv[2:]):
    with fp.Index.changing(sys.argv[1]) as index:
        index.merge(fp.Index(content=Content(identity, plain_rows(number, 1))))
"""


def part(first: int, count: int, *, half: bool = False) -> fp.Index:
    return fp.Index(content=Content(plain_index(0).model, plain_rows(first, count, half=half)))


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    plain_index(0).save(path)
    environment = {"PYTHONPATH": f"{Path(__file__).parents[2]}:{Path(fp.__file__).parents[1]}"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), *map(str, range(first, 24, 2))],
            env=environment,
        )
        for first in (0, 1)
    ]
    while any(process.poll() is None for process in processes):
        fp.Index.load(path)
    assert [process.returncode for process in processes] == [0, 0]
    names = fp.Index.load(path).names
    assert sorted(names) == sorted(f"image{number}" for number in range(24))


def test_merging_takes_over_all_or_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.fpi", plain_index(5))
    with fp.Index.changing(path) as index:
        index.merge(part(5, 3))
        with pytest.raises(fp.GalleryError, match="'image7' is in both"):
            index.merge(part(7, 3))
        index.merge(part(7, 3), on_duplicate="keep")
        index.merge(part(0, 0))
        with pytest.raises(fp.GalleryError, match="float16"):
            index.merge(part(20, 1, half=True))
        with pytest.raises(fp.GalleryError, match="of model pretend"):
            index.merge(plain_index_of_another_model())
    check_plain(fp.Index.load(path), 10)
    assert fp.Index.load(path).stamp("image9") == (9, -9)


def saved(path: Path, index: fp.Index) -> Path:
    index.save(path)
    return path


def plain_index_of_another_model() -> fp.Index:
    identity = replace(plain_index(0).model, sha256="1" * 64)
    return fp.Index(content=Content(identity, plain_rows(30, 1)))


def test_after_an_error_nothing_is_saved(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.fpi", plain_index(5))
    before = path.stat()

    def fail() -> None:
        with fp.Index.changing(path) as index:
            index.merge(part(5, 3))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    with fp.Index.changing(path) as index:
        index.remove([])
    assert path.stat() == before


def test_a_new_one_is_made_when_asked_for(extractor: fp.Extractor, tmp_path: Path) -> None:
    path = tmp_path / "x.fpi"
    with pytest.raises(fp.GalleryError, match="there is no index"), fp.Index.changing(path):
        pass
    noise = np.random.default_rng(3).integers(0, 256, (140, 140, 3), np.uint8)
    for number in range(2):
        with fp.Index.changing(path, extractor, create=True, half=True) as index:
            index.add([noise[number:]], names=[str(number)])
    assert fp.Index.load(path).names == ("0", "1")
    assert fp.Index.load(path).half
