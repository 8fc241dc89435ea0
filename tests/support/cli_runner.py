"""Runs the command line within the test process, and the files its tests work on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from fingerprint_sdk.cli import app


class Cli:
    """Runs commands in this process."""

    def __init__(self) -> None:
        self.code = 0
        self.stdout = self.stderr = ""

    def __call__(self, *arguments: object, code: int | tuple[int, ...] = 0) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        self.code, self.stdout, self.stderr = result.exit_code, result.stdout, result.stderr
        expected = code if isinstance(code, tuple) else (code,)
        assert self.code in expected, f"exit code {self.code}: {self.stdout}{self.stderr}"
        assert "Traceback" not in self.stderr
        return self.stdout

    def json(self, *arguments: object, code: int | tuple[int, ...] = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))

    def fails(self, *arguments: object) -> str:
        """stderr of a command that must fail with 2 and print no result."""
        assert self(*arguments, code=2) == ""
        return self.stderr


def write_generators(root: Path, images: dict[str, list[np.ndarray]]) -> Path:
    """Make a folder per pretend generator, with its images as PNG files in it."""
    for name, pictures in images.items():
        (root / name).mkdir(parents=True)
        for index, pixels in enumerate(pictures):
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


def write_flat(path: Path) -> Path:
    """Write an image that has no fingerprint."""
    Image.new("RGB", (200, 200), (9, 9, 9)).save(path)
    return path
