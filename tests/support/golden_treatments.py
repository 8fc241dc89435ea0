"""What is kept of each kind of treatment in tests/golden/treatments.json, and what it is now.

Those that the cohort is made by, at random strength, and those that calibration is made by.
"""

from __future__ import annotations

import numpy as np
from support.photographs import photograph

from trainer.calibration.conditions import CONDITIONS
from trainer.images.treatments import TREATMENTS

DRAWS = 3
"""Of each kind's random strength."""


def golden_treatments() -> dict[str, list[dict[str, list[float]]]]:
    """For each kind and draw: size, and of the colours mean, deviation and step between pixels."""
    picture = np.asarray(photograph(0, 160, 144))
    return {
        f"{maker}: {treatment}: {name}": [
            _described(kind(picture, np.random.default_rng(draw))) for draw in range(draws)
        ]
        for maker, known, draws in (("cohort", TREATMENTS, DRAWS), ("calibration", CONDITIONS, 1))
        for treatment, kinds in known.items()
        for name, kind in kinds.items()
    }


def _described(image: np.ndarray) -> dict[str, list[float]]:
    values = image.astype(np.float64)
    numbers = {
        "size": image.shape[:2],
        "mean": values.mean((0, 1)),
        "deviation": values.std((0, 1)),
        "step": [np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)],
    }
    return {name: [round(float(value), 3) for value in each] for name, each in numbers.items()}
