"""What is it worth to subtract what contents predict of an embedding, with how much of its mean?

    python benchmarks/quality/contents.py RUN IMAGES…

RUN is a finished `trainer extractor` run by the recipe `compact`, IMAGES sets of
images by real generators.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from pathlib import Path

import torch
from heads import show

from trainer.calibration import CalibrationRecipe
from trainer.evaluation import read_image_set
from trainer.experiments.ablation import embed_signals, image_signals, read_cache
from trainer.extractor import CompactNet, Contents, ContentsRecipe, Discriminant, load_run
from trainer.extractor.source import FeatureSource

MEANS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main(run: Path, image_sets: list[Path]) -> None:
    cache = read_cache(run)
    network = load_run(run).network
    assert isinstance(network, CompactNet)
    variants = {}
    for mean in (None, *MEANS):
        name = "nothing subtracted" if mean is None else f"contents, {mean} of the mean"
        kept = ", kept" if mean == ContentsRecipe().photograph_mean_share else ""
        variants[name + kept] = refitted(network, cache.source, mean)
    for folder in image_sets:
        image_set = read_image_set(folder)
        with tempfile.TemporaryDirectory() as kept_in:
            signals = image_signals(image_set, cache.signal, "signal", None, Path(kept_in))
        for name, variant in variants.items():
            embeddings = embed_signals(variant, signals, constant=CalibrationRecipe().constant)
            show(folder.name, name, embeddings, image_set)


def refitted(network: CompactNet, source: FeatureSource, mean: float | None) -> CompactNet:
    """A copy of `network` whose heads learned contents anew or, without `mean`, have not."""
    out = copy.deepcopy(network)
    found = (source.photographs(variant) for variant in range(source.variants))
    photographs = [out.split(signals) for signals in found if signals is not None]
    for head in out.heads:
        assert isinstance(head, Discriminant)
        head.contents = None
        if mean is not None:
            recipe = ContentsRecipe(photograph_mean_share=mean)
            head.contents = Contents(head.linear.in_features, head.linear.out_features, recipe)
            seen = [torch.cat([p[n].flatten(1) for n in head.names], dim=1) for p in photographs]
            head.contents.fit(torch.cat(seen), head.linear(torch.cat(seen)).detach())
    return out.eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
