"""The paper's network: its size, its recipe, and the device it is trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.toys import toy_source
from torch import nn

from trainer.extractor import (
    PaperRecipe,
    RenderRecipe,
    ResNet50,
    held_out_models,
    run_paper,
    train_by_step,
)
from trainer.extractor.validation import held_out_auc

pytestmark = pytest.mark.usefixtures("one_thread")

TOY = PaperRecipe(models=8, images=3, steps=60, learning_rate=1e-2, held_out=0.2)


class Perceptron(nn.Module):
    """Stands in for the ResNet on the toy features."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = 8
        self.layers = nn.Sequential(nn.Linear(60, 32), nn.ReLU(), nn.Linear(32, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_resnet50_has_the_known_number_of_parameters() -> None:
    network = ResNet50()
    count = sum(p.numel() for p in network.parameters())
    # torchvision's 25,557,032 less its fc (2048·1000 + 1000), and 2·3 of the input's batch norm.
    assert count == 25_557_032 - 2_049_000 + 6 == 23_508_032 + 6
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 53
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 2048)
    stages = network.stages(network.stem(torch.zeros(1, 3, 64, 64)))
    assert stages.shape == (1, 2048, 2, 2)  # stride 32
    assert network.embedding == 2048
    assert isinstance(PaperRecipe().network({}), ResNet50)


def test_a_narrower_network_is_narrower_everywhere() -> None:
    narrow, full = ResNet50(16), ResNet50()
    for thin, wide in zip(narrow.parameters(), full.parameters(), strict=True):
        assert [4 * n if n not in (1, 3, 7) else n for n in thin.shape] == list(wide.shape)
    network = PaperRecipe(width=16).network({})
    assert isinstance(network, ResNet50)
    with torch.no_grad():
        assert (
            network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, network.embedding) == (1, 512)
        )


def test_the_recipe_is_appendix_b_and_comes_back_from_json() -> None:
    recipe = PaperRecipe()
    assert recipe.models * recipe.images == 200  # the batch
    assert (recipe.learning_rate, recipe.margin) == (1e-4, 0.3)
    assert recipe.steps == 40 * 1000  # epochs
    assert PaperRecipe.from_dict(json.loads(json.dumps(asdict(recipe)))) == recipe
    sampler = recipe.descent.sampler
    assert (sampler.confusable, sampler.processed, sampler.averaged) == (0, 0, 1)
    assert (recipe.descent.cosine_margin, recipe.descent.contrastive) == (0, 0)


def test_every_field_of_the_recipe_changes_what_is_trained(tmp_path: Path) -> None:
    def trained(name: str, recipe: PaperRecipe) -> torch.Tensor:
        torch.manual_seed(recipe.seed)
        network = train_by_step(Perceptron(), toy_source(), tmp_path / name, recipe)
        return torch.cat([weights.flatten() for weights in network.parameters()]).detach()

    short = replace(TOY, steps=5)
    first = trained("first", short)
    changes = {
        "models": 7, "images": 2, "steps": 6, "learning_rate": 2e-2, "weight_decay": 0.5,
        "warmup": 0.5, "classification": 2.0, "triplet": 0.0, "margin": -2.0, "held_out": 0.5,
        "seed": 1,
    }  # fmt: skip
    assert {*changes, "width"} == set(asdict(short))  # the width is the network's, see above
    for name, value in changes.items():
        assert not torch.equal(trained(name, replace(short, **{name: value})), first), name


def test_training_tells_held_out_models_apart(tmp_path: Path) -> None:
    source = toy_source()
    held = np.flatnonzero(held_out_models(source.models, TOY.held_out))
    network = train_by_step(Perceptron(), source, tmp_path, replace(TOY, steps=200))
    assert held_out_auc(network, source, held) > 0.85


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there, and would be used")
def test_a_device_that_is_not_there_is_refused_and_never_replaced(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, AssertionError), match=r"CUDA|cuda"):
        train_by_step(Perceptron(), toy_source(), tmp_path / "toy", TOY, device="cuda")
    with pytest.raises(ValueError, match="sees no GPU"):
        run_paper(
            *([tmp_path / "pool"], tmp_path, tmp_path / "run", TOY, nn.Identity()),
            rendering=RenderRecipe(),
            device="cuda",
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu_agrees_with_the_cpu(tmp_path: Path) -> None:
    networks = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        recipe = replace(TOY, steps=20)
        networks.append(
            train_by_step(Perceptron(), toy_source(), tmp_path / device, recipe, device=device)
        )
    signals = toy_source().fetch(np.arange(30), np.zeros((30, 1), int), np.zeros(30, int))
    one, other = (network(signals) for network in networks)
    assert torch.allclose(one, other, atol=1e-2)
