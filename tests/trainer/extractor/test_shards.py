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

from trainer.extractor.shards import compute_sharded

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
