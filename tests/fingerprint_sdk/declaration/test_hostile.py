"""Metadata by somebody who means harm: bounded in what it costs, and seen for what it is."""

from __future__ import annotations

import json
import struct
import tracemalloc
import unicodedata
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.metadata import (
    FORMATS,
    PARAMETERS,
    PROMPT,
    exif,
    picture,
    texts,
    with_xmp,
    xmp,
)

import fingerprint_sdk as fp
from fingerprint_sdk.declaration.cbor import decode
from fingerprint_sdk.declaration.containers.source import MAX_PART, MAX_TOTAL
from fingerprint_sdk.declaration.jumbf import read_boxes
from fingerprint_sdk.declaration.limits import MAX_BRACKETS, bounded_json

MIB = 2**20
SEEDS = [
    texts({"parameters": PARAMETERS}, compressed=True),
    texts({"prompt": PROMPT}),
    *(picture(name, exif=exif({0x0131: "a"}, b"UNICODE\0" + b"b\0" * 9)) for name in FORMATS),
    *(with_xmp(name, xmp("<dc:title>a</dc:title>")) for name in FORMATS),
]


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + check


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def compressed(keyword: bytes, data: bytes) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(data))


def peak(encoded: bytes) -> tuple[fp.Declaration, int]:
    """What a file says, and the most bytes that Python held at once to read it."""
    fp.declared(b"")  # imports are not counted
    tracemalloc.start()
    try:
        declaration = fp.declared(encoded)
        return declaration, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@given(st.data())
@settings(max_examples=300)
def test_no_bytes_raise_anything(data: st.DataObject) -> None:
    mutated = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(mutated)))
        removed = data.draw(st.integers(0, 20))
        mutated[place : place + removed] = data.draw(st.binary(max_size=20))
    declaration = fp.declared(bytes(mutated))
    json.loads(declaration.to_json(private=True))


@given(st.sampled_from(SEEDS), st.floats(0, 1))
def test_a_file_that_is_cut_short_raises_nothing(seed: bytes, share: float) -> None:
    assert isinstance(fp.declared(seed[: int(share * len(seed))]), fp.Declaration)


@given(st.binary(max_size=200))
def test_cbor_and_boxes_of_any_bytes_raise_nothing_but_a_value_error(data: bytes) -> None:
    for read in (decode, read_boxes):
        try:
            read(data)
        except ValueError:
            continue


def test_what_cbor_says() -> None:
    encoded = bytes.fromhex(
        "a8 6161 01 6162 20 6163 f5 6164 8102 6165 bf 6178 f6 ff 6166 7f 6178 6179 ff"
        "6167 c1 1a 514b67b0 6168 f9 3e00"
    )
    expected = {"a": 1, "b": -1, "c": True, "d": [2], "e": {"x": None}, "f": "xy"}
    assert decode(encoded) == {**expected, "g": 0x514B67B0, "h": 1.5}


@pytest.mark.parametrize("data", [b"\x81" * 40 + b"\0", b"\x9b" + b"\xff" * 8, b"\x5f\x61a\xff"])
def test_cbor_that_is_too_deep_too_long_or_mixed(data: bytes) -> None:
    with pytest.raises(ValueError, match="CBOR"):
        decode(data)


def test_a_decompression_bomb_is_not_unpacked() -> None:
    bomb = compressed(b"parameters", bytes(300 * MIB))
    assert len(bomb) < MIB
    declaration, held = peak(png(bomb, chunk(b"tEXt", b"Software\0still read")))
    assert held < 4 * MAX_TOTAL
    assert [one.value for one in declaration.statements] == ["still read"]
    assert "more than is looked at" in declaration.notes[0]


