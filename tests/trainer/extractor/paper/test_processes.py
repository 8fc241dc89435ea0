"""The paper's training on two processes, by `torchrun`: what one process trains, to rounding."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.paths import ROOT

from trainer.extractor.paper.processes import ALONE, Processes

# Trains for some steps, or until a step that is to be as if the process were killed.
SCRIPT = """
import os, sys
from pathlib import Path
import numpy as np
import torch
from torch import nn
from support.toys import toy_source
from trainer.extractor import PaperRecipe, train_by_step
from trainer.extractor.paper.processes import joined

out, last = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)

class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = 8
        # No bias before a batch norm: its gradient is nothing but rounding.
        self.layers = nn.Sequential(
            nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8),
        )

    def forward(self, x):
        return self.layers(x.view(-1, 3, 4, 5)).mean((2, 3))

source, calls = toy_source(), 0
fetch = source.fetch

def fetch_some(*indices):
    global calls
    calls += 1
    if calls > last:
        raise SystemExit(3)
    return fetch(*indices)

source.fetch = fetch_some
recipe = PaperRecipe(models=7, images=3, steps=12, learning_rate=1e-3, held_out=0.0)
with joined("cpu") as (processes, device):
    torch.manual_seed(0)
    train_by_step(
        Convolutions(), source, out, recipe, device=device, processes=processes,
        checkpoint_seconds=0,
    )
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "train.py"
    path.write_text(SCRIPT)
    return path


def train(script: Path, out: Path, count: int, last: int = 1000) -> int:
    """The exit status of a training on `count` processes that ends after `last` more steps."""
    command = [sys.executable]
    if count > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
    }
    done = subprocess.run(
        [*command, str(script), str(out), str(last)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or last < 1000, done.stderr
    return done.returncode


def losses(out: Path) -> dict[str, float]:
    """Means over all steps."""
    with (out / "log.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    return {name: float(row[name]) for name in ("loss", "classification", "triplet")}


def assert_alike(one: Path, other: Path) -> None:
    first, second = (load_file(out / "network.safetensors") for out in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=1e-3, atol=2e-4, msg=name)


@pytest.fixture(scope="module")
def alone(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    assert train(script, out, 1) == 0
    return out


@pytest.mark.slow
def test_two_processes_have_the_losses_and_the_network_of_one(
    script: Path, alone: Path, tmp_path: Path
) -> None:
    assert train(script, tmp_path, 2) == 0
    assert losses(tmp_path) == pytest.approx(losses(alone), rel=1e-4)
    assert losses(alone)["triplet"] > 0.01
    assert_alike(alone, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_checkpoint_goes_on_with_another_number_of_processes(
    script: Path, alone: Path, tmp_path: Path, before: int, after: int
) -> None:
    assert train(script, tmp_path, before, last=5) != 0
    # When one process ends, torchrun ends the others, perhaps before the last checkpoint.
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] in (4, 5)
    assert not (tmp_path / "network.safetensors").exists()
    assert train(script, tmp_path, after) == 0
    assert_alike(alone, tmp_path)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_the_shares_of_a_batch_are_all_of_it_in_order(count: int) -> None:
    rows = list(range(21))
    shares = [rows[Processes(rank, count).share(len(rows))] for rank in range(count)]
    assert [row for share in shares for row in share] == rows
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_gathered_or_wrapped() -> None:
    rows, layer = torch.ones(3, 2), torch.nn.Linear(2, 2)
    assert ALONE.gathered(rows, 3) is rows
    assert ALONE.prepared(layer) is layer
    ALONE.wait()
