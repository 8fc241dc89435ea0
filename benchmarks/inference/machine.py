"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

KINDS = ("avx2", "avx512")
"""Of processors that are asked for; their figures are kept apart."""

_PACKAGES = ("numpy", "pillow", "torch", "onnx", "typer")
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
_IDS = ("cpu family", "model", "stepping")
_MAKERS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
_FEATURES = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")


def describe_machine() -> dict[str, Any]:
    """CPU, cores, load and versions, ready for JSON."""
    installed = {d.metadata["Name"].lower() for d in metadata.distributions()}
    packages = [name for name in (*_PACKAGES, *_RUNTIMES) if name in installed]
    found = _cpuinfo()
    flags = found.get("flags", "").split()
    features = [name for name in _FEATURES if name in flags]
    return {
        "cpu": _cpu_name(found),
        "features": features,
        "kind": kind_of(features),
        "maker": _MAKERS.get(found.get("vendor_id", ""), platform.machine()),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def kind_of(features: list[str]) -> str:
    """A short name of what the processor can do, for the file of its figures."""
    if "avx512f" in features:
        return "avx512"
    return "avx2" if "avx2" in features else platform.machine()


def _cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}


def _cpu_name(found: dict[str, str]) -> str:
    parts = [found.get("model name", ""), *(f"{k} {found[k]}" for k in _IDS if k in found)]
    return ", ".join(part for part in parts if part) or platform.processor() or platform.machine()
