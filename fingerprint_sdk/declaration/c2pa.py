"""C2PA manifests (content credentials): who claims to have made the image, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fingerprint_sdk.declaration.cbor import decode
from fingerprint_sdk.declaration.jumbf import SuperBox, read_boxes
from fingerprint_sdk.declaration.limits import bounded_json
from fingerprint_sdk.declaration.statement import Statement, statement, visible

Validation = Literal["trusted", "valid", "invalid", "not validated"]

_CLAIMS = ("c2pa.claim", "c2pa.claim.v2")
_ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
_MAX_ACTIONS = 100
_MAX_INGREDIENTS = 8


@dataclass(frozen=True)
class Credentials:
    """The C2PA manifest store of a file.

    Attributes:
        manifest: label of the active manifest; empty if it cannot be read.
        validation: "valid": the signature and the hashes hold, so nobody changed the file since
            somebody signed it. "trusted": and the signer is on the trust list that the validator
            was given; this package gives none. "invalid": they do not hold. "not validated": the
            extra ``c2pa`` is not installed, or it cannot read the file.
        problems: codes of what does not hold, or why it was not validated.
        signer: organisation in the certificate, as it says itself; None if not validated.
    """

    manifest: str
    validation: Validation = "not validated"
    problems: tuple[str, ...] = ()
    signer: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "manifest": self.manifest,
            "validation": self.validation,
            "problems": list(self.problems),
            "signer": self.signer,
        }


def c2pa_statements(data: bytes) -> tuple[list[Statement], str, str]:
    """What the manifests of a store say.

    Those of ingredients, which the image was made from, are marked "C2PA ingredient".

    Returns:
        the statements, the label of the active manifest, and why no more could be read.
    """
    try:
        store = read_boxes(data)
    except ValueError:
        return [], "", "the C2PA manifest store cannot be read"
    if not store.boxes:
        return [], "", "the C2PA manifest store is empty"
    *others, active = store.boxes  # C2PA 2.2, 11.1.4.2: the last one
    found = list(_manifest("C2PA", active))
    for ingredient in others[-_MAX_INGREDIENTS:]:
        found += _manifest("C2PA ingredient", ingredient)
    statements = dict.fromkeys(one for some in found for one in some)
    return list(statements), visible(active.label), ""


def _manifest(source: str, manifest: SuperBox) -> Iterator[list[Statement]]:
    for box in manifest.named(*_CLAIMS):
        claim = _content(box)
        generators = claim.get("claim_generator_info")
        for one in generators if isinstance(generators, list) else [generators]:
            yield _agent(source, "claim generator", one)
        if not generators:
            yield _agent(source, "claim generator", claim.get("claim_generator"))
    for store in manifest.named("c2pa.assertions"):
        for box in store.named(*_ACTIONS):
            yield from _actions(source, _content(box))


def _actions(source: str, assertion: dict[str, Any]) -> Iterator[list[Statement]]:
    agents = _listed(assertion.get("softwareAgents"))
    for action in _listed(assertion.get("actions"))[:_MAX_ACTIONS]:
        if not isinstance(action, dict):
            continue
        kind = action.get("digitalSourceType")
        if isinstance(kind, str):
            yield statement(source, "digitalSourceType", kind, "source type")
        yield _agent(source, "softwareAgent", action.get("softwareAgent"))
        index = action.get("softwareAgentIndex")
        if isinstance(index, int) and 0 <= index < len(agents):
            yield _agent(source, "softwareAgent", agents[index])
        if isinstance(action.get("description"), str):
            yield statement(source, "description", action["description"], "prompt")


def _agent(source: str, name: str, value: Any) -> list[Statement]:
    """A program, as a text or as name and version."""
    if isinstance(value, dict):
        parts = [value.get(key) for key in ("name", "version")]
        value = " ".join(part for part in parts if isinstance(part, str))
    return statement(source, name, value, "tool") if isinstance(value, str) else []


def _content(box: SuperBox) -> dict[str, Any]:
    found: Any = None
    for kind, content in box.contents:
        if kind == b"cbor":
            try:
                found = decode(bytes(content))
            except ValueError:
                continue
        elif kind == b"json":
            found = bounded_json(bytes(content).decode("utf-8", "replace"))
    return found if isinstance(found, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
