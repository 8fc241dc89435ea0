"""Ablations: what each part of the method is worth (paper IV-C; Tables III to VII)."""

from trainer.experiments.ablation.answer import ablate
from trainer.experiments.ablation.cache import Cache, Subset, read_cache, reconstruction_errors
from trainer.experiments.ablation.convolutions import ConvolutionRecipe, train_convolutions
from trainer.experiments.ablation.curves import draw_curves, fit_power_law
from trainer.experiments.ablation.intervals import fnmr_interval, weighted_fnmr
from trainer.experiments.ablation.lines import Line, summarise
from trainer.experiments.ablation.page import experiment
from trainer.experiments.ablation.questions import QUESTIONS, Question
from trainer.experiments.ablation.rendering import (
    make_subset_renderer,
    mixed,
    rendered_pixels,
    rendered_signals,
)
from trainer.experiments.ablation.run import Laboratory, Result, run_variants
from trainer.experiments.ablation.signals import Pixels, embed_signals, image_signals
from trainer.experiments.ablation.variants import PIXELS, RUN, Setting, Variant, rendered_anew

__all__ = [
    "PIXELS",
    "QUESTIONS",
    "RUN",
    "Cache",
    "ConvolutionRecipe",
    "Laboratory",
    "Line",
    "Pixels",
    "Question",
    "Result",
    "Setting",
    "Subset",
    "Variant",
    "ablate",
    "draw_curves",
    "embed_signals",
    "experiment",
    "fit_power_law",
    "fnmr_interval",
    "image_signals",
    "make_subset_renderer",
    "mixed",
    "read_cache",
    "reconstruction_errors",
    "rendered_anew",
    "rendered_pixels",
    "rendered_signals",
    "run_variants",
    "summarise",
    "train_convolutions",
    "weighted_fnmr",
]
