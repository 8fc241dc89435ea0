"""Declared and measured: whole words agree or contradict, and nothing does where none is sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.credentials import TRAINED, manifest, sign
from support.metadata import PROMPT, exif, picture, texts, with_xmp, xmp

import fingerprint_sdk as fp
from fingerprint_sdk.declaration import Agreement, compare
from fingerprint_sdk.declaration.models import known_models, names
from fingerprint_sdk.explanation.sentences import fitting

FAMILIES = {
    "SD 1 decoder": ("Stable Diffusion 1.5", "Dreamshaper"),
    "SDXL decoder": ("Stable Diffusion XL", "Pony Diffusion"),
    "SD 3 decoder": (),
    "FLUX.1 decoder": ("FLUX.1 dev", "Z-Image"),
    "FLUX.2 decoder": ("FLUX.2", "Ideogram 4", "ERNIE-Image"),
    "Qwen-Image decoder": (),
    "Stable Cascade decoder": (),
    "GPT-4o image": (),
    "OpenAI 2026": ("gpt-image-2",),
    "Gemini 2025": (),
}


def checkpoint(name: str) -> fp.Declaration:
    return fp.declared(texts({"prompt": {"1": {"inputs": {"ckpt_name": name}}}}))


def fit(declared: str, measured: str | None) -> str:
    return compare(checkpoint(declared), measured, FAMILIES).fit


@pytest.mark.parametrize(
    ("declared", "measured"),
    [
        ("flux1-dev-fp8.safetensors", "FLUX.1 decoder"),
        ("FLUX/flux.1-schnell.gguf", "FLUX.1 decoder"),
        ("z_image_turbo_bf16.safetensors", "FLUX.1 decoder"),
        ("flux2_dev_fp8mixed.safetensors", "FLUX.2 decoder"),
        ("Ideogram-4", "FLUX.2 decoder"),
        ("ernie image", "FLUX.2 decoder"),
        ("sd_xl_base_1.0.safetensors", "SDXL decoder"),
        ("sdXL_v10VAEFix", "SDXL decoder"),
        ("ponyDiffusionV6XL.safetensors", "SDXL decoder"),
        ("v1-5-pruned-emaonly.ckpt", "SD 1 decoder"),
        ("dreamshaper_8.safetensors", "SD 1 decoder"),
        ("sd3.5_large.safetensors", "SD 3 decoder"),
        ("qwen_image_edit_2511.safetensors", "Qwen-Image decoder"),
        ("stable_cascade_stage_a", "Stable Cascade decoder"),
        ("gpt-4o", "GPT-4o image"),
        ("gpt-image-2", "OpenAI 2026"),
        ("ChatGPT", "GPT-4o image"),
        ("ChatGPT", "OpenAI 2026"),
        ("Gemini 2.5 Flash Image", "Gemini 2025"),
    ],
)
def test_a_declared_model_agrees_with_its_family(declared: str, measured: str) -> None:
    assert fit(declared, measured) == "agrees"
    others = set(FAMILIES) - {measured}
    if declared != "ChatGPT":
        assert {fit(declared, other) for other in others} == {"contradicts"}
    assert fit(declared, None) == "contradicts"


@pytest.mark.parametrize(
    "declared",
    [
        "ae.safetensors",
        "juggernaut.safetensors",
        "flux12",
        "model.safetensors",
        "fluxion",
        "Stable Diffusion",
        "imagen",
        "qwen_2.5_vl_7b",
        "Midjourney v7",
    ],
)
def test_an_unknown_model_says_nothing(declared: str) -> None:
    assert {fit(declared, measured) for measured in (*FAMILIES, None)} == {"says nothing"}


def test_two_models_must_not_differ() -> None:
    both = fp.declared(texts({"prompt": PROMPT, "parameters": "x\nSteps: 1, Model: sdxl"}))
    assert compare(both, "FLUX.1 decoder", FAMILIES).fit == "says nothing"
    assert compare(both, "SD 3 decoder", FAMILIES).fit == "contradicts"


def test_a_gallery_of_other_names() -> None:
    """Entries that nothing is known of may be anything, but not one that bears the name."""
    entries = {"finch": (), "lark": ()}
    assert compare(checkpoint("flux1-dev"), "finch", entries).fit == "says nothing"
    assert compare(checkpoint("flux1-dev"), None, entries).fit == "says nothing"
    assert compare(checkpoint("lark v2"), "finch", entries).fit == "contradicts"
    assert compare(checkpoint("lark v2"), "lark", entries).fit == "agrees"
    assert compare(checkpoint("larkspur"), "lark", entries).fit == "says nothing"
    assert compare(checkpoint("a b"), "a", {"a": (), "b": ()}).fit == "says nothing"


def test_a_camera_contradicts_a_generator_and_nothing_else() -> None:
    camera = fp.declared(picture("JPEG", exif=exif({0x010F: "Canon", 0x0110: "EOS R5"})))
    found = compare(camera, "SDXL decoder", FAMILIES)
    assert found == Agreement("contradicts", "camera", "Canon EOS R5", "SDXL decoder")
    assert compare(camera, None, FAMILIES).fit == "says nothing"
    assert compare(camera, None, FAMILIES, answered=False).fit == "says nothing"


@pytest.mark.parametrize("term", ["digitalCapture", "computationalCapture"])
def test_a_source_type_may_say_that_it_is_a_photograph(term: str) -> None:
    uri = f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"
    packet = xmp(f"<Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType>")
    found = compare(fp.declared(with_xmp("JPEG", packet)), "SDXL decoder", FAMILIES)
    assert found == Agreement("contradicts", "camera", term, "SDXL decoder")


def test_a_generator_that_is_not_told_contradicts_nothing() -> None:
    packet = xmp(f"<Iptc4xmpExt:DigitalSourceType>{TRAINED}</Iptc4xmpExt:DigitalSourceType>")
    declaration = fp.declared(with_xmp("JPEG", packet))
    for measured in (*FAMILIES, None):
        found = compare(declaration, measured, FAMILIES)
        assert found == Agreement("says nothing", "generated", "trainedAlgorithmicMedia", measured)


def test_an_inconclusive_answer_cannot_be_contradicted() -> None:
    found = compare(checkpoint("flux1-dev"), None, FAMILIES, answered=False)
    assert found == Agreement("says nothing", "model", "flux1-dev", None)


def test_a_camera_with_a_generator_contradicts_nothing() -> None:
    """A photograph that something was painted into."""
    edited = picture("PNG", exif=exif({0x010F: "Canon", 0x0131: "FLUX.1 Fill"}))
    assert compare(fp.declared(edited), "SDXL decoder", FAMILIES).fit == "says nothing"


@pytest.mark.parametrize("make", ["OpenAI", "Midjourney", "AI Studio", "Stable Diffusion"])
def test_a_generator_that_signs_as_a_camera_is_none(make: str) -> None:
    declaration = fp.declared(picture("JPEG", exif=exif({0x010F: make})))
    assert compare(declaration, "SDXL decoder", FAMILIES).about == "nothing"


def test_content_credentials() -> None:
    declaration = fp.declared(sign(picture(), "image/png", manifest()))
    assert compare(declaration, "GPT-4o image", FAMILIES).fit == "agrees"
    assert compare(declaration, "FLUX.2 decoder", FAMILIES).fit == "contradicts"
    claims = manifest("Some Library", "Some Service")
    action = claims["assertions"][0]["data"]["actions"][0]
    action["description"] = "Created by Google Generative AI for Ada Lovelace."
    found = compare(fp.declared(sign(picture(), "image/png", claims)), "Gemini 2025", FAMILIES)
    assert found == Agreement("agrees", "model", "Google", "Gemini 2025")  # and not the text


def test_invalid_credentials_say_nothing() -> None:
    signed = bytearray(sign(picture("WEBP"), "image/webp", manifest()))
    assert compare(fp.declared(bytes(signed)), "GPT-4o image", FAMILIES).fit == "agrees"
    signed[signed.index(b"VP8 ") + 60] ^= 1
    changed = fp.declared(bytes(signed))
    assert "GPT-4o 7" in [one.value for one in changed.statements]
    assert compare(changed, "GPT-4o image", FAMILIES).about == "nothing"


def test_nothing_declared() -> None:
    found = compare(fp.declared(picture()), "SDXL decoder", FAMILIES)
    assert found == Agreement("says nothing", "nothing", "", "SDXL decoder")


@given(st.text(max_size=40), st.sampled_from([*FAMILIES, None]))
def test_the_words_say_what_is_found(declared: str, measured: str | None) -> None:
    found = compare(checkpoint(declared), measured, FAMILIES)
    words = fitting(found)
    assert ("That contradicts" in words) == (found.fit == "contradicts")
    assert ("That agrees" in words) == (found.fit == "agrees")
    assert found.declared in words
    if found.fit != "says nothing":
        assert (measured or "none of the known generators") in words


def test_names_are_whole_words() -> None:
    assert names("flux1-dev", "FLUX.1")
    assert names("FLUX 1", "FLUX.1")
    assert not names("flux11", "FLUX.1")
    assert not names("superflux1", "FLUX.1")
    assert not names("x", "x")  # too short to tell anything
    assert known_models("openAI's ChatGPT") == {"OpenAI"}
    assert known_models("") == frozenset()
