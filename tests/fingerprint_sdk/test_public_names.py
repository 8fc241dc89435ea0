"""The public surface: complete, documented, lazy and light."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from support.paths import ROOT

import fingerprint_sdk as fp


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


def test_the_public_names_are_these() -> None:
    assert fp.__all__ == sorted(fp.__all__)
    assert set(fp.__all__) == {
        "ArgumentError", "Calibration", "Candidate", "Clustering", "ClusteringScore",
        "Credentials", "Declaration", "DeviceError", "EmbeddingResult", "Explanation",
        "Extractor", "Failure", "FingerprintError", "Gallery", "GalleryCheck", "GalleryError",
        "Identification", "ImageError", "ImageView", "Index", "IntegrityError", "Match",
        "ModelError", "ModelNotFoundError", "OperatingPointError", "Provenance", "Quality",
        "Report", "SearchResult", "Statement", "StoreError", "Verification", "__version__",
        "cluster", "declared", "embed", "explain", "identify", "known", "load", "report", "verify",
    }  # fmt: skip
    assert dir(fp) == fp.__all__


@pytest.mark.parametrize("name", [name for name in fp.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    value = getattr(fp, name)
    assert inspect.getdoc(value)
    assert value.__name__ == name
    for method, member in inspect.getmembers(value, inspect.isfunction):
        if not method.startswith("_"):
            assert inspect.getdoc(member), f"{name}.{method} has no docstring"


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        fp.nonsense  # noqa: B018


def test_the_version_is_the_one_packaged() -> None:
    assert f'version = "{fp.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_every_error_has_one_base() -> None:
    errors = [getattr(fp, name) for name in fp.__all__ if name.endswith("Error")]
    assert len(errors) == 10
    assert all(issubclass(error, fp.FingerprintError) for error in errors)


def test_importing_the_package_imports_no_dependency() -> None:
    heavy = ["PIL", "huggingface_hub", "numpy", "onnxruntime", "rich", "safetensors", "torch"]
    program = f"import sys, fingerprint_sdk; print([m for m in {heavy} if m in sys.modules])"
    assert run(program).strip() == "[]"


def test_the_names_resolve_lazily_and_without_torch_or_the_hub() -> None:
    program = (
        "import sys, fingerprint_sdk as fp\n"
        "for name in fp.__all__: getattr(fp, name)\n"
        "print([m for m in ('torch', 'onnxruntime', 'huggingface_hub', 'typer', 'rich')"
        " if m in sys.modules])"
    )
    assert run(program).strip() == "[]"
