"""The extractor (paper III-C): residual spectrum in, fingerprint out."""

from trainer.extractor.compact.heads import CONVOLUTIONS, HEADS
from trainer.extractor.compact.network import CompactNet, Head
from trainer.extractor.compact.recipe import COMPACT, PAPER, RECIPES, ExtractorRecipe
from trainer.extractor.features import FeatureRecipe, Features, compute_features
from trainer.extractor.paper.losses import (
    CosineClassifier,
    batch_hard_triplet,
    supervised_contrastive,
)
from trainer.extractor.paper.resnet import ResNet50
from trainer.extractor.paper.sampling import Sampler
from trainer.extractor.paper.train import train_extractor
from trainer.extractor.rendering import Renderer, RenderRecipe, make_renderer
from trainer.extractor.run import Run, load_run, plot_losses, run_extractor
from trainer.extractor.validation import held_out_models
from trainer.signal import CompactSignal, DftPower, LogSpectrum, PaperSpectrum

__all__ = [
    "COMPACT",
    "CONVOLUTIONS",
    "HEADS",
    "PAPER",
    "RECIPES",
    "CompactNet",
    "CompactSignal",
    "CosineClassifier",
    "DftPower",
    "ExtractorRecipe",
    "FeatureRecipe",
    "Features",
    "Head",
    "LogSpectrum",
    "PaperSpectrum",
    "RenderRecipe",
    "Renderer",
    "ResNet50",
    "Run",
    "Sampler",
    "batch_hard_triplet",
    "compute_features",
    "held_out_models",
    "load_run",
    "make_renderer",
    "plot_losses",
    "run_extractor",
    "supervised_contrastive",
    "train_extractor",
]
