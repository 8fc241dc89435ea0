"""What real writers put into files is read back, in every format, and private texts stay back."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from support.metadata import (
    FORMATS,
    PARAMETERS,
    PROMPT,
    WORKFLOW,
    exif,
    picture,
    texts,
    with_xmp,
    xmp,
)

import fingerprint_sdk as fp


def said(declaration: fp.Declaration) -> dict[str, str]:
    return {f"{one.source} {one.name}": one.value for one in declaration.statements}


@pytest.mark.parametrize("format", FORMATS)
def test_a_plain_file_declares_nothing(format: str) -> None:
    declaration = fp.declared(picture(format))
    assert declaration == fp.Declaration(format)
    assert not declaration


@pytest.mark.parametrize("format", FORMATS)
def test_exif(format: str) -> None:
    tags = {0x010F: "Canon", 0x0110: "EOS R5", 0x0131: "Firmware 1.8", 0x013B: "Ada Lovelace"}
    declaration = fp.declared(picture(format, exif=exif(tags)))
    assert said(declaration) == {
        "EXIF Make": "Canon",
        "EXIF Model": "EOS R5",
        "EXIF Software": "Firmware 1.8",
        "EXIF Artist": "Ada Lovelace",
    }
    assert declaration.withheld == ("EXIF Artist",)
    assert declaration.notes == ()


@pytest.mark.parametrize("format", FORMATS)
def test_xmp_and_iptc_properties(format: str) -> None:
    term = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    elements = f"""
      <Iptc4xmpExt:DigitalSourceType>{term}</Iptc4xmpExt:DigitalSourceType>
      <Iptc4xmpExt:AISystemUsed>Imaginary 3</Iptc4xmpExt:AISystemUsed>
      <Iptc4xmpExt:AIPromptInformation>
        <rdf:Alt><rdf:li xml:lang="x-default">a secret garden</rdf:li></rdf:Alt>
      </Iptc4xmpExt:AIPromptInformation>
      <Iptc4xmpExt:AIPromptWriterName>Ada Lovelace</Iptc4xmpExt:AIPromptWriterName>
      <photoshop:Credit>Made with Google AI</photoshop:Credit>"""
    packet = xmp(elements, ' xmp:CreatorTool="Painter &lt;9&gt;"')
    declaration = fp.declared(with_xmp(format, packet))
    assert said(declaration) == {
        "XMP xmp:CreatorTool": "Painter <9>",
        "XMP Iptc4xmpExt:DigitalSourceType": term,
        "XMP Iptc4xmpExt:AISystemUsed": "Imaginary 3",
        "XMP Iptc4xmpExt:AIPromptInformation": "a secret garden",
        "XMP Iptc4xmpExt:AIPromptWriterName": "Ada Lovelace",
        "XMP photoshop:Credit": "Made with Google AI",
    }
    assert declaration.withheld == (
        "XMP Iptc4xmpExt:AIPromptInformation",
        "XMP Iptc4xmpExt:AIPromptWriterName",
    )


def test_a_source_type_may_be_a_resource_and_a_credit_a_person() -> None:
    elements = """
      <Iptc4xmpExt:DigitalSourceType rdf:resource="http://example.org/digitalCapture"/>
      <photoshop:Credit>Ada Lovelace</photoshop:Credit>
      <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Grace</rdf:li></rdf:Seq></dc:creator>"""
    declaration = fp.declared(with_xmp("PNG", xmp(elements)))
    kinds = {(one.name, one.value): one.kind for one in declaration.statements}
    assert kinds == {
        ("Iptc4xmpExt:DigitalSourceType", "http://example.org/digitalCapture"): "source type",
        ("photoshop:Credit", "Ada Lovelace"): "person",
        ("dc:creator", "Ada"): "person",
        ("dc:creator", "Grace"): "person",
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_a1111(compressed: bool) -> None:
    declaration = fp.declared(texts({"parameters": PARAMETERS}, compressed))
    assert said(declaration) == {
        "A1111 prompt": r"a secret garden, <lora:x:1>\nNegative prompt: weeds",
        "A1111 Model": "v1-5-pruned-emaonly",
        "A1111 VAE": "vae-ft-mse-840000-ema-pruned.safetensors",
        "A1111 Version": "v1.10.1",
    }


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_a1111_in_a_user_comment(format: str, encoding: str) -> None:
    comment = b"UNICODE\0" + PARAMETERS.encode(encoding)
    declaration = fp.declared(picture(format, exif=exif({}, comment)))
    assert said(declaration)["A1111 Model"] == "v1-5-pruned-emaonly"


def test_comfyui() -> None:
    declaration = fp.declared(texts({"prompt": PROMPT, "workflow": WORKFLOW}))
    models = [one.value for one in declaration.statements if one.kind == "model"]
    assert models == [
        "flux1-dev-fp8.safetensors",
        "ae.safetensors",
        "sd_xl_base_1.0.safetensors",
        "sdxl_vae.safetensors",
    ]
    assert said(declaration)["ComfyUI lora_name"] == "watercolour.safetensors"
    assert declaration.withheld == ("ComfyUI text",)
    assert "secret" not in declaration.to_json()
    assert "secret" in declaration.to_json(private=True)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"C:\Users\Ada\models\x.safetensors", "x.safetensors"),
        ("/home/ada/x.safetensors", "x.safetensors"),
        ("SDXL/x.safetensors", "SDXL/x.safetensors"),
        (r"SDXL\x.safetensors", r"SDXL\x.safetensors"),
    ],
)
def test_folders_of_somebodys_machine_stay_back(written: str, shown: str) -> None:
    declaration = fp.declared(texts({"prompt": {"1": {"inputs": {"ckpt_name": written}}}}))
    assert [one.value for one in declaration.statements] == [shown]


def test_comfyui_in_exif_is_no_camera() -> None:
    tags = {0x010F: "workflow:" + json.dumps(WORKFLOW), 0x0110: "prompt:" + json.dumps(PROMPT)}
    declaration = fp.declared(picture("WEBP", exif=exif(tags)))
    assert {one.kind for one in declaration.statements} == {"model", "prompt", "other"}
    assert "flux1-dev-fp8.safetensors" in said(declaration).values()


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (
            {
                "Software": "NovelAI",
                "Source": "NovelAI Diffusion V4.5",
                "Description": "a secret garden",
                "Comment": {"prompt": "a secret garden", "steps": 28, "uc": "weeds"},
            },
            {"PNG Software": "NovelAI", "NovelAI Source": "NovelAI Diffusion V4.5"},
        ),
        (
            {
                "invokeai_metadata": {
                    "app_version": "6.0.2",
                    "positive_prompt": "a secret garden",
                    "model": {"key": "1", "name": "FLUX Dev", "base": "flux"},
                    "vae": {"key": "2", "name": "FLUX.1-schnell_ae"},
                }
            },
            {
                "InvokeAI app_version": "6.0.2",
                "InvokeAI model": "FLUX Dev",
                "InvokeAI vae": "FLUX.1-schnell_ae",
            },
        ),
        (
            {
                "fooocus_scheme": "fooocus",
                "parameters": {
                    "base_model": "juggernautXL_v8",
                    "full_prompt": ["a secret garden", "more"],
                    "version": "Fooocus v2.5.5",
                    "created_by": "Ada Lovelace",
                },
            },
            {
                "PNG Fooocus_scheme": "fooocus",
                "Fooocus base_model": "juggernautXL_v8",
                "Fooocus version": "Fooocus v2.5.5",
            },
        ),
        (
            {
                "parameters": {
                    "sui_image_params": {
                        "prompt": "a secret garden",
                        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
                        "swarm_version": "0.9.6",
                    }
                }
            },
            {
                "SwarmUI model": "OfficialStableDiffusion/sd_xl_base_1.0",
                "SwarmUI swarm_version": "0.9.6",
            },
        ),
    ],
    ids=["NovelAI", "InvokeAI", "Fooocus", "SwarmUI"],
)
def test_other_programs(chunks: dict[str, str | dict[str, object]], expected: object) -> None:
    declaration = fp.declared(texts(chunks))
    shown = {f"{one.source} {one.name}": one.value for one in declaration.shown()}
    assert shown == expected
    assert "secret" not in declaration.to_json()
    assert "Ada" not in declaration.to_json()
    assert "a secret garden" in [one.value for one in declaration.statements]


def test_iptc_records_of_a_jpeg_file() -> None:
    def dataset(number: int, text: str) -> bytes:
        return b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text.encode()

    records = dataset(65, "Painter") + dataset(80, "Ada Lovelace") + dataset(110, "Nobody")
    resource = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records
    segment = b"Photoshop 3.0\0" + resource
    jpeg = picture("JPEG")
    marked = jpeg[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]
    with Image.open(io.BytesIO(marked)) as image:  # Pillow finds it, too
        image.load()
        assert image.info["photoshop"][0x0404] == records
    declaration = fp.declared(marked)
    assert said(declaration) == {
        "IPTC Originating Program": "Painter",
        "IPTC By-line": "Ada Lovelace",
        "IPTC Credit": "Nobody",
    }
    assert [one.value for one in declaration.shown()] == ["Painter"]


def test_a_comment_of_a_jpeg_file() -> None:
    declaration = fp.declared(picture("JPEG", comment=PARAMETERS))
    assert said(declaration)["A1111 Model"] == "v1-5-pruned-emaonly"
    assert fp.declared(picture("JPEG", comment="hello")).withheld == ("JPEG comment",)


def test_paths_and_bytes_say_the_same(tmp_path: Path) -> None:
    encoded = texts({"parameters": PARAMETERS})
    path = tmp_path / "café.png"
    path.write_bytes(encoded)
    assert fp.declared(path) == fp.declared(str(path)) == fp.declared(encoded)
    assert fp.declared(bytearray(encoded)) == fp.declared(memoryview(encoded))


def test_other_formats_are_not_looked_into() -> None:
    assert fp.declared(picture("BMP")) == fp.Declaration(None)
    assert fp.declared(b"") == fp.Declaration(None)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(fp.ImageError, match="does not exist"):
        fp.declared(tmp_path / "missing.png")
    with pytest.raises(fp.ImageError, match="not a regular file"):
        fp.declared(tmp_path)
    with pytest.raises(fp.ImageError, match="path or bytes"):
        fp.declared(Image.new("RGB", (8, 8)))  # type: ignore[arg-type]
    with pytest.raises(fp.ImageError, match="cannot read"):
        fp.declared("null\0byte.png")