def test_many_parts_together_are_bounded() -> None:
    parts = [compressed(b"Description", bytes([65 + i]) * (MAX_PART // 2)) for i in range(20)]
    declaration, held = peak(png(*parts))
    assert held < 4 * MAX_TOTAL
    assert len(declaration.statements) == 3
    assert max(len(one.value) for one in declaration.statements) < 30_000


def box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data


@pytest.mark.parametrize("numbers", [[1] * 2000, list(range(1, 2001))], ids=["one", "many"])
def test_one_place_of_an_avif_file_is_not_kept_for_each_item(numbers: list[int]) -> None:
    packet = xmp("<dc:title>a</dc:title>").ljust(200_000)
    info = b"".join(
        box(b"infe", struct.pack(">IHH4s", 2 << 24, n, 0, b"mime") + b"\0application/rdf+xml\0")
        for n in sorted(set(numbers))
    )
    places = struct.pack(">IHH", 1 << 24, 0x4400, len(numbers)) + b"".join(
        struct.pack(">HHHHII", n, 1, 0, 1, 0, len(packet)) for n in numbers
    )
    iinf = struct.pack(">IH", 0, len(set(numbers))) + info
    meta = box(b"iinf", iinf) + box(b"iloc", places) + box(b"idat", packet)
    file = box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", bytes(4) + meta)
    declaration, held = peak(file)
    assert [one.value for one in declaration.statements][:1] == ["a"]
    assert held < 4 * MAX_TOTAL


def test_a_large_workflow_is_read() -> None:
    """Of 3 MB, which is valid and not rare."""
    nodes = {
        str(i): {"class_type": "Note", "inputs": {"x": "y" * 3000}, "is_changed": [i]}
        for i in range(1000)
    }
    declaration = fp.declared(texts({"prompt": {**nodes, **PROMPT}}))
    assert "flux1-dev-fp8.safetensors" in [one.value for one in declaration.statements]
    assert declaration.notes == ()


def test_a_text_of_a_gigabyte_is_passed_over() -> None:
    """Of which the file has only the head."""
    head = (2**30).to_bytes(4, "big") + b"tEXtSoftware\0"
    declaration, held = peak(png(chunk(b"tEXt", b"Software\0first"))[:-12] + head)
    assert [one.value for one in declaration.statements] == ["first"]
    assert "cut short" in declaration.notes[0]
    assert held < MIB


@pytest.mark.parametrize(
    "text",
    ["[" * 10**6, '{"a":' * 10**6, "[" + "[]," * MAX_BRACKETS + "0]", "{" + '\\"' * 10**6],
)
def test_json_that_is_too_deep_or_has_too_many_brackets_is_none(text: str) -> None:
    assert bounded_json(text) is None
    assert not fp.declared(texts({"workflow": text})).statements


def test_brackets_in_texts_are_no_depth() -> None:
    assert bounded_json(json.dumps({"a": '[{"' * 1000})) == {"a": '[{"' * 1000}


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<a xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreatorTool>&b;</xmp:CreatorTool></a>"""
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<a xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreatorTool>&a;</xmp:CreatorTool></a>"""


@pytest.mark.parametrize("packet", [ENTITIES, EXTERNAL])
def test_xml_entities_are_refused(packet: bytes) -> None:
    declaration = fp.declared(with_xmp("PNG", packet))
    assert declaration.statements == ()
    assert declaration.notes == ("the XMP packet declares a document type, which none needs",)


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (b"<a>" * 1000, "too deep"),
        (b"<a>" + b"<b/>" * 100_000 + b"</a>", "too long"),
        (b"<a", "no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "no XML"),
        (b"\xff\xfe\0\xd8", "no XML"),
    ],
)
def test_bad_xmp_is_noted(packet: bytes, problem: str) -> None:
    assert (
        problem
        in fp.declared(png(chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet))).notes[0]
    )


def test_tags_that_share_one_place_are_not_copied_each() -> None:
    """A directory of 65,000 tags of a megabyte each, in a file of two."""
    tags = b"".join(struct.pack("<HHII", i, 2, MIB, MIB) for i in range(65_000))
    declaration, held = peak(
        png(chunk(b"eXIf", b"II*\0\x08\0\0\0\xe8\xfd" + tags + bytes(2 * MIB)))
    )
    assert held < 16 * MIB
    assert declaration.notes == ()


def test_what_cannot_be_seen_or_steers_a_terminal_is_escaped() -> None:
    name = "a\x1b[2Jb\u202ec\u2028d\ne\x9bf\ud800g\u200bh"
    value = (
        fp.declared(texts({"prompt": {"1": {"inputs": {"ckpt_name": name}}}})).statements[0].value
    )
    assert value == r"a\x1b[2Jb\u202ec\u2028d\ne\x9bf\ud800g\u200bh"
    assert value.isprintable()


@given(st.text(max_size=300))
def test_values_are_short_and_nothing_in_them_is_hidden(text: str) -> None:
    hidden = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    for one in fp.declared(texts({"prompt": {"1": {"ckpt_name": text}}})).statements:
        assert not hidden & {unicodedata.category(character) for character in one.value}
        assert len(one.value) <= 201
