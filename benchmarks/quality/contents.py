"""What is it worth to subtract what contents predict of an embedding, with how much of its mean?

    python benchmarks/quality/contents.py RUN IMAGES…

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
from trainer.extractor.contents import Contents
from trainer.extractor.discriminant import Discriminant
from trainer.extractor.networks import CompactNet
from trainer.extractor.source import FeatureSource

MEANS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main(run: Path, pools: list[Path]) -> None:
    cache = read_cache(run)
    network = load_run(run).network
    assert isinstance(network, CompactNet)
    variants = {}
    for mean in (None, *MEANS):
        name = "nothing subtracted" if mean is None else f"contents, {mean} of the mean"
        kept = ", kept" if mean == COMPACT.mean else ""
        variants[name + kept] = without_contents(network, cache.source, mean)
    for folder in pools:
        pool = read_pool(folder)
        with tempfile.TemporaryDirectory() as kept_in:
            signals = pool_signals(pool, cache.signal, "signal", None, Path(kept_in))
        for name, variant in variants.items():
            embeddings = embed_signals(variant, signals, constant=CONSTANT)
            scores = score(embeddings, pool.decoders, resamples=0)
            found, pairs = scores.identification, scores.verification.model
            print(
                f"{folder.name:9s} {name:31s} identification "
                f"{100 * found.model.accuracy.value:.1f} "
                f"[{100 * found.decoder.accuracy.value:.1f}], AUC {100 * pairs.auc.value:.1f}, "
                f"FNMR {100 * pairs.fnmr_at_fmr_1:.1f}, five a side AUC "
                f"{100 * scores.set_verification.model.auc.value:.1f}",
                flush=True,
            )


@torch.no_grad()
def without_contents(network: CompactNet, source: FeatureSource, mean: float | None) -> CompactNet:
    """A copy of `network`, of whose heads contents are predicted anew or, without mean, not."""
    out = copy.deepcopy(network)
    found = (source.photographs(variant) for variant in range(source.variants))
    parts = out.split(torch.cat([signals for signals in found if signals is not None]))
    for head in out.heads:
        assert isinstance(head, Discriminant)
        flat = torch.cat([parts[name].flatten(1) for name in head.names], dim=1)
        head.contents = Contents(flat.shape[1], head.linear.out_features)
        if mean is not None:
            head.contents.fit(flat, head.linear(flat), mean)
    return out.eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
