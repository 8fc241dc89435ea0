"""Rivals and our model on generators seen and unseen (paper IV-D; Tables VIII and IX)."""

from trainer.comparison.cache import embed_rival
from trainer.comparison.page import experiment
from trainer.comparison.run import CompareRecipe, Comparison, MethodScores, compare
from trainer.comparison.split import Split, split_pool

__all__ = [
    "CompareRecipe",
    "Comparison",
    "MethodScores",
    "Split",
    "compare",
    "embed_rival",
    "experiment",
    "split_pool",
]
