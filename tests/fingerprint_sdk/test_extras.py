"""What to install is said by names that somebody owns."""

from __future__ import annotations

import re
import tomllib

import pytest
from support.paths import ROOT

from fingerprint_sdk.extras import install_command

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize(
    "extra",
    [
        "c2pa", "cluster", "cuda", "heif", "jxl", "parquet", "plots", "postgres", "qdrant", "ray",
        "search", "serve", "web",
    ],
)  # fmt: skip
def test_the_command_names_what_the_extra_brings(extra: str) -> None:
    words = install_command(extra).removeprefix("pip install ").split()
    names = [re.match(r"[\w-]+(\[[\w,]+\])?", word.strip('"'))[0] for word in words]
    brought = [re.match(r"[\w-]+(\[[\w,]+\])?", need)[0] for need in EXTRAS[extra]]
    assert names == brought


def test_nothing_says_to_install_a_name_that_nobody_owns() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    texts += [*ROOT.glob("fingerprint_sdk/**/*.py"), *ROOT.glob("trainer/**/*.py")]
    assert len(texts) > 100
    requirements = (ROOT / "examples" / "space" / "requirements.txt").read_text()
    assert requirements.startswith("./fingerprint_sdk-")
    told = re.compile(r"install\s+(-\w+ )*[\"']?fingerprint-sdk")
    assert [path.name for path in texts if told.search(path.read_text())] == []
