"""The `trainer` command: from a folder of photographs to a published fingerprint model.

One file a command, named as its experiment; importing it here adds it to `app`.
"""

from trainer.cli import (  # noqa: F401
    ablate,
    analyse,
    card,
    compare,
    denoiser,
    embed_map,
    evaluate,
    export_onnx,
    extractor,
    fidelity,
    finetune,
    known,
    lineage,
    publish,
    recalibrate,
    report,
    robustness,
    synthesize,
)
from trainer.cli.shared.app import app

__all__ = ["app"]
