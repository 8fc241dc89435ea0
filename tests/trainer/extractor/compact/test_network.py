"""The networks of the extractor: heads, whitening."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from trainer.extractor import (
    PAPER,
    CompactNet,
    Features,
    Head,
    ResNet50,
)
from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.heads import Seen
from trainer.extractor.compact.whitening import Whitening
from trainer.extractor.features import FAINT
from trainer.extractor.source import FeatureSource

pytestmark = pytest.mark.usefixtures("one_thread")


# networks


def test_resnet50_has_the_known_number_of_parameters() -> None:
    network = ResNet50()
    count = sum(p.numel() for p in network.parameters())
    # torchvision's 25,557,032 less its fc (2048·1000 + 1000), and 2·3 of the input's batch norm.
    assert count == 25_557_032 - 2_049_000 + 6 == 23_508_032 + 6
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 53
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 2048)
    stages = network.stages(network.stem(torch.zeros(1, 3, 64, 64)))
    assert stages.shape == (1, 2048, 2, 2)  # stride 32
    assert PAPER.embedding == network.embedding == 2048


def test_the_compact_network_standardises_its_input() -> None:
    network = CompactNet({"a": (2, 3, 5)}, heads=(Head(("a",)),), widths=(4,), embedding=4).eval()
    features = torch.randn(500, 30, generator=torch.manual_seed(0)) * 7 + 3
    network.fit_input(features)
    standard = (features - network.mean) * network.scale
    torch.testing.assert_close(standard.mean(0), torch.zeros(30), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(30), atol=1e-5, rtol=0)
    assert network(features).shape == (500, 4)
    network.fit_input(torch.full((10, 30), 2.0))  # a constant input divides by no zero
    assert torch.isfinite(network(torch.full((1, 30), 2.0))).all()


def test_a_head_sees_its_own_parts_and_weighs_as_much_as_another() -> None:
    torch.manual_seed(0)
    parts = {"a": (1, 9, 7), "b": (2, 9, 7), "c": (1, 4, 4)}
    heads = (Head(("a",)), Head(("b", "c")))
    network = CompactNet(parts, heads=heads, widths=(4, 6), embedding=5).eval()
    x = torch.randn(8, 63 + 126 + 16)
    z = network(x)
    assert z.shape == (8, network.embedding) == (8, 10)
    torch.testing.assert_close(z[:, :5].norm(dim=1), torch.ones(8))
    torch.testing.assert_close(z[:, 5:].norm(dim=1), torch.ones(8))
    other = x.clone()
    other[:, :63] += torch.randn(8, 63)
    changed = (network(other) != z).any(0)
    assert changed[:5].any()
    assert not changed[5:].any()
    for start, stop in ((63, 189), (189, 205)):  # parts of different size meet in one head
        other = x.clone()
        other[:, start:stop] += torch.randn(8, stop - start)
        changed = (network(other) != z).any(0)
        assert not changed[:5].any()
        assert changed[5:].any()


def test_whitening_is_the_identity_until_it_is_fitted() -> None:
    whitening = Whitening(5)
    z = torch.nn.functional.normalize(torch.randn(7, 5, generator=torch.manual_seed(0)), dim=1)
    torch.testing.assert_close(whitening(z), z)
    whitening.fit(z[:, None], 0.2)  # one image a model: no covariance to learn from
    torch.testing.assert_close(whitening(z), z)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3])
def test_whitening_levels_what_varies_within_a_model(shrinkage: float) -> None:
    rng = np.random.default_rng(0)
    spread = np.array([3.0, 1.0, 0.2, 0.05])
    z = rng.normal(size=(40, 1, 4)) + rng.normal(size=(40, 25, 4)) * spread @ rng.normal(
        size=(4, 4)
    )
    whitening = Whitening(4)
    whitening.fit(torch.from_numpy(z).float(), shrinkage)
    matrix = whitening.matrix.numpy().astype(float)
    within = (z - z.mean(1, keepdims=True)).reshape(-1, 4)
    covariance = within.T @ within / len(within)
    mixed = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 4 * np.eye(4)
    reference = scipy.linalg.fractional_matrix_power(mixed / (np.trace(covariance) / 4), -0.5)
    np.testing.assert_allclose(matrix, reference, rtol=1e-3, atol=1e-3)
    expected = (z - z.mean((0, 1))) @ reference
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    got = whitening(torch.from_numpy(z.reshape(-1, 4)).float()).numpy()
    np.testing.assert_allclose(got, expected.reshape(-1, 4), atol=1e-3)


# what a head sees


def test_a_head_sees_its_parts_of_its_variants() -> None:
    values = np.arange(2 * 3 * 4 * 9, dtype=np.float16).reshape(2, 3, 4, 9)
    source = FeatureSource(Features(values, ("pool/a/0", "pool/b/0"), np.arange(2)))
    parts = {"a": (1, 2, 2), "b": (1, 1, 2), "c": (1, 1, 3)}
    seen = Seen(source, parts, Head(("c", "a"), (0, 3)))
    assert seen.parts == {"a": (1, 2, 2), "c": (1, 1, 3)}  # in the signal's order
    assert (seen.images, seen.variants, seen.models) == (3, 2, source.models)
    model, image, variant = np.array([1, 0]), np.array([[2], [1]]), np.array([1, 0])
    expected = values[[1, 0], [2, 1], [3, 0]][:, [0, 1, 2, 3, 6, 7, 8]]
    np.testing.assert_array_equal(seen.fetch(model, image, variant).numpy(), expected)
    few = FeatureSource(Features(values[:, :, :2], source.models, source.block))
    assert Seen(few, parts, Head(("a",), (0, 3))).variants == 1  # a run that keeps two


def test_a_head_sees_photographs_in_its_variants_but_for_faint_ones() -> None:
    values = np.zeros((2, 3, 4, 9), np.float16)
    crops = np.arange(5 * 3 * 9, dtype=np.float16).reshape(5, 3, 9)
    source = FeatureSource(Features(values, ("pool/a/0", "pool/b/0"), np.arange(2), crops))
    parts = {"a": (1, 2, 2), "b": (1, 1, 2), "c": (1, 1, 3)}
    seen = Seen(source, parts, Head(("c", "a"), (2, FAINT)))
    expected = crops[:, 2][:, [0, 1, 2, 3, 6, 7, 8]]
    np.testing.assert_array_equal(seen.photographs(0).numpy(), expected)
    assert seen.photographs(1) is None
    without = FeatureSource(Features(values, source.models, source.block))
    assert Seen(without, parts, Head(("c",))).photographs(0) is None


# linear heads


def test_a_linear_head_finds_what_scikit_learns_discriminant_finds() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((8, 8))
    models = rng.standard_normal((40, 1, 8)) * np.linspace(0.2, 2, 8)
    z = (models + rng.standard_normal((40, 30, 8))) @ mixing
    head = Discriminant({"a": (2, 2, 2)}, 3)
    head.fit(({"a": images} for images in torch.from_numpy(z).float()), 0.0)
    flat, labels = z.reshape(-1, 8), np.repeat(np.arange(40), 30)
    found = head({"a": torch.from_numpy(flat).float().reshape(-1, 2, 2, 2)}).detach().numpy()
    reference = LinearDiscriminantAnalysis(solver="eigen", n_components=3)
    theirs = reference.fit(flat, labels).transform(flat)
    for ours, other in zip(found.T[::-1], theirs.T, strict=True):  # ours ends with the best
        assert abs(np.corrcoef(ours, other)[0, 1]) > 0.9999
    within = found.reshape(40, 30, 3) - found.reshape(40, 30, 3).mean(1, keepdims=True)
    spread = np.cov(within.reshape(-1, 3).T, bias=True)
    np.testing.assert_allclose(spread, np.eye(3), atol=1e-3)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)


@pytest.mark.parametrize(("models", "numbers"), [(2, 8), (30, 3)])
def test_a_linear_head_has_its_size_whatever_it_is_fitted_to(models: int, numbers: int) -> None:
    rng = np.random.default_rng(1)
    z = torch.from_numpy(rng.standard_normal((models, 5, numbers))).float()
    head = Discriminant({"a": (numbers,)}, 6)
    head.fit(({"a": images} for images in z), 0.1)
    found = head({"a": z.flatten(0, 1)})
    assert found.shape == (5 * models, 6)
    assert found.isfinite().all()
    # Two models differ along one direction, three numbers along three: the rest stays empty.
    assert found.std(0).count_nonzero() == min(models - 1, numbers, 6)


def test_a_linear_head_turns_from_what_photographs_differ_in() -> None:
    rng = np.random.default_rng(2)
    models = rng.standard_normal((60, 1, 4)) * [3, 3, 1, 1]
    images = torch.from_numpy(models + 0.5 * rng.standard_normal((60, 20, 4))).float()
    plain = torch.from_numpy(rng.standard_normal((500, 4)) * [30, 0.1, 0.1, 0.1]).float()
    recompressed = torch.from_numpy(rng.standard_normal((500, 4)) * [0.1, 30, 0.1, 0.1]).float()

    def fitted(weight: float, *photographs: Tensor) -> np.ndarray:
        head = Discriminant({"a": (4,)}, 2)
        given = ({"a": crops + 7} for crops in photographs)  # their mean tells nothing
        head.fit(({"a": model} for model in images), 0.0, given, weight)
        return np.abs(head.linear.weight.detach().numpy())

    first = fitted(0.0, plain, recompressed)
    assert first[:, :2].max() > 10 * first[:, 2:].max()
    np.testing.assert_array_equal(first, fitted(1.0))
    turned = fitted(1.0, plain, recompressed)
    assert turned[:, 2:].max() > 10 * turned[:, :2].max()
    one = fitted(1.0, plain)
    assert one[1, 1] > 10 * one[1, [0, 2, 3]].max()  # the best comes last
