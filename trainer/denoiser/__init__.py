"""The denoiser (paper III-C): a DnCNN, and the cheap student distilled from it."""

from trainer.denoiser.agreement import Agreement, denoiser_agreement, residual_agreement
from trainer.denoiser.networks import DnCNN, Student, macs, network_from_state
from trainer.denoiser.report import DenoiserReport, make_denoiser
from trainer.denoiser.training import (
    DenoiserRecipe,
    distil_student,
    load_denoiser,
    train_denoiser,
)
from trainer.denoiser.weights import load_weights

__all__ = [
    "Agreement",
    "DenoiserRecipe",
    "DenoiserReport",
    "DnCNN",
    "Student",
    "denoiser_agreement",
    "distil_student",
    "load_denoiser",
    "load_weights",
    "macs",
    "make_denoiser",
    "network_from_state",
    "residual_agreement",
    "train_denoiser",
]
