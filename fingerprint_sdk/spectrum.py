"""NumPy reference of the spectra in the paper's section III-A."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def dft_magnitude(residual: Floats) -> npt.NDArray[np.float64]:
    """Magnitude of the 2-D DFT of each channel: ``abs(fft2)``, without scaling or shift.

    Args:
        residual: shape (..., H, W), the noise residual of one or many channels.

    Returns:
        float64, same shape, zero frequency at index (0, 0).
    """
    return np.abs(np.fft.fft2(np.asarray(residual, dtype=np.float64)))


def dft_matrices(
    n: int, *, half: bool = False
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Real and imaginary part of the DFT matrix, ``exp(-2 pi i j k / n)``.

    Two matrix products give the 2-D transform of a square X, ``F X F^T``; unlike an FFT operator
    they run on every ONNX Runtime device.

    Args:
        n: length of the transform.
        half: keep only the frequencies 0 to n // 2 (the other half of a real signal's spectrum is
            their complex conjugate).

    Returns:
        Two float64 arrays, shape (n, n), or (n // 2 + 1, n) with ``half``; row k is frequency k.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    rows = n // 2 + 1 if half else n
    # The product is reduced modulo n in integers, so that large angles lose no precision.
    angle = (-2 * np.pi / n) * (np.outer(np.arange(rows), np.arange(n)) % n)
    return np.cos(angle), np.sin(angle)


def azimuthal_integration(power: Floats) -> npt.NDArray[np.float64]:
    """Reduced 1-D power spectrum, the paper's equation (1).

    The integral over the angle at radius w is taken as 2 pi times the mean power of the
    frequencies whose distance from zero, rounded, is w.

    Args:
        power: shape (..., n, n), ``dft_magnitude(x) ** 2``, zero frequency at index (0, 0).

    Returns:
        float64, shape (..., n // 2 + 1): radius 0 to the Nyquist frequency, in cycles per window.
    """
    power = np.asarray(power, dtype=np.float64)
    if power.ndim < 2 or power.shape[-1] != power.shape[-2]:
        raise ValueError(f"power must have shape (..., n, n), not {power.shape}")
    n = power.shape[-1]
    frequency = np.fft.fftfreq(n, d=1 / n)
    radius = np.rint(np.hypot(frequency[:, None], frequency[None, :])).astype(np.intp)
    size = n // 2 + 1
    keep = radius < size  # the corners beyond Nyquist are not full circles
    rings = np.eye(size)[radius[keep]]
    mean: npt.NDArray[np.float64] = (power[..., keep] @ rings) / rings.sum(axis=0)
    return 2 * np.pi * mean
