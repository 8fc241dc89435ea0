"""ONNX Runtime: opening a session on the device that was asked for, and on no other."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.errors import DeviceError, ModelError
from fingerprint_sdk.extras import install_command
from fingerprint_sdk.process.cores import cores
from fingerprint_sdk.process.forks import cached_property
from fingerprint_sdk.runtime.io_binding import BoundModel
from fingerprint_sdk.runtime.onnx_file import check_whole

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"

_WINDOWS_A_CALL = 4  # on a CPU; what more of them take no longer fits its caches

_CUDA_OPTIONS = {
    # The default, EXHAUSTIVE, times every algorithm anew for each shape.
    "cudnn_conv_algo_search": "HEURISTIC",
    # TF32 keeps 10 bits of mantissa: a residual of one grey level would drown, and the scores
    # would leave the thresholds calibrated on the CPU.
    "use_tf32": "0",
}


@dataclass(frozen=True, eq=False)
class Session:
    """An open model.

    Attributes:
        ort: the ``onnxruntime.InferenceSession``.
        device: "cpu" or "cuda", the one really in use.
        providers: ONNX Runtime's execution providers of the session, in order.
        bound: how a GPU runs the model; None on the CPU, which gains nothing from it.
        threads: how many share the windows on the CPU.
    """

    ort: Any
    device: Literal["cpu", "cuda"]
    providers: tuple[str, ...]
    bound: BoundModel | None = None
    threads: int = 1

    def run(self, windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8, shape (n, 3, 128, 128) -> float32, shape (n, columns). May raise anything.

        The columns are those of all outputs of the model, side by side.
        """
        if self.bound is not None:
            return self.bound.run(windows)
        calls = self.threads * -(-len(windows) // (self.threads * _WINDOWS_A_CALL))
        shares = np.array_split(windows, max(1, min(calls, len(windows))))
        if len(shares) == 1:
            return self._run_on_cpu(windows)
        # With one thread, each of the caller's runs its own windows.
        run = map if self.threads == 1 else self._pool.map
        return np.concatenate(list(run(self._run_on_cpu, shares)))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)

    def _run_on_cpu(self, windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        outputs = self.ort.run(None, {"windows": np.ascontiguousarray(windows)})
        return cast("npt.NDArray[np.float32]", np.concatenate(outputs, axis=1))


def open_session(
    model: bytes, name: str, *, device: Device = "auto", threads: int | None = None
) -> Session:
    """Open an ONNX model.

    Args:
        model: the content of the ``.onnx`` file.
        name: how messages name the model.
        device: "cpu", "cuda", or "auto": CUDA when it really works, else the CPU.
        threads: that share the windows on the CPU; None for one on each core granted.

    Raises:
        DeviceError: ONNX Runtime is not installed, or CUDA was asked for and does not work.
        ModelError: the model cannot be opened, or has data in other files.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"device {device!r} is unknown: use 'auto', 'cpu' or 'cuda'")
    if threads is not None and not (isinstance(threads, int) and threads >= 1):
        raise DeviceError(f"threads must be an integer of at least 1, not {threads!r}")
    ort = _import_onnxruntime()
    check_whole(model, name)
    if device != "cpu":
        session, reason = _try_cuda(ort, model)
        if session is not None:
            return _used(session, "cuda", BoundModel(ort, session, "cuda"))
        if device == "cuda":
            _open_on_cpu(ort, model, name)  # a broken model is not the device's fault
            raise DeviceError(f"device 'cuda' cannot be used: {reason}")
        logger.debug("CUDA is not used: %s", reason)
    return _used(_open_on_cpu(ort, model, name), "cpu", threads=threads or cores())


def _import_onnxruntime() -> Any:
    # Since 1.29 ONNX Runtime reports usage home unless told not to; nothing here calls home.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            "ONNX Runtime cannot be imported: " + (_clash() or "install fingerprint_sdk again")
        ) from error
    return onnxruntime


def _clash() -> str | None:
    """What to do where both packages of ONNX Runtime are installed, else None."""
    for package in ("onnxruntime", "onnxruntime-gpu"):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            return None
    return (
        "onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
        "pip uninstall onnxruntime onnxruntime-gpu, then pip install onnxruntime-gpu"
    )


def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _used(
    session: Any,
    device: Literal["cpu", "cuda"],
    bound: BoundModel | None = None,
    threads: int = 1,
) -> Session:
    providers = tuple(session.get_providers())
    logger.info("running on %s (%s)", device, ", ".join(providers))
    return Session(session, device, providers, bound, threads)


def _open_on_cpu(ort: Any, model: bytes, name: str) -> Any:
    options = _options(ort)
    # Planned ahead, an operator's output goes where there is room; handed out as the run goes, to
    # what was freed last and is still in a cache. That is faster and takes less memory.
    options.enable_mem_reuse = False
    try:
        # It would print on stdout that it tries the CPU next.
        return ort.InferenceSession(model, options, providers=[_CPU], enable_fallback=0)
    except Exception as error:  # its exceptions share no base class of their own
        raise ModelError(
            f"{name} is not a model ONNX Runtime {ort.__version__} can open: {error}"
        ) from error


def _try_cuda(ort: Any, model: bytes) -> tuple[Any | None, str]:
    """A session on CUDA, or None and the reason there is none."""
    if _CUDA not in ort.get_available_providers():
        return None, "the installed ONNX Runtime has no CUDA provider: " + (
            _clash() or "onnxruntime-gpu has one, on x86-64 Linux and Windows"
        )
    if not _has_driver():  # then the attempt can only fail, and ONNX Runtime would print why
        return None, "this machine has no NVIDIA driver"
    # ONNX Runtime prints here, and when CUDA does not load it goes on on the CPU.
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            ort.set_default_logger_severity(4)  # what fails is said by the message below
            if hasattr(ort, "preload_dlls"):
                ort.preload_dlls()
            session = ort.InferenceSession(
                model, _options(ort), providers=[(_CUDA, _CUDA_OPTIONS), _CPU]
            )
        except Exception as error:
            return None, f"{error} {printed.getvalue()}".strip()
        finally:
            ort.set_default_logger_severity(2)  # ONNX Runtime's own
    if printed.getvalue():
        logger.debug("ONNX Runtime: %s", printed.getvalue().strip())
    if _CUDA not in session.get_providers():
        return None, (
            "ONNX Runtime could not load its CUDA provider: check the NVIDIA driver, and that the "
            f"CUDA and cuDNN libraries match ({install_command('cuda')}) "
            + printed.getvalue().strip()
        ).strip()
    session.disable_fallback()  # a CUDA failure later on must not move to the CPU unsaid
    return session, ""


def _options(ort: Any) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception; the rest is noise
    # Half of the model is operators that ONNX Runtime does not spread over threads: windows are.
    options.intra_op_num_threads = 1
    return options
