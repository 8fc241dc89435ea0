"""A model file opened: what it says of itself, and its embeddings of windows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.errors import DeviceError, ModelError
from fingerprint_sdk.evidence.cohort import Cohort, no_cohort
from fingerprint_sdk.runtime.contract import check_contract
from fingerprint_sdk.runtime.reopened import ReopenedModel
from fingerprint_sdk.runtime.session import Device

_LARGEST = 2**30  # bytes of a model file; the shipped one has 12 million

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OpenModel:
    """One of our models, open on a device.

    Attributes:
        runner: what computes.
        metadata: what the file says of itself, by key.
        sha256: of the file, in hex.
        window_embedding_size: of a window.
        constant: see ``embedding.image_embedding``; 0 for none.
        calibration: thresholds and probabilities.
    """

    runner: ReopenedModel
    metadata: Mapping[str, str]
    sha256: str
    window_embedding_size: int
    constant: float
    calibration: Calibration
    _measures_deviation: bool

    @property
    def embedding_size(self) -> int:
        """Of an image."""
        return self.window_embedding_size + (self.constant > 0)

    def run(
        self, windows: npt.NDArray[np.uint8]
    ) -> tuple[Embeddings, npt.NDArray[np.float32] | None]:
        """One call of the model, checked: embeddings, and deviations if it measures them.

        Raises:
            ModelError: it fails, or gives values that are not finite.
            DeviceError: it fails on the GPU, for want of memory, say.
        """
        name, device = self.metadata["name"], self.runner.device
        try:
            vectors = self.runner.run(windows)
        except DeviceError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            if device == "cuda":
                raise DeviceError(
                    f"inference failed on the GPU, try a smaller batch_size: {error}"
                ) from error
            raise ModelError(f"the model {name} failed: {error}") from error
        size = self.window_embedding_size
        expected = (len(windows), size + self._measures_deviation)
        if vectors.shape != expected or not np.isfinite(vectors).all():
            raise ModelError(f"the model {name} gave embeddings that are not usable")
        return vectors[:, :size], vectors[:, size] if self._measures_deviation else None


def open_model(
    model: bytes, name: str, *, device: Device = "auto", threads: int | None = None
) -> OpenModel:
    """Open a model; see ``runtime.open_session`` for arguments and more errors.

    Raises:
        ModelError: it is not one of our models.
    """
    runner = ReopenedModel(model, name, device=device, threads=threads)
    ort = runner.session.ort
    metadata, size, constant = check_contract(ort, name)
    whole = size + (constant > 0)
    cohort = (
        Cohort.from_json(metadata["cohort"], whole) if "cohort" in metadata else no_cohort(whole)
    )
    return OpenModel(
        runner=runner,
        metadata=MappingProxyType(metadata),
        sha256=hashlib.sha256(model).hexdigest(),
        window_embedding_size=size,
        constant=constant,
        calibration=Calibration.from_json(metadata["calibration"], cohort),
        _measures_deviation=len(ort.get_outputs()) > 1,
    )


def read_model(path: str | os.PathLike[str]) -> bytes:
    """The content of a model file.

    Raises:
        ModelError: it cannot be read, or is too large to be one.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size <= _LARGEST:
                return file.read()
    except (OSError, ValueError, MemoryError) as error:
        raise ModelError(f"cannot read the model {name!r}: {error}") from error
    raise ModelError(f"{name!r} has more than {_LARGEST} bytes: it is not one of our models")
