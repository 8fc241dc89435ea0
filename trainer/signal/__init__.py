"""From pixels to what an extractor sees: residual, DFT, spectrum (paper III-C; Table VI)."""

from trainer.signal.coefficients import (
    COLOURS,
    BlockDct,
    CoefficientStatistics,
    Periods,
    high_pass,
    log_magnitude,
)
from trainer.signal.relations import Relations
from trainer.signal.spectra import (
    CompactSignal,
    DftPower,
    LogSpectrum,
    PaperSpectrum,
    signal_name,
)

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
