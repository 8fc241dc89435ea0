"""From pixels to what an extractor sees: residual, DFT, spectrum (paper III-C; Table VI)."""

from torch import nn

from trainer.signal.blocks import BlockDct, log_magnitude
from trainer.signal.coefficients import CoefficientStatistics
from trainer.signal.compact import CompactSignal
from trainer.signal.dft import DftPower
from trainer.signal.paper import PaperSpectrum
from trainer.signal.periods import Periods, high_pass
from trainer.signal.relations import Relations
from trainer.signal.spectra import COLOURS, LogSpectrum

__all__ = [
    "COLOURS",
    "BlockDct",
    "CoefficientStatistics",
    "CompactSignal",
    "DftPower",
    "LogSpectrum",
    "PaperSpectrum",
    "Periods",
    "Relations",
    "high_pass",
    "log_magnitude",
    "signal_name",
]


def signal_name(signal: nn.Module, denoiser_hash: str) -> str:
    """What caches know a signal by: its kind, its parts and its denoiser."""
    return f"{type(signal).__name__} {'+'.join(signal.parts)} {denoiser_hash}"
