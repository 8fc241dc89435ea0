"""What importing costs: heavy packages load on use only, and torch never."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "onnxruntime", "numpy", "PIL", "huggingface_hub", "safetensors")

BLOCK_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "trainer"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
"""


def run(code: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(code: str) -> set[str]:
    """Heavy packages in ``sys.modules`` after ``code``."""
    ask = f"\nimport sys; print('LOADED', *(set({HEAVY!r}) & set(sys.modules)))"
    return set(run(code + ask).rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import fingerprint_sdk",
        "import fingerprint_sdk.errors",
        "import fingerprint_sdk.zoo; fingerprint_sdk.zoo.list_models()",
        "import fingerprint_sdk.cli",
    ],
)
def test_import_is_light(code: str):
    assert loaded_after(code) == set()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["embed", "--help"], ["gallery", "--help"], ["models"]],
)
def test_help_is_light(arguments: list[str]):
    code = f"""
from fingerprint_sdk.cli import app
try:
    app({arguments!r})
except SystemExit as done:
    assert not done.code, done.code
"""
    assert loaded_after(code) == set()


def test_works_without_torch(tiny_model_path: Path, sample_files: list[Path]):
    code = """
import sys
import fingerprint_sdk
extractor = fingerprint_sdk.load(sys.argv[1], device="cpu")
print(extractor.embed(sys.argv[2:]).shape, "torch" in sys.modules)
"""
    images = [str(path) for path in sample_files[:2]]
    out = run(BLOCK_TORCH + code, str(tiny_model_path), *images)
    assert out.strip() == "(2, 16) False"
