"""Linear heads, against scikit-learn's discriminant analysis."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from trainer.extractor.compact.discriminant import Discriminant

pytestmark = pytest.mark.usefixtures("one_thread")


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
