"""The extractor (paper III-C): residual spectrum in, fingerprint out."""

from trainer.extractor.compact.contents import Contents, ContentsRecipe
from trainer.extractor.compact.discriminant import Discriminant
from trainer.extractor.compact.fit import fit_compact
from trainer.extractor.compact.heads import HEADS, Head
from trainer.extractor.compact.network import CompactNet
from trainer.extractor.compact.recipe import CompactRecipe
from trainer.extractor.features import FeatureRecipe, Features, compute_features
from trainer.extractor.paper.log import plot_losses
from trainer.extractor.paper.losses import (
    CosineClassifier,
    batch_hard_triplet,
    supervised_contrastive,
)
from trainer.extractor.paper.recipe import PaperRecipe
from trainer.extractor.paper.resnet import ResNet50
from trainer.extractor.paper.sampling import Sampler
from trainer.extractor.paper.train import Descent, train_by_step
from trainer.extractor.preparation import share_compact, share_paper
from trainer.extractor.rendering import Renderer, RenderRecipe, make_renderer
from trainer.extractor.run import METHODS, load_run, run_compact, run_paper
from trainer.extractor.saved import Run
from trainer.extractor.validation import held_out_models

__all__ = [
    "HEADS",
    "METHODS",
    "CompactNet",
    "CompactRecipe",
    "Contents",
    "ContentsRecipe",
    "CosineClassifier",
    "Descent",
    "Discriminant",
    "FeatureRecipe",
    "Features",
    "Head",
    "PaperRecipe",
    "RenderRecipe",
    "Renderer",
    "ResNet50",
    "Run",
    "Sampler",
    "batch_hard_triplet",
    "compute_features",
    "fit_compact",
    "held_out_models",
    "load_run",
    "make_renderer",
    "plot_losses",
    "run_compact",
    "run_paper",
    "share_compact",
    "share_paper",
    "supervised_contrastive",
    "train_by_step",
]
