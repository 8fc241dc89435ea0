"""Make teacher and student, and measure what the student gives up for its speed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fingerprint_sdk.files import write_text
from trainer.denoiser.agreement import Agreement, denoiser_agreement
from trainer.denoiser.networks import macs
from trainer.denoiser.training import DenoiserRecipe, distil_student, train_denoiser
from trainer.images.photos import Photos
from trainer.progress import Progress, silent

WINDOW = 128  # pixels; what the extractor sees


@dataclass(frozen=True)
class DenoiserReport:
    """Multiply-accumulates of one 128 px window, and agreement on held-out photographs."""

    teacher_macs: int
    student_macs: int
    agreement: Agreement
    training_photographs: int
    held_out_photographs: int

    @property
    def ratio(self) -> float:
        """How many times cheaper the student is."""
        return self.teacher_macs / self.student_macs


def make_denoiser(
    photos: Photos, out: Path, recipe: DenoiserRecipe, *, progress: Progress = silent
) -> DenoiserReport:
    """Train on nine photographs of ten, measure on the tenth, write `out`/denoiser.json.

    Resumes from `out` by itself. Raises ValueError when no photograph falls to the held-out part.
    """
    training, held_out = photos.split(0.1)
    if not len(training) or not len(held_out):
        raise ValueError(
            f"{len(photos)} photographs split into {len(training)} for training and "
            f"{len(held_out)} held out; give more photographs"
        )

    teacher = train_denoiser(training, out, recipe, progress=progress)
    student = distil_student(training, teacher, out, recipe, progress=progress)
    report = DenoiserReport(
        macs(teacher, WINDOW),
        macs(student, WINDOW),
        denoiser_agreement(teacher, student, held_out, side=WINDOW),
        len(training),
        len(held_out),
    )
    _write(out / "denoiser.json", report, recipe, training.digest)
    return report


def _write(path: Path, report: DenoiserReport, recipe: DenoiserRecipe, photos: str) -> None:
    figures = {
        **asdict(report),
        "ratio": report.ratio,
        "mean_log_difference": report.agreement.mean_log_difference,
        "recipe": asdict(recipe),
        "photos_hash": photos,
    }
    write_text(path, json.dumps(figures, indent=2) + "\n")
