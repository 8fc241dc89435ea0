"""The paper's figures about a finished extractor, as pages; and the report of all experiments."""

from trainer.laboratory.lineage_page import lineage_experiment
from trainer.laboratory.map_page import map_experiment
from trainer.laboratory.plan import Inputs, plan_run
from trainer.laboratory.report import collect, write_report
from trainer.laboratory.robustness_page import robustness_experiment
from trainer.laboratory.scores_page import scores_experiment

__all__ = [
    "Inputs",
    "collect",
    "lineage_experiment",
    "map_experiment",
    "plan_run",
    "robustness_experiment",
    "scores_experiment",
    "write_report",
]
