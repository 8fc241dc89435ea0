"""What is each head of a trained extractor worth by itself, and what all together?

    python benchmarks/quality/heads.py RUN IMAGES…

RUN is a finished `trainer extractor` run, IMAGES pools of real generators.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from trainer.ablation import embed_signals, pool_signals
from trainer.evaluation import read_pool, score
from trainer.extractor import load_run


def main(run: Path, pools: list[Path]) -> None:
    finished = load_run(run)
    width = finished.info["recipe"]["embedding"]
    parts = {"all": slice(None)}
    for number, head in enumerate(finished.network.chosen):
        name = " + ".join(head.parts) + ", gated" * head.gated
        parts[name] = slice(number * width, (number + 1) * width)
    for folder in pools:
        pool = read_pool(folder)
        with tempfile.TemporaryDirectory() as cache:
            signals = pool_signals(pool, finished.signal, "signal", 3, Path(cache))
        whole = embed_signals(finished.network, signals)
        for name, part in parts.items():
            embeddings = {}
            for generator, rows in whole.items():
                seen = rows[:, part]
                embeddings[generator] = seen / np.linalg.norm(seen, axis=1, keepdims=True)
            scores = score(embeddings, pool.decoders, resamples=0)
            identification, verification = scores.identification, scores.verification.model
            print(
                f"{folder.name:9s} {name:23s} identification "
                f"{100 * identification.model.accuracy.value:.1f} "
                f"[{100 * identification.decoder.accuracy.value:.1f}], "
                f"AUC {100 * verification.auc.value:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
