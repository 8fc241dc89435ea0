"""What is it worth to whiten each linear head by whole photographs, and how strongly?

    python benchmarks/quality/whitening.py RUN IMAGES…

RUN is a finished `trainer extractor` run by the recipe `compact`, IMAGES pools of real generators.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from pathlib import Path

import torch

from trainer.ablation import embed_signals, pool_signals, read_cache
from trainer.calibration import CONSTANT
from trainer.evaluation import read_pool, score
from trainer.extractor import COMPACT, load_run
from trainer.extractor.networks import CompactNet
from trainer.extractor.source import FeatureSource
from trainer.extractor.whitening import Whitening

SHRINKAGES = (0.5, 0.2, 0.05)


def main(run: Path, pools: list[Path]) -> None:
    cache = read_cache(run)
    network = load_run(run).network
    assert isinstance(network, CompactNet)
    variants = {"not whitened": whitened(network, cache.source, None)}
    for shrinkage in SHRINKAGES:
        kept = ", kept" if shrinkage == COMPACT.whitening else ""
        variants[f"whole photographs, shrinkage {shrinkage}{kept}"] = whitened(
            network, cache.source, shrinkage
        )
    default = COMPACT.whitening
    variants["the same, about their mean"] = whitened(network, cache.source, default, centred=True)
    variants["crops instead"] = whitened(network, cache.source, default, whole=False)
    for folder in pools:
        pool = read_pool(folder)
        with tempfile.TemporaryDirectory() as kept_in:
            signals = pool_signals(pool, cache.signal, "signal", None, Path(kept_in))
        for name, variant in variants.items():
            embeddings = embed_signals(variant, signals, constant=CONSTANT)
            scores = score(embeddings, pool.decoders, resamples=0)
            found, pairs = scores.identification, scores.verification.model
            print(
                f"{folder.name:9s} {name:41s} identification "
                f"{100 * found.model.accuracy.value:.1f} "
                f"[{100 * found.decoder.accuracy.value:.1f}], AUC {100 * pairs.auc.value:.1f}, "
                f"FNMR {100 * pairs.fnmr_at_fmr_1:.1f}, five a side AUC "
                f"{100 * scores.set_verification.model.auc.value:.1f}",
                flush=True,
            )


@torch.no_grad()
def whitened(
    network: CompactNet,
    source: FeatureSource,
    shrinkage: float | None,
    *,
    whole: bool = True,
    centred: bool = False,
) -> CompactNet:
    """A copy of `network`, its heads whitened anew by photographs or, without shrinkage, bare."""
    out = copy.deepcopy(network)
    for i in range(len(out.whitenings)):
        out.whitenings[i] = Whitening(len(network.whitenings[i].matrix))
    if shrinkage is not None:
        found = (source.photographs(variant, whole=whole) for variant in range(source.variants))
        embeddings = torch.stack([out(signals) for signals in found if signals is not None])
        out.fit_output(embeddings, shrinkage, centred=centred)
    return out.eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
