"""Which signal, windows, processing, loss and heads: Tables VI and VII, and beyond the paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainer.experiments.ablation.convolutions import ConvolutionRecipe
from trainer.experiments.ablation.variants import PIXELS, SPECTRA, Setting, Variant
from trainer.extractor import HEADS, CompactRecipe, Head
from trainer.extractor.variants import FAINT, PROCESSED, RENDERED

RESIDUAL, IMAGE = ("residual",), ("image",)
COEFFICIENTS, PERIODS = ("coefficients",), ("periods",)
"""Parts of `CompactSignal`."""
PIXEL_WIDTHS = (32, 64, 96, 128)


def signal(setting: Setting) -> list[Variant]:
    """Table VI: each part of the signal by itself, some together, and the image's pixels.

    One head of convolutions and one embedding size for all. Pixels exist only as rendered, so with
    them no variant sees processed images.
    """
    heads = {
        "residual spectrum (the paper's)": (RESIDUAL, (94.03, 95.69)),
        "image spectrum": (IMAGE, (73.94, 90.76)),
        "both spectra in one head": (RESIDUAL + IMAGE, None),
        "coefficient statistics": (COEFFICIENTS, None),
        "periods": (PERIODS, None),
        "all in one head": (RESIDUAL + IMAGE + COEFFICIENTS + PERIODS, None),
    }
    rows = setting.take(count=setting.limit) if setting.pixels else setting.take()
    kept = (0,) if setting.pixels else None
    found = [
        Variant(label, _one_head(setting, parts), rows, kept=kept, paper=paper)
        for label, (parts, paper) in heads.items()
    ]
    if setting.pixels:
        recipe = _sampled(_one_head(setting, ("pixels",)), averaged=1)  # pixels have no average
        recipe = replace(recipe, widths=PIXEL_WIDTHS)
        again = np.arange(len(rows))
        found.append(
            Variant("RGB pixels", recipe, again, kept=(0,), source=PIXELS, paper=(60.33, 87.42))
        )
    return found


def windows(setting: Setting) -> list[Variant]:
    """Table VII: 1×1 to 4×4 windows of an image; embeddings or spectra averaged over them."""
    rows, base = setting.take(), setting.base
    found = [Variant(f"{n}×{n} windows", base, rows, windows=n) for n in (1, 2, 3, 4)]
    found += [
        Variant(f"{n}×{n}, spectra averaged", base, rows, windows=n, pooled=SPECTRA)
        for n in (2, 3, 4)
    ]
    return found


def processing(setting: Setting) -> list[Variant]:
    """How many images are processed after the synthetic model, and how (Appendix A).

    Of convolutions: a linear head is fitted to every image in every variant alike.
    """
    if setting.variants < 3:
        raise ValueError(
            "processing needs a run with three variants of each image (plain, JPEG, at will)"
        )

    def variant(label: str, share: float, kept: tuple[int, ...]) -> Variant:
        recipe = _sampled(setting.convolutions, processed=share)
        return Variant(label, recipe, setting.take(), kept=kept)

    every = (RENDERED, *PROCESSED)
    return [
        variant("as rendered only", 0.0, (0,)),
        variant("half processed", 0.5, every),
        variant("all processed", 1.0, every),
        variant("half JPEG, quality 75 to 95", 0.5, (0, 1)),
        variant("all JPEG, quality 75 to 95", 1.0, (0, 1)),
        variant("half processed at will", 0.5, (0, *every[2:])),
    ]


def loss(setting: Setting) -> list[Variant]:
    """The paper's two losses, each alone, and the supervised contrastive one.

    Of convolutions: a linear head has no loss.
    """
    weights = {
        "cross-entropy and triplet": {},
        "the same, cosine margin 0": {"cosine_margin": 0.0},
        "cross-entropy alone": {"triplet": 0.0},
        "triplet alone": {"classification": 0.0},
        "supervised contrastive": {"classification": 0.0, "triplet": 0.0, "contrastive": 1.0},
        "cross-entropy and contrastive": {"triplet": 0.0, "contrastive": 1.0},
    }
    rows, base = setting.take(), setting.convolutions
    return [
        Variant(label, replace(base, descent=replace(base.descent, **changes)), rows)
        for label, changes in weights.items()
    ]


def heads(setting: Setting) -> list[Variant]:
    """Convolutions or linear, from which copies, and what photographs are worth."""
    base = setting.base

    def linear(*variants: int) -> CompactRecipe:
        return replace(base, heads=tuple(replace(head, variants=variants) for head in HEADS))

    every = (RENDERED, *PROCESSED, FAINT)
    choices = {
        "residual": _one_head(setting, RESIDUAL),
        "image": _one_head(setting, IMAGE),
        "both in one head": _one_head(setting, RESIDUAL + IMAGE),
        "five heads, convolutions": setting.convolutions,
        "five heads, linear": linear(*every),
        "no contents subtracted": replace(linear(*every), contents=None),
        "no photographs": replace(linear(*every), contents_weight=0.0, contents=None),
        "no faint copies": linear(RENDERED, *PROCESSED),
        "no processed copies": linear(RENDERED, FAINT),
        "as rendered only": linear(RENDERED),
    }
    rows = setting.take()
    return [Variant(label, recipe, rows) for label, recipe in choices.items()]


def _one_head(setting: Setting, parts: tuple[str, ...]) -> ConvolutionRecipe:
    """One head of convolutions on `parts`, which learns from no faint copies."""
    return replace(setting.convolutions, heads=(Head(parts, (RENDERED, *PROCESSED)),))


def _sampled(recipe: ConvolutionRecipe, **changes: float) -> ConvolutionRecipe:
    """The same recipe with other batches."""
    sampler = replace(recipe.descent.sampler, **changes)
    return replace(recipe, descent=replace(recipe.descent, sampler=sampler))
