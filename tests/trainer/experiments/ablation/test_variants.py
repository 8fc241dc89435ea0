"""Which models each variant of an ablation is trained on."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from trainer.experiments.ablation import (
    QUESTIONS,
    RUN,
    Setting,
    Variant,
)
from trainer.experiments.ablation.convolutions import DESCENT, ConvolutionRecipe
from trainer.extractor import CompactRecipe
from trainer.synthesis import (
    ModelId,
    architecture_from_id,
    named_architectures,
    paper288,
)

RECIPE = CompactRecipe()


def names_of(
    architectures: tuple[object, ...], seeds: int, pool: str = "pool"
) -> tuple[ModelId, ...]:
    return tuple(ModelId(pool, a.id, seed) for a in architectures for seed in range(seeds))


def trained(setting: Setting, variant: Variant) -> list[ModelId]:
    """The models that a variant is trained on, none of them held out."""
    held = set(np.flatnonzero(setting.held))
    assert held <= set(variant.rows)  # every variant is validated on the same models
    return [setting.models[i] for i in variant.rows if i not in held]


def test_reduced_families_are_equally_large_and_hold_what_they_should() -> None:
    setting = Setting(names_of(paper288(), 3), RECIPE)
    variants = QUESTIONS["synthesis"].variants(setting)
    assert [v.label for v in variants] == [
        "all models", "all, as many at random", "w/o K (one block)", "w/o L (one convolution)",
        "w/o S (conv-norm-act)", "w/o U (bilinear)", "w/o A (no activation)",
        "w/o N (no normalisation)",
    ]  # fmt: skip
    models = {v.label: trained(setting, v) for v in variants}
    assert len(models["all models"]) == int(setting.training.sum())
    assert len({len(m) for label, m in models.items() if label != "all models"}) == 1
    axes = {
        "w/o K (one block)": ("blocks", 1),
        "w/o L (one convolution)": ("convolutions", 1),
        "w/o S (conv-norm-act)": ("order", "post"),
        "w/o U (bilinear)": ("upsampling", "bilinear"),
        "w/o A (no activation)": ("activation", "none"),
        "w/o N (no normalisation)": ("normalisation", "none"),
    }
    for label, (axis, value) in axes.items():
        found = {getattr(architecture_from_id(m.architecture), axis) for m in models[label]}
        assert found == {value}
    assert len(set(models["all, as many at random"])) == len(models["w/o A (no activation)"])
    whole = QUESTIONS["synthesis"].variants(replace(setting, equal=False))
    sizes = Counter(len(trained(setting, v)) for v in whole)
    assert len(sizes) > 3


def test_the_wider_family_leaves_out_what_it_does_not_vary() -> None:
    setting = Setting(names_of(named_architectures("extended:300"), 2), RECIPE)
    labels = [v.label for v in QUESTIONS["synthesis"].variants(setting)]
    assert "w/o U (bilinear)" in labels
    assert "w/o S (conv-norm-act)" not in labels


def test_seeds_are_added_to_the_same_architectures_or_traded_for_them() -> None:
    setting = Setting(names_of(paper288()[:60], 5) + names_of(paper288()[60:80], 2), RECIPE)
    models = {v.label: trained(setting, v) for v in QUESTIONS["seeds"].variants(setting)}
    whole = len({m.architecture for m in trained(setting, Variant("", RECIPE, setting.take()))})
    short = {a.id for a in paper288()[60:80]}
    for k in (1, 2, 3, 4, 5):
        label = f"{k} seed{'s' if k > 1 else ''} of every architecture"
        per_architecture = Counter(m.architecture for m in models[label])
        assert set(per_architecture.values()) == {k}
        assert not short & set(per_architecture)
    one = len(models["1 seed of every architecture"])
    assert one < whole
    for k in (2, 5):
        few = models[f"{k} seeds of {one // k} architectures"]
        assert set(Counter(m.architecture for m in few).values()) == {k}
        assert one - k < len(few) <= one


def test_smaller_sizes_are_part_of_larger_ones() -> None:
    setting = Setting(names_of(paper288(), 1), RECIPE)
    variants = QUESTIONS["size"].variants(setting)
    models = [set(trained(setting, v)) for v in variants]
    assert [len(m) for m in models] == [v.x for v in variants]
    assert len(models[-1]) == int(setting.training.sum())
    for small, large in itertools.pairwise(models):
        assert small < large
        assert len(large) // 2 == len(small)


def test_classes_of_reconstruction_error_do_not_overlap() -> None:
    names = names_of(paper288(), 2)
    errors = np.random.default_rng(0).lognormal(-5, 1, len(names))
    setting = Setting(names, RECIPE, errors=errors)
    value = dict(zip(names, errors, strict=True))
    variants = QUESTIONS["reconstruction"].variants(setting)
    classes = [[value[m] for m in trained(setting, v)] for v in variants if v.x is not None]
    assert len(classes) == 4
    assert len({len(c) for c in classes}) == 1
    for lower, upper in itertools.pairwise(classes):
        assert max(lower) <= min(upper)
    better, worse = (trained(setting, v) for v in variants[-2:])
    assert [m.architecture for m in better] == [m.architecture for m in worse]
    assert all(value[b] < value[w] for b, w in zip(better, worse, strict=True))
    with pytest.raises(ValueError, match="--pool"):
        QUESTIONS["reconstruction"].variants(replace(setting, errors=None))


def test_pools_are_compared_at_one_size() -> None:
    names = names_of(paper288()[:40], 1, "a") + names_of(paper288()[40:60], 1, "b")
    setting = Setting(names, RECIPE)
    models = {v.label: trained(setting, v) for v in QUESTIONS["pools"].variants(setting)}
    assert {m.pool for m in models["pool a"]} == {"a"}
    assert len(models["pool a"]) == len(models["pool b"])
    with pytest.raises(ValueError, match="of one pool"):
        QUESTIONS["pools"].variants(Setting(names[:40], RECIPE))


def test_recipes_differ_in_one_thing_and_train_as_long() -> None:
    setting = Setting(names_of(paper288(), 1), RECIPE, pixels=True)
    for question in ("signal", "processing", "loss", "heads", "windows"):
        variants = QUESTIONS[question].variants(setting)
        assert len({v.label for v in variants}) == len(variants) > 3
        by_step = [v.recipe for v in variants if isinstance(v.recipe, ConvolutionRecipe)]
        assert {recipe.descent.steps for recipe in by_step} <= {DESCENT.steps}
        assert bool(by_step) == (question != "windows")
        models = {tuple(trained(setting, v)) for v in variants if v.source == RUN}
        assert len(models) == 1
    kept = {v.label: v.kept for v in QUESTIONS["processing"].variants(setting)}
    assert kept["half JPEG, quality 75 to 95"] == (0, 1)
    assert kept["half processed at will"] == (0, 2)
    with pytest.raises(ValueError, match="three variants"):
        QUESTIONS["processing"].variants(replace(setting, variants=1))
