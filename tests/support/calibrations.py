"""Small calibrations whose every number is known: conditions from a formula, a cohort by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fingerprint_sdk.calibration import Calibration
from fingerprint_sdk.evidence.cohort import Cohort, CohortKind, Usual, no_cohort
from fingerprint_sdk.images.quality import Quality
from fingerprint_sdk.images.treatment import TREATMENTS

FMRS = {0.1: 0.0, 0.05: 0.03, 0.01: 0.05, 0.001: 0.07}  # rate -> above the base
FNMRS = {0.02: -0.02, 0.05: 0.0, 0.1: 0.02, 0.5: 0.08}

FINE = Quality(512, 512, "PNG", False, None, False, False, 9)
JPEG = Quality(512, 512, "JPEG", False, 85, True, False, 9)
FLAT = Quality(512, 512, "PNG", False, None, False, True, 9)
GREY = Quality(512, 512, "PNG", False, None, False, False, 9, grey=True)
TINY = Quality(512, 63, "PNG", True, None, False, False, 1)
UNTYPICAL = Quality(512, 512, "PNG", False, None, False, False, 9, deviation=1.5)


def base(treatment: str, windows: int, images_a: int, images_b: int) -> float:
    """Threshold at an FMR of 10 %: higher for what was treated, and for few windows."""
    return round(
        0.5
        + 0.02 * TREATMENTS.index(treatment)
        + (0.01 if windows < 4 else 0)
        + 0.01 * np.log2(images_a * images_b),
        6,
    )


def document(
    images: tuple[int, ...] = (1, 2, 5), windows: tuple[int, ...] = (1, 4), rise: float = 0.0
) -> Any:
    """The JSON form; true pairs rise above strangers by ``rise`` where their images double."""
    conditions = []
    for treatment in TREATMENTS:
        for seen in windows:
            for a in images:
                for b in (b for b in images if b >= a):
                    at = base(treatment, seen, a, b)
                    own = at + rise * np.log2(a * b)
                    conditions.append(
                        {
                            "treatment": treatment,
                            "windows": seen,
                            "images_a": a,
                            "images_b": b,
                            "thresholds": {str(f): round(at + x, 6) for f, x in FMRS.items()},
                            "misses": {str(f): round(own + x, 6) for f, x in FNMRS.items()},
                            "logistic": [100.0, round(-100.0 * (at + 0.02), 6)],
                            "bounds": [0.02, 500.0],
                        }
                    )
    return {"format": 2, "default_fmr": 0.01, "default_fnmr": 0.05, "conditions": conditions}


def one_kind(
    rows: np.ndarray,
    treatment: str = "other",
    *,
    nearest: int = 1,
    base: float = 0.0,
    amount: float | None = None,
    processed: float = 2.0,
    weight: float = 1.0,
) -> Cohort:
    """A cohort of a single kind: ``weight`` times what the likeness exceeds ``base`` by.

    ``amount`` is what of that is usual; None for all that leaves a side unprocessed.
    """
    usual = Usual(1, base, processed if amount is None else amount, processed)
    kinds = (CohortKind(treatment, treatment, len(rows)),)
    return Cohort(rows, kinds, nearest, 1, weight, 0.0, (usual,))


def calibration(cohort: Cohort | None = None, size: int = 2, rise: float = 0.0) -> Calibration:
    return Calibration.from_json(json.dumps(document(rise=rise)), cohort or no_cohort(size))
