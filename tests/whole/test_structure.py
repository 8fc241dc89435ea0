"""The house as it is built: no import circle, few files at the top, one writer of files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from support.paths import ROOT

PACKAGES = ("fingerprint_sdk", "trainer")
WRITERS = "fingerprint_sdk/files/"


def sources(*packages: str) -> dict[str, Path]:
    """Every module by its dotted name; a package is its ``__init__``."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules among ``known`` that one imports, anywhere in it, for types or not."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            yield from names & known.keys()
            if base in known and names - known.keys():
                yield base


def graph(known: Mapping[str, Path]) -> dict[str, set[str]]:
    return {name: set(imports(name, path, known)) - {name} for name, path in known.items()}


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """A shortest circle through each module that lies on one, each circle once."""
    found: dict[frozenset[str], list[str]] = {}
    for start in edges:
        paths = [[start]]
        seen = {start}
        while paths:
            path = paths.pop(0)
            if start in edges[path[-1]]:
                found.setdefault(frozenset(path), [*path, start])
                break
            for after in sorted(edges[path[-1]] - seen):
                seen.add(after)
                paths.append([*path, after])
    return list(found.values())


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def matching(pattern: str, *packages: str) -> list[str]:
    """Lines of the sources that match, as "file:line: text"."""
    return [
        f"{shown(path)}:{number}: {line.strip()}"
        for path in sources(*packages).values()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def moves(path: Path) -> Iterator[int]:
    """Lines that put a file in the place of another, or name one for that."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.endswith(".tmp"):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_os = isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
            # Paths are replaced with one argument, texts with two, other things with names.
            alone = len(node.args) == 1 and not node.keywords
            if node.func.attr in ("replace", "rename") and (of_os or alone):
                yield node.lineno


def names_of(package: str, known: Mapping[str, Path]) -> set[str]:
    """What a package's ``__init__`` defines or imports, but for modules."""
    found = set()
    for node in ast.walk(tree(known[package])):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            modules = {a.name for a in node.names if f"{node.module}.{a.name}" in known}
            found |= {a.asname or a.name for a in node.names if a.name not in modules}
    return found


def written(files: Mapping[str, str], folder: Path) -> dict[str, Path]:
    known = {}
    for name, text in files.items():
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        known[name.removesuffix(".__init__")] = path
    return known


def test_a_circle_is_found_wherever_it_is_hidden(tmp_path: Path) -> None:
    known = written(
        {
            "p.__init__": "from p.a import f",
            "p.a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import b",
            "p.b": "def g():\n    import p.c\n",
            "p.c": "from .a import f",
            "p.d": "from p import f, e\nfrom p import __version__",
            "p.e": "import os",
        },
        tmp_path,
    )
    edges = graph(known)
    assert edges["p"] == {"p.a"}
    assert edges["p.d"] == {"p", "p.e"}
    assert edges["p.c"] == {"p.a"}
    assert circles(edges) == [["p.a", "p.b", "p.c", "p.a"]]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_circle(package: str) -> None:
    edges = graph(sources(*PACKAGES))
    assert len(edges) > 100, "the sources were not found"
    found = [" -> ".join(one) for one in circles(edges) if one[0].split(".")[0] == package]
    assert not found, "\n".join(found)


def test_the_sdk_imports_nothing_of_the_trainer() -> None:
    edges = graph(sources(*PACKAGES))
    found = [
        f"{name} -> {other}"
        for name, others in edges.items()
        for other in others
        if name.startswith("fingerprint_sdk") and other.startswith("trainer")
    ]
    assert not found, "\n".join(found)


def test_few_files_lie_at_the_top() -> None:
    top = sorted(path.name for path in (ROOT / "fingerprint_sdk").glob("*.py"))
    assert len(top) <= 18, top


@pytest.mark.parametrize("package", ["fingerprint_sdk", "trainer"])
def test_one_folder_writes_files(package: str) -> None:
    assert list(moves(ROOT / WRITERS / "replacement.py")), "the writer itself should be found"
    found = [
        f"{shown(path)}:{line}"
        for path in sources(package).values()
        for line in moves(path)
        if not shown(path).startswith(WRITERS)
    ]
    assert not found, "\n".join(found)


def test_no_recipe_is_asked_for_its_name() -> None:
    assert matching("class .*Recipe", "trainer"), "the recipes were not found"
    found = matching(r"recipe\.name (==|!=|in) ", "trainer")
    assert not found, "\n".join(found)


def test_no_module_is_named_like_a_public_function_of_its_package() -> None:
    known = sources(*PACKAGES)
    assert {"load_image", "windows"} <= names_of("fingerprint_sdk.images", known)
    assert {"verify", "identify", "Gallery"} <= names_of("fingerprint_sdk", known)
    found = [
        f"{package}.{name}"
        for package, path in known.items()
        if path.name == "__init__.py"
        for name in sorted(names_of(package, known))
        if f"{package}.{name}" in known
    ]
    assert not found, "\n".join(found)
