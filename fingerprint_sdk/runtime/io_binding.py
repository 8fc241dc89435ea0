"""Runs of a model whose input lies on its device already, in batches of few sizes."""

from __future__ import annotations

import threading
from typing import Any, cast

import numpy as np
import numpy.typing as npt

_SMALL = (1, 3, 9, 16)  # windows of one image


class BoundModel:
    """A model run through IO binding, with one input buffer on the device for each batch size.

    A GPU plans its convolutions anew for every batch size it has not met, and waits for its own
    work before it hands out memory. So batches are padded to one of few sizes, and each size
    keeps its buffer. Safe to use from several threads, which take turns.

    Args:
        ort: the ``onnxruntime`` module.
        session: its ``InferenceSession``; input "windows", any outputs of as many rows.
        device: where the buffers lie, "cuda" or "cpu".
    """

    def __init__(self, ort: Any, session: Any, device: str) -> None:
        self._ort, self._session, self._device = ort, session, device
        self._bound: dict[int, tuple[Any, Any]] = {}
        self._lock = threading.Lock()

    def run(self, windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8, shape (n, ...) -> float32, shape (n, columns of all outputs)."""
        count = len(windows)
        padded = np.zeros((bucket(count), *windows.shape[1:]), np.uint8)
        padded[:count] = windows
        with self._lock:
            binding, buffer = self._bind(padded.shape)
            buffer.update_inplace(padded)
            # Bound anew for each run: ONNX Runtime would write over the output of the last one.
            binding.clear_binding_outputs()
            for output in self._session.get_outputs():
                binding.bind_output(output.name, "cpu")
            self._session.run_with_iobinding(binding)
            outputs = binding.copy_outputs_to_cpu()
        return cast("npt.NDArray[np.float32]", np.concatenate(outputs, axis=1)[:count])

    def _bind(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        if shape[0] not in self._bound:
            buffer = self._ort.OrtValue.ortvalue_from_shape_and_type(
                shape, np.uint8, self._device, 0
            )
            binding = self._session.io_binding()
            binding.bind_ortvalue_input("windows", buffer)
            self._bound[shape[0]] = binding, buffer
        return self._bound[shape[0]]


def bucket(count: int) -> int:
    """Smallest of 1, 3, 9, 16, 32, 64, ... that holds ``count`` windows."""
    size = next((small for small in _SMALL if count <= small), _SMALL[-1])
    while size < count:
        size *= 2
    return size
