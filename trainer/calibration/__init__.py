"""Calibration: what a score means, measured on models and photographs never trained on."""

from __future__ import annotations

from trainer.calibration.fit import fit_calibration
from trainer.calibration.recipe import CalibrationRecipe, CohortRecipe

__all__ = ["CalibrationRecipe", "CohortRecipe", "fit_calibration"]
