"""Parameters that several routes take, as the options of the command are called."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import File, Path, Query, UploadFile

from fingerprint_sdk.service.galleries import NAME
from fingerprint_sdk.service.problems import TYPE

Images = Annotated[list[UploadFile], File(min_length=1, description="Image files.")]
Rate = Annotated[
    float | None,
    Query(ge=0, le=1, description="None for the model's default. See docs/threshold.md."),
]
Prior = Annotated[float, Query(ge=0, le=1, description="Probability of one generator beforehand.")]
GalleryName = Annotated[
    str, Path(pattern=f"^{NAME}$", description="Of a gallery of the served folder.")
]
EntryName = Annotated[
    str, Path(min_length=1, max_length=200, description="Of a generator in the gallery.")
]

_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The body is no form, or the request is not HTTP as it should be.",
    HTTPStatus.UNAUTHORIZED: "There is no API key, or a wrong one.",
    HTTPStatus.FORBIDDEN: "A web page asks, or another host, and the server has no API key.",
    HTTPStatus.NOT_FOUND: "There is no such gallery or entry.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not come in time.",
    HTTPStatus.CONFLICT: "The gallery is empty, broken, of another model, or kept by somebody.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "An image, a rate or another argument cannot be used.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed; its log tells what happened.",
    HTTPStatus.SERVICE_UNAVAILABLE: "There is too much to do: come again after Retry-After.",
    HTTPStatus.GATEWAY_TIMEOUT: "It took too long.",
}
PROBLEM = {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status.value: {"description": meaning, "content": PROBLEM}
    for status, meaning in _MEANINGS.items()
}
