"""Validation of C2PA signatures, by the library of the standard's makers (extra ``c2pa``)."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import IO, Any

from fingerprint_sdk.declaration.c2pa import Credentials, Validation
from fingerprint_sdk.declaration.statement import visible
from fingerprint_sdk.extras import install_command

_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif"}
_STATES: dict[str, Validation] = {"Trusted": "trusted", "Valid": "valid", "Invalid": "invalid"}
_MISSING = f"not installed: {install_command('c2pa')}"
# Nothing is fetched: images stay on this machine, and so does that they are looked at.
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_MAX_PROBLEMS = 20


def validated(credentials: Credentials, format: str, file: IO[bytes]) -> Credentials:
    """The same credentials with what the validator says of them.

    Args:
        credentials: found in the file.
        format: "PNG", "JPEG", "WEBP" or "AVIF".
        file: the whole file.
    """
    try:
        c2pa = import_module("c2pa")
        file.seek(0)
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Reader(_TYPES[format], file, context=context) as reader,
        ):
            state = _STATES.get(reader.get_validation_state() or "", "not validated")
            results = reader.get_validation_results() or {}
            signature = (reader.get_active_manifest() or {}).get("signature_info") or {}
    except ImportError:
        return replace(credentials, problems=(_MISSING,))
    except Exception as error:  # whatever a foreign library makes of a broken file
        return replace(credentials, problems=(visible(f"cannot be validated: {error}"),))
    signer = signature.get("issuer")
    return replace(
        credentials,
        validation=state,
        problems=tuple(_failures(results)),
        signer=visible(signer) if isinstance(signer, str) else None,
    )


def _failures(results: dict[str, Any]) -> list[str]:
    """Codes of what does not hold in the active manifest, each once."""
    failures = (results.get("activeManifest") or {}).get("failure") or []
    codes = dict.fromkeys(visible(str(one.get("code"))) for one in failures)
    return list(codes)[:_MAX_PROBLEMS]
