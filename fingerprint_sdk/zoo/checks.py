"""Does a model hold what its description promises, and does this machine compute it?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fingerprint_sdk.errors import ModelError
from fingerprint_sdk.zoo.golden import GOLDEN_TOLERANCE, golden_picture

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor
    from fingerprint_sdk.zoo import ModelDescription, ResolvedModel


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it held, and what was found."""

    name: str
    passed: bool
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def check_model(resolved: ResolvedModel) -> tuple[Check, ...]:
    """Look at a model whose files ``zoo.resolve`` has just found intact.

    The embedding is computed on the CPU, where ``golden`` numbers come from.

    Raises:
        ModelError: it is a bare ``.onnx`` file, so nothing is promised of it.
        DeviceError: ONNX Runtime is not installed.
    """
    from fingerprint_sdk.extractor import Extractor

    promised = resolved.description
    if promised is None:
        raise ModelError(
            f"{str(resolved.path)!r} is a bare file: nothing says what it should be; give the "
            "folder that holds it and its config.json"
        )
    checks = [
        Check(name, True, f"{info.size} bytes, sha256 {info.sha256}")
        for name, info in promised.files.items()
    ]
    try:
        extractor = Extractor.from_file(resolved.path, device="cpu")
        return (*checks, _metadata(extractor, promised), _golden(extractor, promised))
    except ModelError as error:
        return (*checks, Check("model", False, str(error)))


def _metadata(extractor: Extractor, promised: ModelDescription) -> Check:
    found = extractor.metadata
    differing = [
        f"{key} is {found.get(key)!r}, config.json says {str(getattr(promised, key))!r}"
        for key in ("name", "version", "license", "window_size", "embedding_size", "recipe_hash")
        if found.get(key) != str(getattr(promised, key))
    ]
    return Check("metadata", not differing, "; ".join(differing) or "as in config.json")


def _golden(extractor: Extractor, promised: ModelDescription) -> Check:
    embedding = extractor.embed(golden_picture())
    if promised.golden is None:
        return Check("inference", True, "runs; config.json has no golden numbers to compare with")
    apart = np.abs(embedding[: len(promised.golden)] - np.asarray(promised.golden)).max()
    detail = f"within {apart:.1e} of the golden numbers, {GOLDEN_TOLERANCE:g} allowed"
    return Check("inference", bool(apart <= GOLDEN_TOLERANCE), detail)
