"""What a training leaves on disk: networks with the recipe they were made by, and whole runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from fingerprint_sdk.files import write_text
from trainer.checkpoint import save_tensors

NETWORK, RECIPE = "network.safetensors", "recipe.json"


@dataclass(frozen=True)
class Run:
    """A finished run. `info` is `run.json`: method, recipes, pools, hashes, versions."""

    signal: nn.Module
    network: nn.Module
    info: dict[str, Any]


def save_network(network: nn.Module, out: Path, recipe: Any) -> None:
    """Write the weights, and beside them the recipe that made them."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / RECIPE, json.dumps(asdict(recipe), indent=2) + "\n")
    save_tensors(out / NETWORK, network.state_dict())


def restore_network(network: nn.Module, out: Path, recipe: Any) -> bool:
    """Take the weights from `out`, where they are there.

    Raises ValueError when another recipe made them.
    """
    if not (out / NETWORK).exists():
        return False
    check_recipe(out, json.loads((out / RECIPE).read_text()), recipe)
    network.load_state_dict(load_file(out / NETWORK))
    return True


def check_recipe(out: Path, found: dict[str, Any], recipe: Any) -> None:
    """Raise ValueError unless `found`, read in `out`, is `recipe`."""
    if json.dumps(found, sort_keys=True) != json.dumps(asdict(recipe), sort_keys=True):
        raise ValueError(f"{out} holds a run with another recipe; give another --out")
