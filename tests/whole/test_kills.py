"""Programs are killed at random moments: `python -m kills`, in short. The whole takes an hour."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.paths import INSTALLED, ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs to fork")


def kill(*names: str, times: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "kills", "--times", str(times), "--seed", "1", "--only", *names],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(INSTALLED)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["gallery-add", "index-add", "embed-out"])
def test_killed_commands_lose_nothing(name: str) -> None:
    assert kill(name, times=6).startswith(f"{name}: 6 kills, ")


def test_killed_downloads_lose_nothing() -> None:
    assert kill("hub-download", times=3).startswith("hub-download: 3 kills, ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trainer-synthesize", "trainer-extractor"])
def test_killed_training_resumes(name: str) -> None:
    pytest.importorskip("torch")
    assert f"{name}: 1 kills, " in kill(name, times=1)
