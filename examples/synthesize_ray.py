"""Synthetic models on a Ray cluster: a task for each core, all of which fill one folder.

    python examples/synthesize_ray.py PHOTOS POOL paper288 20

Needs `pip install ray`. The folders must be ones that all machines see. `RAY_ADDRESS` names the
cluster; without it this machine is one.
"""

import sys
from pathlib import Path

import ray

from trainer.shard import Shard
from trainer.synthesis import SynthesisRecipe, named_architectures, synthesize


def main(photos: Path, pool: Path, architectures: str, seeds: int, steps: int = 150) -> None:
    ray.init()
    tasks = int(ray.cluster_resources()["CPU"])
    models = named_architectures(architectures), tuple(range(seeds)), SynthesisRecipe(steps=steps)
    fill = ray.remote(synthesize)  # a task whose machine is lost runs again elsewhere
    running = [fill.remote(photos, pool, *models, shard=Shard(i, tasks)) for i in range(tasks)]
    print(f"{max(map(len, ray.get(running)))} synthetic models")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:]))
