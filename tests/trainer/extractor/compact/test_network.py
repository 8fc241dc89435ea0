"""The compact network: its input, and what each head sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.extractor import CompactNet, Discriminant, Features, Head
from trainer.extractor.compact.heads import Seen
from trainer.extractor.source import FeatureSource
from trainer.extractor.variants import FAINT
from trainer.synthesis import ModelId

pytestmark = pytest.mark.usefixtures("one_thread")

MODELS = (ModelId("pool", "a", 0), ModelId("pool", "b", 0))


def test_the_compact_network_standardises_its_input() -> None:
    parts = {"a": (2, 3, 5)}
    network = CompactNet(parts, (Head(("a",)),), (Discriminant(parts, 4),)).eval()
    features = torch.randn(500, 30, generator=torch.manual_seed(0)) * 7 + 3
    network.fit_input(features)
    standard = (features - network.mean) * network.scale
    torch.testing.assert_close(standard.mean(0), torch.zeros(30), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(30), atol=1e-5, rtol=0)
    assert network(features).shape == (500, 4)
    network.fit_input(torch.full((10, 30), 2.0))  # a constant input divides by no zero
    assert torch.isfinite(network(torch.full((1, 30), 2.0))).all()


def test_a_head_sees_its_parts_of_its_variants() -> None:
    values = np.arange(2 * 3 * 4 * 9, dtype=np.float16).reshape(2, 3, 4, 9)
    source = FeatureSource(Features(values, MODELS, np.arange(2)))
    parts = {"a": (1, 2, 2), "b": (1, 1, 2), "c": (1, 1, 3)}
    seen = Seen(source, parts, Head(("c", "a"), (0, 3)))
    assert seen.head.seen(parts) == {"a": (1, 2, 2), "c": (1, 1, 3)}  # in the signal's order
    assert (seen.images, seen.variants, seen.models) == (3, 2, source.models)
    model, image, variant = np.array([1, 0]), np.array([[2], [1]]), np.array([1, 0])
    expected = values[[1, 0], [2, 1], [3, 0]][:, [0, 1, 2, 3, 6, 7, 8]]
    np.testing.assert_array_equal(seen.fetch(model, image, variant).numpy(), expected)
    few = FeatureSource(Features(values[:, :, :2], source.models, source.block))
    assert Seen(few, parts, Head(("a",), (0, 3))).variants == 1  # a run that keeps two


def test_a_head_sees_photographs_in_its_variants_but_for_faint_ones() -> None:
    values = np.zeros((2, 3, 4, 9), np.float16)
    crops = np.arange(5 * 3 * 9, dtype=np.float16).reshape(5, 3, 9)
    source = FeatureSource(Features(values, MODELS, np.arange(2), crops))
    parts = {"a": (1, 2, 2), "b": (1, 1, 2), "c": (1, 1, 3)}
    seen = Seen(source, parts, Head(("c", "a"), (2, FAINT)))
    expected = crops[:, 2][:, [0, 1, 2, 3, 6, 7, 8]]
    np.testing.assert_array_equal(seen.photographs(0).numpy(), expected)
    assert seen.photographs(1) is None
    without = FeatureSource(Features(values, source.models, source.block))
    assert Seen(without, parts, Head(("c",))).photographs(0) is None
