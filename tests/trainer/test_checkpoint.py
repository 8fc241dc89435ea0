"""Checkpoints and logs: cut back when a run resumes, replaced whole, never unpickled."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import pytest
import torch

from trainer.checkpoint import CsvLog, load_checkpoint, read_csv_log, save_checkpoint


def test_a_log_is_cut_back_to_the_step_a_run_resumes_from(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.csv"
    log = CsvLog(path, ("step", "loss"))
    for step in (50, 100, 150):
        log.write(step=step, loss=1 / step)
    resumed = CsvLog(path, ("step", "loss"), resume_step=100)
    resumed.write(step=120, loss=0.5)
    assert [row["step"] for row in read_csv_log(path)] == ["50", "100", "120"]
    CsvLog(path, ("step", "loss"))
    assert read_csv_log(path) == []


def test_an_unfinished_line_of_a_log_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = CsvLog(path, ("step", "loss"))
    log.write(step=50, loss=0.5)
    with path.open("a") as file:
        file.write("10")  # of "100,0.4\n"
    assert [row["step"] for row in read_csv_log(path)] == ["50"]
    CsvLog(path, ("step", "loss"), resume_step=70).write(step=75, loss=0.4)
    with path.open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["50", "75"]


def test_checkpoints_are_replaced_whole_and_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a" / "checkpoint.pt"
    assert load_checkpoint(path) is None
    save_checkpoint(path, {"step": 1, "weights": torch.arange(3)})
    save_checkpoint(path, {"step": 2, "weights": torch.arange(4)})
    state = load_checkpoint(path)
    assert state is not None
    assert state["step"] == 2
    assert state["weights"].tolist() == [0, 1, 2, 3]
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint.pt"]
    torch.save({"code": Path("x")}, path)  # an arbitrary object
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(path)
