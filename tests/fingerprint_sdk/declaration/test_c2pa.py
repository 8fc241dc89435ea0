"""Content credentials: claims are read without the library, signatures validated with it."""

from __future__ import annotations

import sys

import pytest
from support.credentials import CAPTURED, ORGANISATION, TRAINED, manifest, sign
from support.metadata import FORMATS, picture

import fingerprint_sdk as fp

TYPES = {name: f"image/{name.lower()}" for name in FORMATS}


@pytest.fixture(params=FORMATS)
def signed(request: pytest.FixtureRequest) -> bytes:
    return sign(picture(request.param), TYPES[request.param], manifest())


def test_claims_are_read_and_the_signature_validated(signed: bytes) -> None:
    declaration = fp.declared(signed)
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation == "valid"
    assert declaration.c2pa.problems == ("signingCredential.untrusted",)
    assert declaration.c2pa.signer == ORGANISATION
    assert declaration.c2pa.manifest.startswith("urn:")
    assert [(one.source, one.name, one.value) for one in declaration.shown()] == [
        ("C2PA", "claim generator", "ChatGPT 1.0"),
        ("C2PA", "digitalSourceType", TRAINED),
        ("C2PA", "softwareAgent", "GPT-4o 7"),
    ]
    assert declaration.withheld == ("C2PA description",)
    assert declaration.notes == ()


def test_without_the_library_claims_are_read_and_not_validated(
    signed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_library = fp.declared(signed)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    declaration = fp.declared(signed)
    assert declaration.statements == with_library.statements
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation == "not validated"
    assert "pip install c2pa-python" in declaration.c2pa.problems[0]


def test_a_changed_picture_is_invalid() -> None:
    for name in ("JPEG", "WEBP"):
        signed = bytearray(sign(picture(name), TYPES[name], manifest()))
        place = signed.rindex(b"\0") if name == "JPEG" else signed.index(b"VP8 ") + 60
        signed[place] ^= 1
        found = fp.declared(bytes(signed)).c2pa
        assert found is not None
        assert found.validation == "invalid"
        assert "assertion.dataHash.mismatch" in found.problems


def test_credentials_that_are_cut_out_of_another_file_are_invalid() -> None:
    signed = sign(picture("PNG"), "image/png", manifest())
    place = signed.index(b"caBX") - 4
    length = 12 + int.from_bytes(signed[place : place + 4], "big")
    other = picture("PNG", compress_level=1)
    assert other != picture("PNG")
    forged = other[:33] + signed[place : place + length] + other[33:]
    declaration = fp.declared(forged)
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation == "invalid"
    assert declaration.statements == fp.declared(signed).statements


def test_a_broken_store_is_noted() -> None:
    signed = bytearray(sign(picture("PNG"), "image/png", manifest()))
    signed[signed.index(b"caBX") + 8 : signed.index(b"caBX") + 12] = b"nope"
    declaration = fp.declared(bytes(signed))
    assert declaration.notes == ("the C2PA manifest store cannot be read",)
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation != "valid"


def test_what_an_image_was_made_from_is_told_apart() -> None:
    photograph = sign(picture(), "image/png", manifest("Camera", "Firmware", CAPTURED))
    claims = manifest("Editor", "Painter")
    declaration = fp.declared(sign(picture(), "image/png", claims, photograph))
    said = {(one.source, one.value) for one in declaration.shown()}
    assert ("C2PA", "Editor 1.0") in said
    assert ("C2PA ingredient", "Camera 1.0") in said
    assert ("C2PA ingredient", CAPTURED) in said
    assert ("C2PA", CAPTURED) not in said
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation == "valid"


def test_the_first_version_of_claims() -> None:
    claims = {**manifest(), "claim_version": 1, "title": "a"}
    declaration = fp.declared(sign(picture(), "image/png", claims))
    assert "ChatGPT 1.0" in [one.value for one in declaration.shown()]


@pytest.mark.parametrize("format", FORMATS)
def test_a_store_of_many_segments(format: str) -> None:
    """A JPEG file keeps no more than 64 KiB in one."""
    claims = manifest()
    claims["assertions"].insert(0, {"label": "org.example", "data": {"a": ["b" * 1000] * 200}})
    declaration = fp.declared(sign(picture(format), TYPES[format], claims))
    assert "ChatGPT 1.0" in [one.value for one in declaration.shown()]
    assert declaration.notes == ()
    assert declaration.c2pa is not None
    assert declaration.c2pa.validation == "valid"
