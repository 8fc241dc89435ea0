"""What the header of a JPEG file says of its compression, as far as Pillow keeps it."""

from __future__ import annotations

from PIL import Image

_TIFF_JPEG_TABLES = 347  # the tag that holds them (TIFF Technical Note 2)


def jpeg_tables(image: Image.Image) -> tuple[tuple[int, ...], ...]:
    """The quantisation tables of a JPEG file, or of JPEG in a TIFF file.

    Returns:
        64 steps each, row by row, in the order of their numbers in the file; none if there are
        no tables.
    """
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    if image.format == "TIFF":
        stored = getattr(image, "tag_v2", {}).get(_TIFF_JPEG_TABLES, b"")
        tables = _read_tables(stored) if isinstance(stored, bytes) else {}
    return tuple(tuple(tables[key]) for key in sorted(tables))


def subsampling(image: Image.Image) -> str | None:
    """How a JPEG file of three channels samples its colours: "4:4:4", "4:2:2", "4:2:0", ...

    None for any other image, grey and CMYK included, and for ratios without such a name.
    """
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", None) or []
    if image.format not in ("JPEG", "MPO") or len(layers) != 3:
        return None
    (_, across, down, _), *colours = layers
    if any((h, v) != (1, 1) for _, h, v, _ in colours):
        # Factors count against each other: 2x2 luminance with 2x1 colours is as 1x2 with 1x1.
        (_, h, v, _), (_, other_h, other_v, _) = colours
        if (h, v) != (other_h, other_v) or across % h or down % v:
            return None
        across, down = across // h, down // v
    if across not in (1, 2, 4) or down not in (1, 2):
        return None
    samples = 4 // across  # of a row of four pixels; the second row's are its own or the first's
    return f"4:{samples}:{samples if down == 1 else 0}"


def _read_tables(stream: bytes) -> dict[int, list[int]]:
    """Tables by number, from the DQT segments of an abbreviated JPEG stream (T.81, B.2.4.1)."""
    from PIL.JpegImagePlugin import zigzag_index

    tables: dict[int, list[int]] = {}
    offset = 2
    while offset + 4 <= len(stream) and stream[offset] == 0xFF:
        end = offset + 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
        if stream[offset + 1] == 0xDB:
            start = offset + 4
            while start < end:
                wide = 1 + (stream[start] >> 4)  # bytes of a step
                steps = stream[start + 1 : start + 1 + 64 * wide]
                if len(steps) < 64 * wide:
                    return tables
                values = [
                    int.from_bytes(steps[i : i + wide], "big") for i in range(0, 64 * wide, wide)
                ]
                tables[stream[start] & 15] = [values[place] for place in zigzag_index]
                start += 1 + 64 * wide
        offset = end
    return tables
