"""Content credentials (C2PA) by a signer that nobody trusts, made on the spot."""

from __future__ import annotations

import datetime
import io
from functools import cache
from typing import Any

import pytest

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
ORGANISATION = "Nobody's Tests"


def manifest(generator: str = "ChatGPT", agent: str = "GPT-4o", kind: str = TRAINED) -> Any:
    """What a generator claims that made an image."""
    created = {
        "action": "c2pa.created",
        "softwareAgent": {"name": agent, "version": "7"},
        "digitalSourceType": kind,
        "description": "Drawn for Ada Lovelace",
    }
    return {
        "claim_generator_info": [{"name": generator, "version": "1.0"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
    }


def sign(image: bytes, kind: str, claims: Any, part: bytes = b"") -> bytes:
    """The image file with credentials that make these claims.

    Args:
        image: the file.
        kind: "image/png" or so.
        claims: what ``manifest`` gives.
        part: a file of that kind that it was made from.
    """
    c2pa = pytest.importorskip("c2pa", reason="needs the extra 'c2pa'")
    signed = io.BytesIO()
    settings = {"builder": {"thumbnail": {"enabled": False}}}
    with c2pa.Context.from_dict(settings) as context, c2pa.Builder(claims, context) as builder:
        if part:
            ingredient = {"title": "part", "relationship": "componentOf"}
            builder.add_ingredient(ingredient, kind, io.BytesIO(part))
        builder.sign(_signer(), kind, io.BytesIO(image), signed)
    return signed.getvalue()


@cache
def _signer() -> Any:
    import c2pa

    chain, key = _certificates()
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None))


def _certificates() -> tuple[bytes, bytes]:
    """A certificate with its issuer's, and its key; both as the standard asks (C2PA 2.2, 14.5)."""
    pytest.importorskip("cryptography", reason="needs the extra 'dev'")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def name(common: str) -> x509.Name:
        parts = (
            (x509.NameOID.ORGANIZATION_NAME, ORGANISATION),
            (x509.NameOID.COMMON_NAME, common),
        )
        return x509.Name([x509.NameAttribute(*part) for part in parts])

    def certificate(common: str, public: Any, authority: bool) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=not authority,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common))
            .issuer_name(name("Root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2024, 1, 1))
            .not_valid_after(datetime.datetime(2124, 1, 1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if not authority:
            purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
            builder = builder.add_extension(purpose, critical=False)
            builder = builder.add_extension(issuer, critical=False)
        return builder.sign(root_key, hashes.SHA256())

    chain = (
        certificate("Signer", key.public_key(), False),
        certificate("Root", root_key.public_key(), True),
    )
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, encoded
