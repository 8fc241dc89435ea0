"""What a bundled model was made by, beside what the code and its one command would make today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from support.paths import ROOT


def asked_by(script: str, option: str) -> list[str]:
    """What a script of `scripts/` gives for an option, in order."""
    return re.findall(rf"--{option} (\S+)", (ROOT / "scripts" / script).read_text())


def flat(values: Any, name: str) -> dict[str, Any]:
    """Plain values by their place: {"recipe.heads.0.parts.0": "residual", …}."""
    if isinstance(values, Mapping):
        pairs = [flat(value, f"{name}.{key}") for key, value in values.items()]
    elif isinstance(values, list | tuple):
        pairs = [flat(value, f"{name}.{i}") for i, value in enumerate(values)]
    else:
        return {name: values}
    return {key: value for pair in pairs for key, value in pair.items()}


def assert_same(shipped: Any, now: Any, name: str) -> None:
    old, new = flat(shipped, name), flat(now, name)
    moved = [
        f"{key}: the shipped model has {old.get(key)!r}, the code {new.get(key)!r}"
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    ]
    assert not moved, "make a new model, or take this back:\n" + "\n".join(moved)
