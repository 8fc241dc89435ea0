"""The `trainer` command: from a folder of photographs to a published fingerprint model.

One file per group of commands; importing it here adds its commands to `app`.
"""

from trainer.cli import (  # noqa: F401
    _ablate,
    _analyse,
    _compare,
    _denoiser,
    _evaluate,
    _extractor,
    _fidelity,
    _lineage,
    _map,
    _publish,
    _report,
    _robustness,
    _synthesize,
)
from trainer.cli._app import app

__all__ = ["app"]
