"""How much memory saving and opening an index take, beside the size of its file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")

ROWS, SIZE = 40_000, 641
HEADER = f"""
import sys
import numpy as np
import fingerprint_sdk as fp
from fingerprint_sdk.index.file import Content
from fingerprint_sdk.index.rows import BLOCK, Rows
from fingerprint_sdk.runtime.contract import ModelIdentity

def mib(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024

def rows(first, count):
    vectors = np.random.default_rng(first).standard_normal((count, {SIZE}), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = tuple(f"/folder/{{n}}.png" for n in range(first, first + count))
    block = vectors.astype(np.float16 if half else np.float32)
    return Rows(names, (block,), np.zeros(count, np.uint8), np.full((count, 2), -1))

path, half = sys.argv[1], sys.argv[2] == "half"
"""
SAVE = """
identity = ModelIdentity("pretend", "1", "0" * 64, 641)
parts = [rows(first, 10_000) for first in range(0, 40_000, 10_000)]
index = fp.Index(content=Content(identity, Rows.joined(parts)))
before = mib("VmHWM")
index.save(path)
print(mib("VmHWM") - before)
"""
OPEN = """
fp.Index(), rows(0, 1000)
before, mine = mib("VmHWM"), mib("RssAnon")
index = fp.Index.load(path)
index.nearest(rows(1, 1).blocks[0].astype(np.float32))
print(mib("VmHWM") - before, mib("RssAnon") - mine)
"""
ADD = """
index = fp.Index.load(path)
before = mib("RssAnon")
index._extend(rows(40_000, 1000))
index.remove(["/folder/20000.png"])
print(mib("RssAnon") - before)
"""


def measured(program: str, *arguments: object) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", HEADER + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return [float(number) for number in done.stdout.split()]


@pytest.mark.parametrize("kind", ["full", "half"])
def test_an_index_takes_hardly_more_memory_than_its_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.fpi"
    (saving,) = measured(SAVE, path, kind)
    size = path.stat().st_size / 2**20
    assert size == pytest.approx(ROWS * SIZE * (2 if kind == "half" else 4) / 2**20, rel=0.1)
    opening, own = measured(OPEN, path, kind)
    chunks = 2 * 4096 * SIZE * 4 / 2**20  # as float32, in a search
    assert saving < 0.3 * size  # beside the rows themselves
    assert opening < 1.3 * size + chunks  # with the file's pages
    assert own < 0.3 * size + chunks
    (changing,) = measured(ADD, path, kind)
    assert changing < 0.7 * size  # the block with the gap, and those added
