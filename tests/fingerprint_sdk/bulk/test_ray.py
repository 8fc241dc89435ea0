"""Bulk embedding on a Ray cluster of this machine, also when a worker of it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.paths import ROOT
from support.ray_cluster import Cluster, ray_cluster
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp
from fingerprint_sdk.bulk import embed_source

pytest.importorskip("ray")
parquet = pytest.importorskip("pyarrow.parquet")

IMAGES, SIZE = 160, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number in range(IMAGES):
        Image.fromarray(synthetic_image(number % 5, number)).save(folder / f"{number:03d}.png")
    (folder / "050.png").write_bytes(b"no image")
    return folder


def rows(out: Path, table: str) -> list[dict[str, Any]]:
    found = [parquet.read_table(path).to_pylist() for path in sorted((out / table).iterdir())]
    return [row for part in found for row in part]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster() as found:
        yield found


def workers(head: int) -> list[int]:
    """Process ids of the actors of a cluster, from Linux's process list."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal() and head in parents(int(path.name)):
            title = (path / "cmdline").read_bytes() if path.exists() else b""
            if title.startswith(b"ray::") and b"MapBatches" in title:
                found.append(int(path.name))
    return found


def parents(process: int) -> Iterator[int]:
    while process > 1:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return
        process = int(stat.rpartition(")")[2].split()[1])
        yield process


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's process list")
def test_every_image_is_there_once_though_a_worker_is_killed(
    extractor: fp.Extractor, tiny_model_dir: Path, folder: Path, cluster: Cluster, tmp_path: Path
) -> None:
    out, local = tmp_path / "ray", tmp_path / "local"
    command = [sys.executable, "-m", "fingerprint_sdk", "embed", str(folder), "--engine", "ray"]
    command += ["--model", str(tiny_model_dir), "--device", "cpu", "--out", str(out)]
    command += ["--workers", "2", "--shard-size", str(SIZE)]
    environment = cluster.environment | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as driver:
        killed = 0
        while driver.poll() is None and not killed:
            done = list(out.glob("embeddings/*.parquet"))
            if len(done) >= 3 and (found := workers(cluster.head)):
                killed = found[0]
                os.kill(killed, signal.SIGKILL)
                before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in done}
            time.sleep(0.01)
        _, said = driver.communicate()
    assert killed, said
    assert driver.returncode == 0, said
    assert f"wrote {IMAGES - 1} embeddings to {out}" in said
    assert len(before) < IMAGES // SIZE
    assert {path: path.read_bytes() for path in before} == {
        path: content for path, (content, _) in before.items()
    }
    # A worker may die between a file and its word that it is there: that shard is done again.
    again = [path for path, (_, at) in before.items() if path.stat().st_mtime_ns != at]
    assert len(again) <= 1

    embed_source(folder, local, extractor, shard_size=SIZE)
    names = [row["name"] for row in rows(out, "embeddings")]
    assert names == [f"{number:03d}.png" for number in range(IMAGES) if number != 50]
    assert rows(out, "embeddings") == rows(local, "embeddings")  # every bit of every number
    assert rows(out, "bad") == rows(local, "bad")
    whole = extractor.embed_many(sorted(folder.iterdir()))
    embeddings = np.array([row["embedding"] for row in rows(out, "embeddings")], np.float32)
    np.testing.assert_array_equal(embeddings.view(np.int32), whole.embeddings.view(np.int32))
    # What is done is not done again, and needs no cluster.
    later = subprocess.run(
        command, env=environment | {"RAY_ADDRESS": "nowhere:1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert later.returncode == 0, later.stderr
    assert "40 of 40 shards were there already" in later.stderr
