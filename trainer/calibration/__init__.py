"""Calibration: what a score means, measured on models and photographs never trained on."""

from __future__ import annotations

from trainer.calibration.contents import reference_windows
from trainer.calibration.fit import fit_calibration
from trainer.calibration.recipe import CalibrationRecipe, CohortRecipe, TypicalityRecipe

__all__ = [
    "CalibrationRecipe",
    "CohortRecipe",
    "TypicalityRecipe",
    "fit_calibration",
    "reference_windows",
]
