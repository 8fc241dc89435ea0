"""What is each head of a trained extractor worth by itself, and what all together?

    python benchmarks/quality/heads.py RUN IMAGES… [--windows N]

RUN is a finished `trainer extractor` run, IMAGES pools of real generators, N the windows an axis
if not as many as the SDK takes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from trainer.ablation import embed_signals, pool_signals
from trainer.calibration import CONSTANT
from trainer.evaluation import Pool, read_pool, score
from trainer.extractor import load_run


@torch.inference_mode()
def main(run: Path, pools: list[Path], per_axis: int | None) -> None:
    finished = load_run(run)
    network, heads = finished.network, finished.network.chosen
    for folder in pools:
        pool = read_pool(folder)
        with tempfile.TemporaryDirectory() as cache:
            signals = pool_signals(pool, finished.signal, "signal", per_axis, Path(cache))
        show(folder.name, "all", embed_signals(network, signals, constant=CONSTANT), pool)
        whole = embed_signals(network, signals)
        show(folder.name, "all, without the constant", whole, pool)
        for number, head in enumerate(heads):
            embeddings = {}
            for generator, rows in whole.items():
                seen = np.split(rows, len(heads), axis=1)[number]
                embeddings[generator] = seen / np.linalg.norm(seen, axis=1, keepdims=True)
            show(folder.name, " + ".join(head.parts), embeddings, pool)


def show(folder: str, name: str, embeddings: dict[str, np.ndarray], pool: Pool) -> None:
    scores = score(embeddings, pool.decoders, resamples=0)
    identification, verification = scores.identification, scores.verification.model
    print(
        f"{folder:9s} {name:25s} identification "
        f"{100 * identification.model.accuracy.value:.1f} "
        f"[{100 * identification.decoder.accuracy.value:.1f}], "
        f"AUC {100 * verification.auc.value:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--windows", type=int)
    given = parser.parse_args()
    main(given.run, given.images, given.windows)
