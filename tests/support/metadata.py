"""Image files with metadata, written by Pillow as programs do."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from PIL import Image, PngImagePlugin

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
WORKFLOW = {
    "nodes": [
        {"type": "CheckpointLoaderSimple", "widgets_values": ["sd_xl_base_1.0.safetensors"]},
        {"type": "VAELoader", "widgets_values": ["sdxl_vae.safetensors"]},
        {"type": "CLIPTextEncode", "widgets_values": ["a secret garden"]},
    ]
}
PROMPT = {
    "4": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev-fp8.safetensors"}},
    "5": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a secret garden", "clip": ["4", 1]}},
    "7": {"class_type": "LoraLoader", "inputs": {"lora_name": "watercolour.safetensors"}},
}
PARAMETERS = (
    "a secret garden, <lora:x:1>\nNegative prompt: weeds\n"
    "Steps: 20, Sampler: Euler a, Seed: 1, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "
    "VAE: vae-ft-mse-840000-ema-pruned.safetensors, Version: v1.10.1"
)
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"{attributes}>{elements}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def xmp(elements: str = "", attributes: str = "") -> bytes:
    """An XMP packet; prefixes xmp, dc, photoshop and Iptc4xmpExt are known in it."""
    return _XMP.format(elements=elements, attributes=attributes).encode()


def exif(tags: Mapping[int, Any], comment: bytes | None = None) -> bytes:
    """EXIF with these tags, and a UserComment."""
    written = Image.Exif()
    written.update(tags)
    if comment is not None:
        written.get_ifd(0x8769)[0x9286] = comment
    return written.tobytes()


def picture(format: str = "PNG", **options: Any) -> bytes:
    """A small image file; ``options`` are Pillow's."""
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, format, **options)
    return file.getvalue()


def texts(chunks: Mapping[str, str | dict[str, Any]], compressed: bool = False) -> bytes:
    """A PNG file with text chunks; what is no text becomes JSON."""
    info = PngImagePlugin.PngInfo()
    for keyword, value in chunks.items():
        text = value if isinstance(value, str) else json.dumps(value)
        info.add_text(keyword, text, zip=compressed)
    return picture(pnginfo=info)


def with_xmp(format: str, packet: bytes) -> bytes:
    """An image file with an XMP packet where its format keeps it."""
    if format != "PNG":
        return picture(format, xmp=packet)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=True)
    return picture(pnginfo=info)
