"""Texts in which programs for Stable Diffusion and the like keep how an image was made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fingerprint_sdk.declaration.limits import bounded_json
from fingerprint_sdk.declaration.statement import Kind, Statement, statement

_PLAIN: dict[str, Kind] = {
    "software": "tool",
    "source": "tool",  # NovelAI: the model
    "author": "person",
    "artist": "person",
    "copyright": "person",
    "title": "prompt",
    "description": "prompt",
    "comment": "prompt",
    "negative prompt": "prompt",
    "dream": "prompt",
    "fooocus_scheme": "other",
}
"""Keywords of PNG texts without a form of their own. Others are passed over."""

_WITH_JSON = frozenset(
    {"prompt", "workflow", "parameters", "comment", "sd-metadata", "invokeai_metadata"}
)
# Inputs of ComfyUI's nodes, whatever the node, and the same in other programs.
_MODELS = frozenset({"ckpt_name", "unet_name", "vae_name", "base_model", "model", "vae", "unet"})
_OTHERS = frozenset({"lora_name", "upscale_model", "refiner_model", "refiner", "upscaler"})
_PROMPTS = frozenset(
    {"text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "full_prompt", "uc"}
    | {"negative_prompt", "full_negative_prompt", "negativeprompt", "positive_prompt"}
    | {"negative_style_prompt", "positive_style_prompt", "base_caption"}
)
_PERSONS = frozenset({"created_by", "creator", "author", "user"})
_VERSIONS = frozenset({"version", "swarm_version", "app_version", "fooocus_version"})
# In a workflow a node has values without names: of these types the first is a model file.
_LOADERS = re.compile(r"(Checkpoint|UNET|Unet|VAE)\w*Loader|ckpt|Load(Checkpoint|VAE|UNET)")
_SETTINGS = re.compile(
    r'(?:^|, )(Model|VAE|Module \d|Refiner|Lora hashes|Version): ("(?:[^"\\]|\\.)*"|[^,\n]*)'
)
# A file by its whole path, which often has somebody's name in it.
_FOLDERS = re.compile(r"^(?:[A-Za-z]:|~)?[\\/].*[\\/]")
_MAX_FOUND = 200
_MAX_NODES = 200_000  # of a JSON tree


def generation_statements(keyword: str, text: str) -> list[Statement]:
    """What a text of an image file says of how it was made.

    Args:
        keyword: that the text is kept under, in any case. EXIF has none: "parameters", or
            "prompt" and "workflow" where ComfyUI says so.
        text: at most ``containers.source.MAX_PART`` long.

    Returns:
        none for a text that is nothing of the kind.
    """
    keyword = keyword.strip().lower()
    tree = bounded_json(text) if keyword in _WITH_JSON else None
    if keyword == "workflow":
        return _limited(_workflow(tree))
    if keyword == "prompt" and isinstance(tree, dict):
        return _limited(_fields("ComfyUI", tree))
    if keyword in _WITH_JSON:
        if isinstance(tree, dict):
            return _limited(_fields(_program(keyword, tree), tree))
        if "Steps: " in text:
            return _limited(_parameters(text))
    if keyword in _PLAIN:
        source = "NovelAI" if keyword == "source" and "diffusion" in text.lower() else "PNG"
        return statement(source, keyword.capitalize(), text, _PLAIN[keyword])
    return statement("PNG", keyword, text, "prompt") if keyword in ("prompt", "parameters") else []


def _limited(found: Iterator[list[Statement]]) -> list[Statement]:
    """The first, each once."""
    statements: dict[Statement, None] = {}
    for some in found:
        statements.update(dict.fromkeys(some))
        if len(statements) >= _MAX_FOUND:
            break
    return list(statements)[:_MAX_FOUND]


def _program(keyword: str, tree: Mapping[str, Any]) -> str:
    if "sui_image_params" in tree:
        return "SwarmUI"
    if keyword == "comment":
        return "NovelAI"
    if keyword in ("sd-metadata", "invokeai_metadata"):
        return "InvokeAI"
    return "Fooocus" if "base_model" in tree or "full_prompt" in tree else "JSON"


def _fields(program: str, tree: Any) -> Iterator[list[Statement]]:
    """Fields of the names above, anywhere in a tree."""
    left = [("", tree)]
    for _ in range(_MAX_NODES):
        if not left:
            return
        name, value = left.pop()
        if isinstance(value, dict):
            # InvokeAI: {"model": {"name": ..., "hash": ...}}, formerly "model_name"
            if name in _MODELS and isinstance(value.get("name", value.get("model_name")), str):
                left.append((name, value.get("name", value.get("model_name"))))
            left += reversed([(str(key).lower(), one) for key, one in value.items()])
        elif isinstance(value, list):
            left += [(name, one) for one in reversed(value)]
        elif isinstance(value, str) and (kind := _kind(name)):
            yield _file(program, name, value, kind)


def _kind(name: str) -> Kind | None:
    if name in _MODELS:
        return "model"
    if name in _PROMPTS:
        return "prompt"
    if name in _PERSONS:
        return "person"
    if name in _VERSIONS:
        return "tool"
    return "other" if name in _OTHERS else None


def _workflow(tree: Any) -> Iterator[list[Statement]]:
    """Model files of the nodes that load them, in groups of nodes as well."""
    left = [tree]
    for _ in range(_MAX_NODES):
        if not left:
            return
        node = left.pop()
        if isinstance(node, list):
            left += reversed(node)
        elif isinstance(node, dict):
            values = node.get("widgets_values")
            if isinstance(node.get("type"), str) and _LOADERS.search(node["type"]):
                if isinstance(values, dict):
                    yield from _fields("ComfyUI", values)
                elif isinstance(values, list) and values and isinstance(values[0], str):
                    yield _file("ComfyUI", "loader", values[0], "model")
            left += [one for one in reversed(node.values()) if isinstance(one, dict | list)]


def _parameters(text: str) -> Iterator[list[Statement]]:
    """The text of A1111, Forge and others: prompt, negative prompt, and a line of settings."""
    place = text.rfind("Steps: ")
    prompt, settings = text[:place], text[place : place + 20_000]
    yield statement("A1111", "prompt", prompt, "prompt")
    for match in _SETTINGS.finditer(settings):
        name, value = match[1], match[2].strip('"')
        kind: Kind = "tool" if name == "Version" else "model"
        if name in ("Refiner", "Lora hashes"):
            kind = "other"
        yield _file("A1111", name, value, kind)


def _file(source: str, name: str, value: str, kind: Kind) -> list[Statement]:
    """A statement that may name a file: of a whole path only the file itself."""
    if kind in ("model", "other"):
        value = _FOLDERS.sub("", value[:2000])
    return statement(source, name, value, kind)
