"""The engine Ray: shards dealt out to actors by Ray Data.

An actor opens the model once. One that dies is replaced, and its shard done again: by the shard's
file being written whole or not at all, and last, every row is there once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.bulk.listing import Shard, from_json, to_json
from fingerprint_sdk.bulk.work import Job, embed_shard
from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.extras import need

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor


def embed_shards(
    extractor: Extractor, job: Job, shards: dict[int, Shard], workers: int | None, cores: int
) -> Iterator[tuple[int, int]]:
    """Rows and bad files of each shard, as they are done; see ``run.embed_source``.

    Raises:
        FingerprintError: what a worker raised; Ray is not installed; the cluster has no room.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send figures to its makers
    ray = need("ray", "ray", "the engine ray")
    data = need("ray.data", "ray", "the engine ray")
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level="warning")
        except Exception as error:  # of any kind, also where a machine is too slow
            raise FingerprintError(f"Ray cannot be started or reached: {error}") from error
    try:
        gpus = 1 if extractor.device == "cuda" else 0
        size = workers or _room(ray.cluster_resources(), cores, gpus)
        data.DataContext.get_current().enable_progress_bars = False
        rows = [{"number": n, "shard": to_json(shard)} for n, shard in shards.items()]
        outcomes = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Worker,
            fn_constructor_args=(extractor, job, cores),
            batch_size=1,
            compute=data.ActorPoolStrategy(size=min(size, len(rows))),
            num_cpus=cores,
            num_gpus=gpus or None,
        )
        for row in outcomes.iter_rows():
            yield int(row["images"]), int(row["bad"])
    except ray.exceptions.RayError as error:
        raise _cause(error) from error
    finally:
        if ours:
            ray.shutdown()


class _Worker:
    """One actor. Called with a batch of one shard, it answers with a row of two counts."""

    def __init__(self, extractor: Extractor, job: Job, cores: int) -> None:
        self.extractor, self.job, self.cores = extractor, job, cores

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        (number,), (shard,) = batch["number"], batch["shard"]
        images, bad = embed_shard(
            self.extractor, self.job, int(number), from_json(str(shard)), self.cores
        )
        return {"images": [images], "bad": [bad]}


def _room(resources: dict[str, float], cores: int, gpus: int) -> int:
    """How many workers the cluster can take."""
    room = int(resources.get("CPU", 0) // cores)
    room = min(room, int(resources.get("GPU", 0) // gpus)) if gpus else room
    if room < 1:
        raise FingerprintError(
            f"the Ray cluster has no room for a worker of {cores} cores and {gpus} GPUs: "
            f"it has {resources}"
        )
    return room


def _cause(error: BaseException) -> FingerprintError:
    """What a worker raised, of our errors; else one that says what Ray says."""
    found: BaseException | None = error
    while found is not None:
        cause = getattr(found, "cause", None) or found.__cause__
        if isinstance(cause, FingerprintError):
            return type(cause)(*cause.args)
        found = cause if isinstance(cause, BaseException) else None
    return FingerprintError(f"Ray gave up: {error}")
