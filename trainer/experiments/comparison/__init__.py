"""Rivals and our model on generators seen and unseen (paper IV-D; Tables VIII and IX)."""

from trainer.experiments.comparison.embeddings import embed_rival
from trainer.experiments.comparison.page import experiment
from trainer.experiments.comparison.run import CompareRecipe, Comparison, MethodScores, compare
from trainer.experiments.comparison.split import Split, split_image_set

__all__ = [
    "CompareRecipe",
    "Comparison",
    "MethodScores",
    "Split",
    "compare",
    "embed_rival",
    "experiment",
    "split_image_set",
]
