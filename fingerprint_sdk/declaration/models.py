"""Which generator a declared name speaks of: checkpoints, VAEs, programs and makers."""

from __future__ import annotations

import re
from functools import lru_cache

# What people and programs write for generators whose decoders are known to differ. Names that
# several of them share, such as "ae.safetensors" or "stable diffusion", tell nothing, and of
# Midjourney and Firefly nobody has said what they decode with.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "SD 1": (
        "sd 1",
        "sd 15",
        "sd v1",
        "stable diffusion 1",
        "stable diffusion v1",
        "v1-5-pruned",
        "v1-4",
        "vae-ft-mse-840000",
        "vae-ft-ema-560000",
    ),
    "SDXL": ("sdxl", "sd xl", "stable diffusion xl"),
    "SD 3": ("sd 3", "sd 35", "stable diffusion 3"),
    "FLUX.1": ("flux 1", "flux dev", "flux schnell", "flux 1 kontext"),
    "FLUX.2": ("flux 2",),
    "Qwen-Image": ("qwen image",),
    "Stable Cascade": ("stable cascade", "wuerstchen"),
    "OpenAI": ("openai", "chatgpt", "gpt 4o", "gpt image", "dall e"),
    "Google": ("gemini", "google imagen", "nano banana", "google ai", "google generative ai"),
}
_BESIDE = frozenset({"decoder", "image", "images"})  # last word of a family's name
_SHORTEST = 3  # letters and digits of a name that is looked for in another one
_MOST_WORDS = 60
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def known_models(text: str) -> frozenset[str]:
    """Generators of the list above that a text names, by whole words."""
    parts = words(text)
    return frozenset(
        name
        for name, spellings in _SPELLINGS.items()
        if any(_has(parts, _joined(spelling)) for spelling in spellings)
    )


def without_kind(family: str) -> str:
    """The name of a family without what it is one of: "SDXL" of "SDXL decoder"."""
    head, _, last = family.strip().rpartition(" ")
    return head if head and last.lower() in _BESIDE else family


def names(text: str, member: str) -> bool:
    """Whether a text names a generator, by whole words, however they are set apart.

    "flux1-dev-fp8.safetensors" names "FLUX.1", and "flux12" does not.
    """
    wanted = _joined(member)
    return len(wanted) >= _SHORTEST and _has(words(text), wanted)


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    """Runs of letters and runs of digits, in lower case: "flux1-dev" is flux, 1, dev."""
    parts = _PARTS.findall(_CAMEL.sub(" ", text[:1000]))
    return tuple(part.lower() for part in parts[:_MOST_WORDS])


def _joined(name: str) -> str:
    return "".join(words(name))


def _has(parts: tuple[str, ...], wanted: str) -> bool:
    """Whether neighbouring words, written as one, are ``wanted``."""
    for start in range(len(parts)):
        text = ""
        for part in parts[start:]:
            text += part
            if text == wanted:
                return True
            if not wanted.startswith(text):
                break
    return False
