"""The paper's figures about a finished extractor, as experiments to be written as pages."""

from trainer.laboratory.map_page import embed_map
from trainer.laboratory.robustness_page import robustness

__all__ = ["embed_map", "robustness"]
