"""A variant of an extractor: which synthetic models, which recipe, which windows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trainer.experiments.ablation.convolutions import ConvolutionRecipe
from trainer.extractor import CompactRecipe, held_out_models
from trainer.synthesis import ModelId

RUN, PIXELS = "run", "pixels"
EMBEDDINGS, SPECTRA = "embeddings", "spectra"


@dataclass(frozen=True, eq=False)
class Variant:
    """One line of an ablation's table.

    Attributes:
        label: its name in the table.
        recipe: trained with it.
        rows: the models of the source that training sees, held-out ones among them.
        kept: variants of each image (`FeatureRecipe`) that training sees; None for all.
        source: where the signals come from: RUN, PIXELS, or the name of other photographs.
        windows: windows an axis of a real image.
        pooled: whether the windows' EMBEDDINGS are averaged, or their SPECTRA before the network.
        x: place on the axis of a curve.
        paper: the paper's identification accuracy and verification AUC, in %.
    """

    label: str
    recipe: CompactRecipe | ConvolutionRecipe
    rows: np.ndarray
    kept: tuple[int, ...] | None = None
    source: str = RUN
    windows: int = 3
    pooled: str = EMBEDDINGS
    x: float | None = None
    paper: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Setting:
    """What a question's variants are drawn from.

    Attributes:
        models: every model of the run.
        base: the recipe that a variant departs from.
        convolutions: the same for questions that only training by steps has an answer to.
        variants: variants of each image that the run keeps.
        equal: train families on equally many models, the fewest that one of them has.
        limit: models where they must be rendered anew.
        errors: reconstruction error of each model, for the question `reconstruction`.
        rendered: names of sources with other photographs, for the question `photos`.
        pixels: whether there is a source of pixels, for the question `signal`.
        seed: of the draws of models.
    """

    models: tuple[ModelId, ...]
    base: CompactRecipe = field(default_factory=CompactRecipe)
    convolutions: ConvolutionRecipe = field(default_factory=ConvolutionRecipe)
    variants: int = 3
    equal: bool = True
    limit: int = 240
    errors: np.ndarray | None = None
    rendered: tuple[str, ...] = ()
    pixels: bool = False
    seed: int = 0

    @property
    def held(self) -> np.ndarray:
        """(M,) bool: models that no variant is trained on; all are validated on the same ones."""
        return held_out_models(self.models, self.base.held_out)

    @property
    def training(self) -> np.ndarray:
        """(M,) bool: models that a variant may be trained on."""
        return ~self.held

    def take(self, family: np.ndarray | None = None, count: int | None = None) -> np.ndarray:
        """Rows of at most `count` random training models of `family` (M,) bool, then all held.

        Smaller draws are part of larger ones.
        """
        order = np.random.default_rng(self.seed).permutation(len(self.models))
        wanted = self.training if family is None else self.training & family
        chosen = order[wanted[order]][:count]
        return np.concatenate([np.sort(chosen), np.flatnonzero(self.held)])


def rendered_anew(setting: Setting) -> tuple[ModelId, ...]:
    """The models that are rendered anew, for other photographs or for pixels."""
    return tuple(setting.models[i] for i in setting.take(count=setting.limit))
