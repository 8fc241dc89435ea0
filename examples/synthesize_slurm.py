"""Synthetic models on a Slurm cluster: an array of jobs that fill one folder.

    python examples/synthesize_slurm.py PHOTOS POOL paper288 20 --jobs 64

`--cluster local` runs the jobs as processes on this machine, to try it. Needs `pip install
submitit`. The folder must be one that all machines see. A job that Slurm requeues, or that you
submit again, goes on where it was; models that others make are left to them.
"""

import argparse
from functools import partial
from pathlib import Path

import submitit

from trainer.shard import Shard
from trainer.synthesis import SynthesisRecipe, named_architectures, synthesize


def fill(number, *, arguments):
    """One job of the array: returns how many models the pool has by then."""
    chosen, seeds = named_architectures(arguments.architectures), tuple(range(arguments.seeds))
    return len(
        synthesize(
            *(arguments.photos, arguments.pool, chosen, seeds),
            SynthesisRecipe(steps=arguments.steps),
            workers=arguments.workers,
            shard=Shard(number, arguments.jobs),
        )
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("pool", type=Path)
    parser.add_argument("architectures")
    parser.add_argument("seeds", type=int)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cluster", default=None)
    arguments = parser.parse_args()
    executor = submitit.AutoExecutor(arguments.pool / "jobs", cluster=arguments.cluster)
    executor.update_parameters(
        name="synthesize", cpus_per_task=arguments.workers, timeout_min=24 * 60
    )
    jobs = executor.map_array(partial(fill, arguments=arguments), range(arguments.jobs))
    print(f"{max(job.result() for job in jobs)} synthetic models")


if __name__ == "__main__":
    main()
