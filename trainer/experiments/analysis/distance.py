"""Distance between two sets of spectra, and the volume that one fills (paper IV-B)."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln


def frechet_distance(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The paper's FFD of two sets of spectra (M, d): squared, not below 0.

    Covariances have M − 1 in the denominator. tr (Σr Σs)^1/2 is the sum of the singular values of
    A Bᵀ, where AᵀA = Σr and BᵀB = Σs are the centred samples themselves: no root of a singular
    matrix is taken, so it is stable for fewer models than dimensions.

    Raises ValueError when a set has fewer than two spectra or the lengths differ.
    """
    if real.shape[1:] != synthetic.shape[1:] or min(len(real), len(synthetic)) < 2:
        raise ValueError(
            f"two sets of at least two spectra of one length are needed, not {real.shape} and "
            f"{synthetic.shape}"
        )
    a = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
    b = (synthetic - synthetic.mean(axis=0)) / np.sqrt(len(synthetic) - 1)
    means = ((real.mean(axis=0) - synthetic.mean(axis=0)) ** 2).sum()
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return max(0.0, float(means + (a**2).sum() + (b**2).sum() - 2 * cross))


def log_volume(eigenvalues: np.ndarray) -> float:
    """Natural logarithm of the paper's volume: (2π)^(n/2) / Γ(n/2 + 1) · sqrt(Π λ).

    That is the ellipsoid xᵀ Σ⁻¹ x ≤ 2, Σ with the n eigenvalues. −inf when one of them is 0.
    """
    n = len(eigenvalues)
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(eigenvalues, dtype=np.float64))
    return float(n / 2 * np.log(2 * np.pi) - gammaln(n / 2 + 1) + logs.sum() / 2)


def sample_log_volume(rows: np.ndarray) -> float:
    """The log volume of the distribution that `rows` (M, n) were drawn from.

    A sample covariance's determinant is too small, ever more so as M nears n: for normal rows by
    the factor Π_i χ²(M − i) / (M − 1), whose expected logarithm is known. It is taken away, so the
    estimate has no bias and families of different sizes can be compared. M must exceed n; the
    variance, Σ ψ'((M − i) / 2) / 4, still rises as M nears n.

    Raises ValueError when M is not above n.
    """
    m, n = rows.shape
    if m <= n:
        raise ValueError(f"{m} models cannot fill {n} dimensions; give fewer dimensions")
    eigenvalues = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2 / (m - 1)
    i = np.arange(1, n + 1)
    bias = (digamma((m - i) / 2) + np.log(2 / (m - 1))).sum() / 2
    return log_volume(eigenvalues) - float(bias)
