"""What each command of the analysis found, as figures (JSON), tables, pictures and words."""

from trainer.experiments.analysis.pages.blocks import blocks_page
from trainer.experiments.analysis.pages.components import components_page
from trainer.experiments.analysis.pages.fidelity import fidelity_page
from trainer.experiments.analysis.pages.kernels import kernels_page
from trainer.experiments.analysis.pages.spectrum import spectrum_page

__all__ = ["blocks_page", "components_page", "fidelity_page", "kernels_page", "spectrum_page"]
