"""README shows what really happens: its Python runs, its commands print what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def sessions() -> list[tuple[str, str]]:
    """(command, output) of every `$ fingerprint …` in a console block."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("fingerprint "):
                found.append((command, output.strip()))
    return found


def run(command: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "fingerprint_sdk", *shlex.split(command)[1:]],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert blocks("python")
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})


def numbers_rounded(text: str) -> list[str]:
    """Words, with numbers at two digits: the last ones differ between processors."""
    rounded = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m.group()):.2f}", text)
    return rounded.split()


def test_the_commands_of_the_readme_print_what_it_says(folder: Path) -> None:
    assert len(sessions()) >= 3
    for command, output in sessions():
        assert numbers_rounded(run(command, folder)) == numbers_rounded(output), command
