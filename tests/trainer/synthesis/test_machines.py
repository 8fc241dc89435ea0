"""Several processes on one pool folder: each model is made once, also when one is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import ROOT
from support.photographs import write_photographs
from typer.testing import CliRunner

from trainer.cli import app
from trainer.shard import Shard
from trainer.synthesis import SynthesisRecipe, paper288, read_pool, synthesize

RECIPE = SynthesisRecipe(steps=2, batch=2, side=16, solve_crops=2)
ARCHITECTURES, SEEDS = paper288(4)[::12], (0, 1)  # 24 of two seeds

# Spawned workers run the script again, so that theirs is noted, too.
SCRIPT = """
import os, sys, time
from pathlib import Path
import trainer.synthesis.making as making
from trainer.synthesis import SynthesisRecipe, paper288

photos, out, log = map(Path, sys.argv[1:])
save = making.save_model

def save_and_note(pool, recipe_hash, model):
    time.sleep(0.1)  # as if it took long: the other process comes by meanwhile
    save(pool, recipe_hash, model)
    with log.open("a") as file:
        file.write(f"{model.architecture.id}/{model.seed} {os.getppid()}\\n")

making.save_model = save_and_note
if __name__ == "__mp_main__":  # a worker, which starts when the other's is there
    (log.parent / f"ready{os.getppid()}").touch()
    while len(list(log.parent.glob("ready*"))) < 2:
        time.sleep(0.01)
if __name__ == "__main__":
    recipe = SynthesisRecipe(steps=2, batch=2, side=16, solve_crops=2)
    making.synthesize(photos, out, paper288(4)[::12], (0, 1), recipe, workers=1)
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("photos"), 5)


def models(pool: Path) -> dict[str, int]:
    """When each was made, by its name."""
    return {
        path.relative_to(pool).with_suffix("").as_posix(): path.stat().st_mtime_ns
        for path in pool.glob("*/*.safetensors")
    }


def makers(log: Path) -> Counter[str]:
    """How many models each process has made."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split()[1] for line in lines)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.slow
def test_two_processes_on_one_folder_of_which_one_is_killed_make_each_model_once(
    photos: Path, tmp_path: Path
) -> None:
    out, log, script = tmp_path / "pool", tmp_path / "log", tmp_path / "fill.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(photos), str(out), str(log)]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with (
        subprocess.Popen(command, env=environment) as killed,
        subprocess.Popen(command, env=environment) as other,
    ):
        # Both are at work.
        wait_for(lambda: {str(killed.pid), str(other.pid)} <= makers(log).keys(), killed)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        before = models(out)
        assert len(before) < 48
        assert other.wait() == 0
    after = models(out)
    assert set(after) == {f"{a.id}/{seed}" for a in ARCHITECTURES for seed in SEEDS}
    assert {name: after[name] for name in before} == before
    saved = Counter(line.split()[0] for line in log.read_text().splitlines())
    assert set(saved.values()) == {1}
    assert makers(log)[str(other.pid)] < len(after)
    # One that was saved when its maker was killed may not have been noted any more.
    assert len(after) - len(saved) <= len(SEEDS)
    assert len(read_pool(out)) == 48
    assert not list(out.rglob("*.tmp"))


def test_shards_fill_a_pool_together_and_each_leaves_a_manifest(
    photos: Path, tmp_path: Path
) -> None:
    chosen = ARCHITECTURES[:3]
    first = synthesize(photos, tmp_path, chosen, SEEDS, RECIPE, shard=Shard(0, 2))
    assert {(e.architecture, e.seed) for e in first} == {(a.id, 0) for a in chosen}
    seen: list[tuple[str, int, int]] = []
    every = synthesize(
        photos, tmp_path, chosen, SEEDS, RECIPE, shard=Shard(1, 2),
        progress=lambda *now: seen.append(now),
    )  # fmt: skip
    assert {(e.architecture, e.seed) for e in every} == {(a.id, s) for a in chosen for s in SEEDS}
    assert (seen[0][1:], seen[-1][1:]) == ((0, 3), (3, 3))
    assert len((tmp_path / "manifest.csv").read_text().splitlines()) == 1 + 6


def test_the_command_takes_a_shard_and_refuses_what_is_none(photos: Path, tmp_path: Path) -> None:
    ids = ",".join(a.id for a in ARCHITECTURES[:2])
    command = ["synthesize", "--photos", str(photos), "--out", str(tmp_path / "pool"), "--seeds"]
    command += ["1", "--steps", "0", "--workers", "1", "--architectures", ids, "--shard"]
    done = CliRunner().invoke(app, [*command, "1/2"])
    assert done.exit_code == 0, done.output
    assert set(models(tmp_path / "pool")) == {f"{ARCHITECTURES[1].id}/0"}
    refused = CliRunner().invoke(app, [*command, "2/2"])
    assert refused.exit_code == 2
    assert "the first is 0/2 and the last 1/2" in re.sub(r"[\s│]+", " ", refused.output)
