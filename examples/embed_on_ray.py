"""Embed any number of images on a Ray cluster: a folder, Parquet files or WebDataset archives.

    python examples/embed_on_ray.py SOURCE OUT

Needs `pip install "fingerprint-sdk[ray]"`. `RAY_ADDRESS` names the cluster; without it this
machine is one.
"""

import sys

import fingerprint_sdk as fp
from fingerprint_sdk.bulk import embed_source

if __name__ == "__main__":
    source, out = sys.argv[1:]
    extractor = fp.load(threads=1)
    result = embed_source(source, out, extractor, engine="ray", workers=2)
    print(f"{result.images} embeddings in {out}, {result.bad} bad files")
