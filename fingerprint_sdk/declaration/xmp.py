"""XMP packets (ISO 16684-1): the few properties that tell how an image was made."""

from __future__ import annotations

from xml.parsers import expat

from fingerprint_sdk.declaration.models import known_models
from fingerprint_sdk.declaration.statement import MAX_PROMPT, Kind, Statement, statement

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"

# The AI properties came with IPTC Photo Metadata 2025.1.
_PROPERTIES: dict[str, tuple[str, Kind]] = {
    f"{_IPTC} DigitalSourceType": ("Iptc4xmpExt:DigitalSourceType", "source type"),
    f"{_IPTC} DigitalSourceFileType": ("Iptc4xmpExt:DigitalSourceFileType", "source type"),
    f"{_IPTC} AISystemUsed": ("Iptc4xmpExt:AISystemUsed", "model"),
    f"{_IPTC} AISystemVersionUsed": ("Iptc4xmpExt:AISystemVersionUsed", "other"),
    f"{_IPTC} AIPromptInformation": ("Iptc4xmpExt:AIPromptInformation", "prompt"),
    f"{_IPTC} AIPromptWriterName": ("Iptc4xmpExt:AIPromptWriterName", "person"),
    "http://ns.adobe.com/xap/1.0/ CreatorTool": ("xmp:CreatorTool", "tool"),
    f"{_PHOTOSHOP} Credit": ("photoshop:Credit", "person"),
    f"{_PHOTOSHOP} Source": ("photoshop:Source", "person"),
    f"{_TIFF} Make": ("tiff:Make", "camera"),
    f"{_TIFF} Model": ("tiff:Model", "camera"),
    f"{_TIFF} Software": ("tiff:Software", "tool"),
    f"{_DC} creator": ("dc:creator", "person"),
    f"{_DC} rights": ("dc:rights", "person"),
    f"{_DC} title": ("dc:title", "prompt"),
    f"{_DC} description": ("dc:description", "prompt"),
    "http://ns.adobe.com/exif/1.0/ UserComment": ("exif:UserComment", "prompt"),
    "http://purl.org/dc/terms/ provenance": ("dcterms:provenance", "other"),
}
_MAX_DEPTH = 50
_MAX_ELEMENTS = 50_000
_MAX_FOUND = 100


class _Refused(Exception):
    """The packet is not read on."""


class _Packet:
    """Collects the properties while a packet is read: no tree is built."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Kind, str]] = []
        self._depth = self._elements = 0
        self._within: tuple[str, Kind] | None = None
        self._opened = 0  # the depth of that property
        self._text: list[str] = []
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise _Refused("is nested too deep or too long")
        self._flush()
        if self._within is None and name in _PROPERTIES:
            self._within, self._opened = _PROPERTIES[name], self._depth
        if self._within is not None and f"{_RDF} resource" in attributes:
            self._add(*self._within, attributes[f"{_RDF} resource"])
        for attribute, value in attributes.items():
            if attribute in _PROPERTIES:
                self._add(*_PROPERTIES[attribute], value)

    def end(self, name: str) -> None:
        self._flush()
        if self._within is not None and self._depth == self._opened:
            self._within = None
        self._depth -= 1

    def characters(self, text: str) -> None:
        if self._within is not None and self._length < 2 * MAX_PROMPT:
            self._text.append(text)
            self._length += len(text)

    def refuse(self, *_: object) -> None:
        raise _Refused("declares a document type, which none needs")

    def _flush(self) -> None:
        if self._within is not None and self._text:
            self._add(*self._within, "".join(self._text))
        self._text, self._length = [], 0

    def _add(self, name: str, kind: Kind, value: str) -> None:
        if value.strip() and len(self.found) < _MAX_FOUND:
            self.found.append((name, kind, value))


def xmp_statements(data: bytes) -> tuple[list[Statement], str]:
    """What an XMP packet says, and why no more could be read (mostly empty)."""
    packet = _Packet()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = packet.start
    parser.EndElementHandler = packet.end
    parser.CharacterDataHandler = packet.characters
    parser.StartDoctypeDeclHandler = packet.refuse  # so there are no entities to expand
    problem = ""
    try:
        parser.Parse(data.strip(b"\0"), True)
    except _Refused as error:
        problem = f"the XMP packet {error}"
    except (expat.ExpatError, ValueError, LookupError):
        problem = "the XMP packet is no XML"
    statements = []
    for name, kind, value in packet.found:
        # A credit is a person or an agency, unless it tells the maker of a generator.
        told = name == "photoshop:Credit" and known_models(value)
        statements += statement("XMP", name, value, "model" if told else kind)
    return statements, problem
