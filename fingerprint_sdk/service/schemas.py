"""What the OpenAPI document says of answers; docs/json.md says what the fields mean.

Nothing is checked against these while serving: the documents are those of ``documents``, and tests
hold the two together.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # of typing, pydantic takes it from Python 3.12 on only


class Problem(TypedDict):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Model(TypedDict):
    """What the fingerprints are by."""

    name: str
    version: str
    sha256: str
    device: str


class Quality(TypedDict):
    """What may make the fingerprint of one image weak, and which image it is."""

    width: int
    height: int
    format: str | None
    too_small: bool
    jpeg_quality: int | None
    lossy: bool | None
    flat: bool
    windows: int
    grey: bool
    digest: str
    subsampling: str | None
    deviation: float | None
    flags: list[str]


class Skipped(TypedDict):
    """An image that could not be used."""

    path: str
    error: str


class EmbeddedImage(TypedDict):
    """An image and its embedding, which has length 1."""

    path: str
    quality: Quality
    embedding: list[float]


class Embedded(TypedDict):
    """As of ``fingerprint embed --json``."""

    schema: int
    model: Model
    out: None
    images: list[EmbeddedImage]
    passed_over: list[str]
    skipped: list[Skipped]


class Verified(TypedDict):
    """As of ``fingerprint verify --json``."""

    schema: int
    model: Model
    a: list[str]
    b: list[str]
    passed_over: list[str]
    verdict: Literal["same", "different", "inconclusive"]
    likelihood_ratio: float
    probability: float
    prior: float
    words: str
    score: float
    threshold: float
    missed: float
    fmr: float
    fnmr: float
    condition: str
    reasons: list[str]
    images_needed: int | None
    images: list[int]
    quality: list[Quality]
    copy: str | None


class Candidate(TypedDict):
    """A family of the gallery, or an entry of none."""

    name: str
    entry: str
    members: list[str]
    score: float
    margin: float | None
    likelihood_ratio: float
    probability: float
    copy: str | None


class Statement(TypedDict):
    """One thing a file says of itself."""

    source: str
    name: str
    kind: str
    value: str


class Credentials(TypedDict):
    """Content credentials."""

    manifest: str
    validation: str
    problems: list[str]
    signer: str | None


class Declared(TypedDict):
    """What a file says of itself, which anybody may have written there."""

    format: str | None
    c2pa: Credentials | None
    statements: list[Statement]
    withheld: list[str]
    notes: list[str]
    agreement: str | None
    words: str | None


class Probe(TypedDict):
    """The answer for one image, or for all together."""

    paths: list[str]
    declared: list[Declared | None]
    verdict: Literal["named", "none", "inconclusive"]
    best: str | None
    nearest: str
    likelihood_ratio: float
    probability: float
    prior: float
    words: str
    score: float
    threshold: float
    missed: float
    fpir: float
    fnir: float
    condition: str
    reasons: list[str]
    images: int
    compared: int
    candidates: list[Candidate]
    quality: list[Quality]


class Identified(TypedDict):
    """As of ``fingerprint identify --json``."""

    schema: int
    model: Model
    gallery: str | None
    known: bool
    probes: list[Probe]
    passed_over: list[str]
    skipped: list[Skipped]


class Provenance(TypedDict):
    """Of an entry that is of a family."""

    family: str
    members: list[str]
    source: str
    formats: dict[str, int]
    dates: str


class Entry(TypedDict):
    """A generator of a gallery."""

    name: str
    images: int
    copies: dict[str, int]
    notes: str
    provenance: Provenance | None


class GalleryEntry(Entry):
    """An entry by itself."""

    schema: int
    gallery: str


class Listed(TypedDict):
    """As of ``fingerprint gallery list --json``."""

    schema: int
    gallery: str | None
    entries: list[Entry]


class Served(TypedDict):
    """The galleries of the served folder, and whether there is a built-in one."""

    schema: int
    known: bool
    galleries: list[str]


class Enrolled(TypedDict):
    """As of ``fingerprint enroll --json``."""

    schema: int
    model: Model
    gallery: str
    name: str
    added: int
    images: int
    copies: dict[str, int]
    passed_over: list[str]
    skipped: list[Skipped]


class State(TypedDict):
    """How the server is."""

    status: str
