"""How good is a fingerprint extractor: the paper's protocol (IV-A) on a folder of test images."""

from __future__ import annotations

from trainer.evaluation.identification import IdentificationScores, LevelScores
from trainer.evaluation.images import Pool, read_decoders, read_pool
from trainer.evaluation.metrics import Estimate
from trainer.evaluation.protocol import ModelRecord, Scores, evaluate, score, write_json
from trainer.evaluation.table import print_table
from trainer.evaluation.verification import PairScores, ShippedScores, VerificationScores

__all__ = [
    "Estimate",
    "IdentificationScores",
    "LevelScores",
    "ModelRecord",
    "PairScores",
    "Pool",
    "Scores",
    "ShippedScores",
    "VerificationScores",
    "evaluate",
    "print_table",
    "read_decoders",
    "read_pool",
    "score",
    "write_json",
]
