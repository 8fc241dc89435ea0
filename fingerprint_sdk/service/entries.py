"""Routes: galleries and their entries, read and changed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fingerprint_sdk.documents import enroll_document, entry_dict, list_document, skipped
from fingerprint_sdk.errors import ImageError
from fingerprint_sdk.gallery import Gallery
from fingerprint_sdk.images.quality import no_fingerprint
from fingerprint_sdk.service import schemas
from fingerprint_sdk.service.batch import check_any
from fingerprint_sdk.service.context import Context, Shared, answer
from fingerprint_sdk.service.galleries import checked_entry_name
from fingerprint_sdk.service.guard import no_time_limit
from fingerprint_sdk.service.parameters import EntryName, GalleryName, Images

router = APIRouter(prefix="/v1")

Notes = Annotated[str | None, Query(max_length=4000, description="Free text kept with the entry.")]
Copies = Annotated[
    bool,
    Query(description="Also keep what the images become when processed: 20 times the work."),
]
_ENTRY = "/galleries/{gallery}/entries/{entry:path}"


@router.get("/known", response_model=schemas.Listed, operation_id="known")
async def known(context: Shared) -> Response:
    """List the entries of the built-in gallery."""
    return answer(list_document(await context.work(context.galleries.known), None))


@router.get("/galleries", response_model=schemas.Served, operation_id="galleries")
async def galleries(context: Shared) -> Response:
    """List the galleries that are served."""
    names = await context.work(context.galleries.names)
    return answer({"known": context.galleries.has_known, "galleries": names})


@router.get("/galleries/{gallery}", response_model=schemas.Listed, operation_id="gallery")
async def entries(context: Shared, gallery: GalleryName) -> Response:
    """List the entries of a gallery, in the order of their enrolment."""
    found = await context.work(context.galleries.get, gallery)
    return answer(list_document(found, gallery))


@router.get(_ENTRY, response_model=schemas.GalleryEntry, operation_id="entry")
async def entry(context: Shared, gallery: GalleryName, entry: EntryName) -> Response:
    """Read an entry."""
    name = checked_entry_name(entry)
    found = await context.work(context.galleries.entry, gallery, name)
    return answer({"gallery": gallery, **entry_dict(name, found)})


@router.put(
    _ENTRY,
    response_model=schemas.Enrolled,
    operation_id="replace",
    responses={201: {"description": "The entry is new.", "model": schemas.Enrolled}},
)
async def replace(
    request: Request,
    context: Shared,
    gallery: GalleryName,
    entry: EntryName,
    images: Images,
    notes: Notes = None,
    copies: Copies = True,
) -> Response:
    """Make an entry of the images, in place of the one of that name. A gallery is made if there
    is none. Unusable images are skipped and named."""
    return await _enroll(request, context, gallery, entry, images, notes, copies, replace=True)


@router.post(
    _ENTRY,
    response_model=schemas.Enrolled,
    operation_id="enroll",
    responses={201: {"description": "The entry is new.", "model": schemas.Enrolled}},
)
async def enroll(
    request: Request,
    context: Shared,
    gallery: GalleryName,
    entry: EntryName,
    images: Images,
    notes: Notes = None,
    copies: Copies = True,
) -> Response:
    """Add images to an entry, which is made if there is none, as is the gallery. Unusable images
    are skipped and named."""
    return await _enroll(request, context, gallery, entry, images, notes, copies, replace=False)


@router.delete(_ENTRY, status_code=HTTPStatus.NO_CONTENT, operation_id="remove")
async def remove(
    request: Request, context: Shared, gallery: GalleryName, entry: EntryName
) -> Response:
    """Remove an entry."""
    name = checked_entry_name(entry)
    no_time_limit(request)
    await context.work(context.galleries.remove, gallery, name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _enroll(
    request: Request,
    context: Context,
    gallery: str,
    entry: str,
    images: Images,
    notes: str | None,
    copies: bool,
    *,
    replace: bool,
) -> Response:
    name = checked_entry_name(entry)
    extractor = context.extractor
    context.galleries.check_served()
    uploads = await context.uploads(images)
    embedded = await context.embed(uploads)
    check_any(embedded)
    left_out = skipped(embedded, uploads)
    used = []
    for place, quality in zip(embedded.indices, embedded.quality, strict=True):
        if why := no_fingerprint(quality):
            error = f"{uploads[place].name!r} {why} to enroll"
            left_out.append({"path": str(uploads[place]), "error": error})
        else:
            used.append(uploads[place])
    if not used:
        raise ImageError("; ".join(one["error"] for one in left_out[:3]))
    new = Gallery(extractor)
    await context.work(new.enroll, name, used, copies=copies)
    no_time_limit(request)  # from here on it is done, and told to be done
    found, made = await context.work(
        context.galleries.enroll, gallery, name, new[name], notes, replace=replace
    )
    document = enroll_document(extractor, gallery, name, found, left_out, added=len(used))
    return answer(document, HTTPStatus.CREATED if made else HTTPStatus.OK)
