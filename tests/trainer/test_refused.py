"""Places that the trainer cannot write to: one line says so, and what is there stays."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.photographs import write_photographs

pytest.importorskip("torch", reason="needs the extra `trainer`")


def run(*words: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """A command that may write files of ``limit`` bytes, as with a full disk or a quota."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-c", "from trainer.cli import app; app()", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=limited,
    )


def synthesis(tmp_path: Path, out: object) -> list[object]:
    photos = tmp_path / "photos"
    if not photos.exists():
        write_photographs(photos, 8)
    words = ["--architectures", "extended:1", "--seeds", 1, "--steps", 0, "--workers", 1]
    return ["synthesize", "--photos", photos, "--out", out, *words]


@pytest.mark.parametrize("odd", ["file/below", "file", "x" * 300, "device"])
def test_a_place_that_is_none(odd: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    out = Path("/dev/null") if odd == "device" else tmp_path / odd
    done = run(*synthesis(tmp_path, out))
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: cannot use '")
    assert str(out) in last
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"file", "photos"}
    assert (tmp_path / "file").read_bytes() == b"old"
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_loses_no_model_that_was_made(tmp_path: Path) -> None:
    out = tmp_path / "pool"
    assert run(*synthesis(tmp_path, out)).returncode == 0
    made = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    more = [2 if word == 1 else word for word in synthesis(tmp_path, out)]
    full = run(*more, limit=2000)
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr
    assert "error" in full.stderr.splitlines()[-1]
    kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {path: kept.get(path) for path in made} == made
    assert run(*more).returncode == 0, "it goes on once there is room"
