"""Model synthesis (paper III-B): cheap autoencoders that mimic the traces of real generators."""

from trainer.synthesis.architectures import (
    Architecture,
    paper288,
    parse_architecture,
)
from trainer.synthesis.autoencoder import GroupedAutoencoder
from trainer.synthesis.closed_form import solve_last_convolution
from trainer.synthesis.extended import ExtendedArchitecture, draw_extended
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder
from trainer.synthesis.families import (
    architecture_from_id,
    model_from_state,
    named_architectures,
)
from trainer.synthesis.making import synthesize
from trainer.synthesis.pool import (
    ModelId,
    PoolEntry,
    load_model,
    pool_recipe,
    read_pool,
    write_manifest,
)
from trainer.synthesis.training import SynthesisRecipe, SyntheticModel, train_architecture

__all__ = [
    "Architecture",
    "ExtendedArchitecture",
    "ExtendedAutoencoder",
    "GroupedAutoencoder",
    "ModelId",
    "PoolEntry",
    "SynthesisRecipe",
    "SyntheticModel",
    "architecture_from_id",
    "draw_extended",
    "load_model",
    "model_from_state",
    "named_architectures",
    "paper288",
    "parse_architecture",
    "pool_recipe",
    "read_pool",
    "solve_last_convolution",
    "synthesize",
    "train_architecture",
    "write_manifest",
]
