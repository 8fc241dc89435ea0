"""IPTC-IIM records, as JPEG files of agencies and editors keep them."""

from __future__ import annotations

from fingerprint_sdk.declaration.models import known_models
from fingerprint_sdk.declaration.statement import Kind, Statement, statement

_DATASETS: dict[int, tuple[str, Kind]] = {
    65: ("Originating Program", "tool"),
    80: ("By-line", "person"),
    110: ("Credit", "person"),
    115: ("Source", "person"),
    116: ("Copyright Notice", "person"),
    120: ("Caption", "prompt"),
}
_MAX_DATASETS = 1000


def iptc_statements(data: bytes) -> list[Statement]:
    """What the application record (2) says; it ends where a dataset is extended or broken."""
    found: list[Statement] = []
    offset = 0
    for _ in range(_MAX_DATASETS):
        head = data[offset : offset + 5]
        if len(head) < 5 or head[0] != 0x1C or head[3] & 0x80:
            break
        length = int.from_bytes(head[3:], "big")
        if head[1] == 2 and head[2] in _DATASETS:
            name, kind = _DATASETS[head[2]]
            text = data[offset + 5 : offset + 5 + length].decode("utf-8", "replace")
            told = name == "Credit" and known_models(text)
            found += statement("IPTC", name, text, "model" if told else kind)
        offset += 5 + length
    return found
