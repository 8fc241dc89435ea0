"""One picture made by whole-number arithmetic, and what a model must make of it.

A model's ``config.json`` may carry its ``golden`` numbers: the first values of its embedding of
this picture where it was exported. Another machine that comes to other numbers does not compute
what the thresholds were calibrated for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GOLDEN_VALUES = 16
GOLDEN_TOLERANCE = 1e-3  # float rounding of another processor stays below a tenth of this


def golden_picture() -> npt.NDArray[np.uint8]:
    """uint8, shape (128, 256, 3): a slope with fine noise, the same on every machine.

    No random generator is asked, since those may change with NumPy's version.
    """
    height, width = 128, 256
    place = np.arange(height * width * 3, dtype=np.uint64).reshape(height, width, 3)
    mixed = place * np.uint64(2654435761) % np.uint64(2**32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(2**32)
    noise = (mixed >> np.uint64(28)).astype(np.int64)  # 0 to 15
    y, x, channel = np.indices(place.shape)
    return np.asarray(40 + y // 2 + x // 3 + 10 * channel + noise, np.uint8)
