"""How good is a fingerprint extractor: the paper's protocol (IV-A) on a folder of test images."""

from __future__ import annotations

from trainer.evaluation.decisions import Decisions, Verdicts
from trainer.evaluation.identification import IdentificationScores, LevelScores
from trainer.evaluation.image_set import ImageSet, read_decoders, read_image_set
from trainer.evaluation.metrics import Estimate
from trainer.evaluation.protocol import evaluate, score
from trainer.evaluation.scores import ModelRecord, Scores, write_json
from trainer.evaluation.table import print_table
from trainer.evaluation.verification import PairScores, VerificationScores

__all__ = [
    "Decisions",
    "Estimate",
    "IdentificationScores",
    "ImageSet",
    "LevelScores",
    "ModelRecord",
    "PairScores",
    "Scores",
    "Verdicts",
    "VerificationScores",
    "evaluate",
    "print_table",
    "read_decoders",
    "read_image_set",
    "score",
    "write_json",
]
