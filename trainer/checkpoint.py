"""Checkpoints and weights that survive `kill -9`, and logs that are cut back to them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from fingerprint_sdk.files import replacing, write_bytes

CHECKPOINT_SECONDS = 120.0
"""Between two checkpoints: what a kill may cost."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors and plain values) atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()  # PyTorch's own errors do not say that a disk is full
    torch.save(state, content)
    write_bytes(path, content.getvalue())


def save_tensors(
    path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file atomically; its folder must exist."""
    write_bytes(path, save(tensors, metadata))


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state saved at `path`, or None when there is none. Never unpickles code."""
    if not path.exists():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)


class CsvLog:
    """A CSV file that grows a row at a time and is cut back to the step a run resumes from.

    When TensorBoard is installed, every number also goes there.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], *, resume_step: int = 0) -> None:
        self.path, self.columns = path, columns
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [row for row in read_csv_log(path) if int(row["step"]) <= resume_step]
        with replacing(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        self._board = _tensorboard(path.parent)

    def write(self, **values: float | int) -> None:
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(values)
        if self._board is not None:
            for name, value in values.items():
                if name != "step":
                    self._board.add_scalar(name, value, int(values["step"]))


def read_csv_log(path: Path) -> list[dict[str, str]]:
    """The rows of a log; a last line that a killed run left unfinished is passed over."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]
    return list(csv.DictReader(whole.splitlines()))


def _tensorboard(folder: Path) -> Any | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
