"""Embeddings of more images than fit in memory, or than one machine gets done.

The images are listed as shards; each shard becomes one Parquet file of embeddings and one of bad
files. A file that is there is finished, so that a killed run goes on where it was. Which engine
computes them, this process or Ray, makes no difference to a single bit.
"""

from fingerprint_sdk.bulk.listing import SHARD_SIZE, Shard, list_shards
from fingerprint_sdk.bulk.run import BulkResult, Engine, embed_source

__all__ = ["SHARD_SIZE", "BulkResult", "Engine", "Shard", "embed_source", "list_shards"]
