"""The tables of galleries in PostgreSQL, and vectors as pgvector has them.

``fingerprint_galleries`` names each gallery and its model, ``fingerprint_entries`` holds each
entry as a gallery file of one, and ``fingerprint_vectors`` its fingerprints, with an HNSW index
for each gallery. They are in the first schema of the search path.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.runtime.contract import ModelIdentity

TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS fingerprint_galleries (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    model_name text NOT NULL,
    model_version text NOT NULL,
    model_sha256 text NOT NULL,
    embedding_size integer NOT NULL,
    changes bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS fingerprint_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gallery integer NOT NULL REFERENCES fingerprint_galleries ON DELETE CASCADE,
    name text NOT NULL,
    content bytea NOT NULL,
    UNIQUE (gallery, name)
);
CREATE TABLE IF NOT EXISTS fingerprint_vectors (
    gallery integer NOT NULL,
    entry bigint NOT NULL REFERENCES fingerprint_entries ON DELETE CASCADE,
    embedding vector NOT NULL
);
CREATE INDEX IF NOT EXISTS fingerprint_vectors_entry ON fingerprint_vectors (entry);
"""


def column(model: ModelIdentity) -> str:
    """The column with as many numbers as an index must know of."""
    return f"(embedding::vector({int(model.embedding_size)}))"


def text_of(row: npt.NDArray[np.float32]) -> str:
    """A vector as pgvector reads it, to the bit."""
    return "[" + ",".join(map(str, row.tolist())) + "]"
