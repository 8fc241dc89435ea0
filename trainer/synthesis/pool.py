"""A pool of synthetic models on disk: one safetensors file a model, and a manifest.

`POOL/ARCHITECTURE/SEED.safetensors` holds the weights; its metadata holds architecture, seed,
reconstruction error, seconds and recipe hash. A file that exists is finished, so a killed run
resumes by itself and several machines may share a folder. `manifest.csv` is written from the
files, never the other way round; `recipe.json` claims the folder for one recipe and one set of
photographs. Who fills it: `trainer.synthesis.making`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from fingerprint_sdk.files import locked, replacing, write_text
from trainer.checkpoint import save_tensors
from trainer.synthesis.autoencoder import GroupedAutoencoder
from trainer.synthesis.extended_autoencoder import ExtendedAutoencoder
from trainer.synthesis.families import architecture_from_id, model_from_state
from trainer.synthesis.training import SynthesisRecipe, SyntheticModel


@dataclass(frozen=True, order=True)
class ModelId:
    """Which synthetic model: the name of its pool, its architecture and its seed."""

    pool: str
    architecture: str
    seed: int

    def __str__(self) -> str:
        return f"{self.pool}/{self.architecture}/{self.seed}"


@dataclass(frozen=True)
class PoolEntry:
    """One line of the manifest. `reconstruction_error` is the mean squared error on [-1, 1]."""

    architecture: str
    seed: int
    reconstruction_error: float
    steps: int
    seconds: float
    recipe_hash: str

    @property
    def file(self) -> str:
        return f"{self.architecture}/{self.seed}.safetensors"

    def id(self, pool: Path) -> ModelId:
        """Which model it is, in the folder `pool`."""
        return ModelId(pool.name, self.architecture, self.seed)


def read_pool(pool: Path) -> list[PoolEntry]:
    """The models in `pool`, read from the files themselves, in a fixed order."""
    entries = []
    for path in sorted(pool.glob("*/*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
            values = {f.name: metadata[f.name] for f in fields(PoolEntry)}
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{path} is no synthetic model ({error}); remove it") from error
        entries.append(
            PoolEntry(
                values["architecture"],
                int(values["seed"]),
                float(values["reconstruction_error"]),
                int(values["steps"]),
                float(values["seconds"]),
                values["recipe_hash"],
            )
        )
    if not entries:
        raise FileNotFoundError(f"{pool}: no synthetic model here; run `trainer synthesize`")
    return entries


def pool_recipe(pool: Path) -> dict[str, Any]:
    """What `recipe.json` of a pool says of how its models were made; empty where it has none."""
    path = pool / "recipe.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_manifest(pool: Path) -> list[PoolEntry]:
    """Write `manifest.csv` of the models that are there, and return them."""
    path = pool / "manifest.csv"
    # Whoever writes it last has read all that others had made when they wrote theirs.
    with locked(path):
        entries = read_pool(pool)
        with replacing(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(PoolEntry)])
            writer.writeheader()
            writer.writerows(asdict(entry) for entry in entries)
    return entries


def open_pool(out: Path, recipe: SynthesisRecipe, recipe_hash: str) -> None:
    """Make the folder one of this recipe.

    Raises ValueError when `out` holds models of another recipe or other photographs.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.json"
    with locked(path):
        if not path.exists():
            write_text(path, json.dumps({"recipe_hash": recipe_hash, **asdict(recipe)}, indent=2))
    found = json.loads(path.read_text())["recipe_hash"]
    if found != recipe_hash:
        raise ValueError(
            f"{out} was made with another recipe or other photographs ({found}, now "
            f"{recipe_hash}); give another --out"
        )


def model_file(out: Path, architecture: str, seed: int) -> Path:
    """Where a model is kept."""
    return out / architecture / f"{seed}.safetensors"


def save_model(out: Path, recipe_hash: str, model: SyntheticModel) -> None:
    """Add a model to a pool."""
    entry = PoolEntry(
        model.architecture.id,
        model.seed,
        model.reconstruction_error,
        model.steps,
        model.seconds,
        recipe_hash,
    )
    path = out / entry.file
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, model.state, {k: str(v) for k, v in asdict(entry).items()})


def load_model(pool: Path, entry: PoolEntry) -> GroupedAutoencoder | ExtendedAutoencoder:
    """One synthetic model, ready to `render`."""
    architecture = architecture_from_id(entry.architecture)
    return model_from_state(architecture, entry.seed, load_file(pool / entry.file))
