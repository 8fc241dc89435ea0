"""The `trainer` command: from a folder of photographs to a published fingerprint model.

One file per group of commands; importing it here adds its commands to `app`.
"""

from trainer.cli import (  # noqa: F401
    ablate,
    analyse,
    compare,
    denoiser,
    embed_map,
    evaluate,
    extractor,
    fidelity,
    lineage,
    publish,
    report,
    robustness,
    synthesize,
)
from trainer.cli.shared.app import app

__all__ = ["app"]
