"""Routes: embeddings, verifications and identifications of the images of a request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from fingerprint_sdk.documents import embed_document, identify_document, skipped, verify_document
from fingerprint_sdk.explanation.declarations import declarations_of
from fingerprint_sdk.gallery.probes import search_probes
from fingerprint_sdk.service import schemas
from fingerprint_sdk.service.batch import check_any
from fingerprint_sdk.service.context import Shared, answer
from fingerprint_sdk.service.galleries import NAME
from fingerprint_sdk.service.parameters import Images, Prior, Rate

router = APIRouter(prefix="/v1")


@router.post("/embed", response_model=schemas.Embedded, operation_id="embed")
async def embed(context: Shared, images: Images) -> Response:
    """Compute the fingerprint embedding of each image. Unusable ones are skipped and named."""
    uploads = await context.uploads(images)
    result = await context.embed(uploads)
    check_any(result)
    return answer(embed_document(context.extractor, result, uploads))


@router.post("/verify", response_model=schemas.Verified, operation_id="verify")
async def verify(
    context: Shared,
    a: Images,
    b: Images,
    fmr: Rate = None,
    fnmr: Rate = None,
    prior: Prior = 0.5,
) -> Response:
    """Were two images, or two sets each by one model, made by the same model?"""
    extractor = context.extractor
    extractor.calibration.check(fmr, fnmr)
    left = await context.uploads(a)
    right = await context.uploads(b, len(a))
    embedded = await context.embed([*left, *right])
    for failure in embedded.failures:
        raise failure.error
    result = await context.work(
        extractor.verify_embedded,
        left,
        right,
        embedded.embeddings,
        embedded.quality,
        fmr=fmr,
        fnmr=fnmr,
        prior=prior,
    )
    return answer(verify_document(extractor, left, right, result))


@router.post("/identify", response_model=schemas.Identified, operation_id="identify")
async def identify(
    context: Shared,
    images: Images,
    gallery: Annotated[
        str | None,
        Query(pattern=f"^{NAME}$", description="Of the served folder; else the built-in one."),
    ] = None,
    known: Annotated[bool, Query(description="The built-in gallery beside `gallery`.")] = False,
    together: Annotated[bool, Query(description="All images are one probe.")] = False,
    top: Annotated[int, Query(ge=1, le=1000, description="Candidates to report.")] = 5,
    fpir: Rate = None,
    fnir: Rate = None,
    prior: Prior = 0.5,
    show_prompts: Annotated[
        bool, Query(description="Also prompts, comments and names that a file declares.")
    ] = False,
) -> Response:
    """Who made each image? A family of generators that share an image decoder, or none known."""
    extractor = context.extractor
    extractor.calibration.check(fpir, fnir)
    searched = await context.work(context.galleries.searched, gallery, known=known)
    uploads = await context.uploads(images)
    embedded = await context.embed(uploads)
    check_any(embedded)

    def looked_up() -> Response:
        answers = search_probes(
            searched,
            extractor,
            embedded,
            together=together,
            fpir=fpir,
            fnir=fnir,
            prior=prior,
            top=top,
        )
        results = [([uploads[place] for place in places], found) for places, found in answers]
        document = identify_document(
            extractor,
            gallery,
            results,
            [declarations_of(files, found, searched) for files, found in results],
            skipped(embedded, uploads),
            known=known,
            private=show_prompts,
        )
        return answer(document)

    return await context.work(looked_up)
