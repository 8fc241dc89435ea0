"""Cached shards: computed once, in order, and resumed after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from trainer.extractor.shards import compute_files, compute_sharded
from trainer.shard import Shard

NAMES = tuple(f"pool/architecture{i % 7}/{i}" for i in range(50))


def row(index: int) -> np.ndarray:
    return np.random.default_rng(index).standard_normal((2, 3)).astype(np.float16)


ROWS = np.stack([row(i) for i in range(len(NAMES))])


def test_shards_are_the_results_in_order_and_are_computed_once(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    found = compute_sharded(
        tmp_path, {"plan": 1}, NAMES, row, progress=lambda *now: seen.append(now)
    )
    np.testing.assert_array_equal(found, ROWS)
    assert found.dtype == np.float16
    assert seen == [("models", count, 50) for count in (20, 40, 50)]
    calls: list[int] = []
    again = compute_sharded(tmp_path, {"plan": 1}, NAMES, lambda i: calls.append(i) or row(i))
    np.testing.assert_array_equal(again, ROWS)
    assert calls == []


def test_a_model_that_was_added_is_computed_and_the_others_are_not(tmp_path: Path) -> None:
    compute_sharded(tmp_path, {"plan": 1}, NAMES[::2], lambda i: row(2 * i))
    calls: list[int] = []
    found = compute_sharded(tmp_path, {"plan": 1}, NAMES, lambda i: calls.append(i) or row(i))
    np.testing.assert_array_equal(found, ROWS)
    assert calls == list(range(1, 50, 2))


def test_shards_refuse_another_plan(tmp_path: Path) -> None:
    compute_sharded(tmp_path, {"photos": "a"}, NAMES[:2], row)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="another recipe; give another --out"):
        compute_sharded(tmp_path, {"photos": "b"}, NAMES[:2], row)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    with pytest.raises(ValueError, match="no model"):
        compute_sharded(tmp_path / "empty", {}, (), row)


def test_shards_resume_after_a_kill_with_the_same_result(tmp_path: Path) -> None:
    out = tmp_path / "killed"
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_shards import NAMES, compute_sharded, row

        compute_sharded(
            Path(sys.argv[1]), {"plan": 1}, NAMES, lambda i: time.sleep(0.02) or row(i)
        )
        """
    )
    command = [sys.executable, "-c", script, str(out), str(Path(__file__).parent)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        while len(list(out.rglob("*.npy"))) < 3:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    done = {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}
    assert 3 <= len(done) < len(NAMES)
    np.testing.assert_array_equal(compute_sharded(out, {"plan": 1}, NAMES, row), ROWS)
    assert {path: path.stat().st_mtime_ns for path in done} == done


SHARER = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_shards import NAMES, compute_files, row

def compute(i):
    with open(sys.argv[3], "a") as file:
        file.write(f"{i}\\n")
    time.sleep(0.02)
    return row(i)

print("ready", flush=True)
sys.stdin.readline()
compute_files(Path(sys.argv[1]), {"plan": 1}, NAMES, compute, workers=2)
"""


def test_two_processes_compute_each_file_once_though_one_is_killed(tmp_path: Path) -> None:
    out, begun = tmp_path / "out", (tmp_path / "begun0", tmp_path / "begun1")
    commands = [
        [sys.executable, "-c", SHARER, str(out), str(Path(__file__).parent), str(log)]
        for log in begun
    ]
    killed, other = (
        subprocess.Popen(
            command,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for command in commands
    )
    with killed, other:
        for process in (killed, other):
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in (killed, other):
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        while not (begun[0].exists() and len(begun[0].read_text().splitlines()) >= 5):
            assert killed.poll() is None
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert other.wait() == 0
    first, second = (log.read_text().split() for log in begun)
    assert len(set(first)) == len(first)
    assert len(set(second)) == len(second)
    assert set(first) | set(second) == {str(i) for i in range(len(NAMES))}
    # Only what the killed one had not finished, in its two threads, was begun twice.
    assert len(set(first) & set(second)) <= 2
    np.testing.assert_array_equal(compute_sharded(out, {"plan": 1}, NAMES, row), ROWS)


def test_shards_of_the_files_are_the_whole_together(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        compute_files(tmp_path, {"plan": 1}, NAMES, row, shard=Shard(number, 3))
    calls: list[int] = []
    found = compute_sharded(tmp_path, {"plan": 1}, NAMES, lambda i: calls.append(i) or row(i))
    np.testing.assert_array_equal(found, ROWS)
    assert calls == []
