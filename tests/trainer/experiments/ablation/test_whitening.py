"""Within-class whitening, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from trainer.experiments.ablation.whitening import Whitening

pytestmark = pytest.mark.usefixtures("one_thread")


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
