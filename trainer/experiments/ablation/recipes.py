"""Which signal, windows, processing, loss and heads: Tables VI and VII, and beyond the paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainer.experiments.ablation.variants import PIXELS, SPECTRA, Setting, Variant
from trainer.extractor import CONVOLUTIONS, HEADS, ExtractorRecipe, Head
from trainer.extractor.features import FAINT, PROCESSED, RENDERED

RESIDUAL, IMAGE = ("residual",), ("image",)
COEFFICIENTS, PERIODS = ("coefficients",), ("periods",)
"""Parts of `CompactSignal`."""
PIXEL_WIDTHS = (32, 64, 96, 128)


def signal(setting: Setting) -> list[Variant]:
    """Table VI: each part of the signal by itself, some together, and the image's pixels.

    One head and one embedding size for all. Pixels exist only as rendered, so with them no variant
    sees processed images.
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
        Variant(label, replace(setting.base, heads=(Head(parts),)), rows, kept=kept, paper=paper)
        for label, (parts, paper) in heads.items()
    ]
    if setting.pixels:
        sampler = replace(setting.base.sampler, averaged=1)  # pixels have no average
        recipe = replace(
            setting.base, heads=(Head(("pixels",)),), widths=PIXEL_WIDTHS, sampler=sampler
        )
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
    alone = replace(base, sampler=replace(base.sampler, averaged=1))
    if alone != base and not all(head.linear for head in base.heads):
        label = "3×3, trained on single images"
        found.append(Variant(label, alone, rows))
        found.append(Variant(f"{label}, spectra averaged", alone, rows, pooled=SPECTRA))
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
        sampler = replace(setting.base.sampler, processed=share)
        recipe = replace(setting.base, heads=CONVOLUTIONS, sampler=sampler)
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
    rows, base = setting.take(), replace(setting.base, heads=CONVOLUTIONS)
    return [Variant(label, replace(base, **changes), rows) for label, changes in weights.items()]


def heads(setting: Setting) -> list[Variant]:
    """Convolutions or linear, from which copies, and what photographs are worth."""
    base = setting.base

    def linear(*variants: int, contents: float = base.contents) -> ExtractorRecipe:
        heads = tuple(replace(head, variants=variants) for head in HEADS)
        return replace(base, heads=heads, contents=contents)

    every = (RENDERED, *PROCESSED, FAINT)
    choices = {
        "residual": replace(base, heads=(Head(RESIDUAL),)),
        "image": replace(base, heads=(Head(IMAGE),)),
        "both in one head": replace(base, heads=(Head(RESIDUAL + IMAGE),)),
        "five heads, convolutions": replace(base, heads=CONVOLUTIONS),
        "five heads, linear": linear(*every),
        "no contents subtracted": replace(linear(*every), mean=None),
        "no photographs": replace(linear(*every, contents=0.0), mean=None),
        "no faint copies": linear(RENDERED, *PROCESSED),
        "no processed copies": linear(RENDERED, FAINT),
        "as rendered only": linear(RENDERED),
    }
    rows = setting.take()
    return [Variant(label, recipe, rows) for label, recipe in choices.items()]
