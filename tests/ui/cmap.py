"""Which characters a TrueType font can draw, read from its ``cmap`` table (formats 4 and 12)."""

import struct
from functools import cache
from pathlib import Path


@cache
def characters(path: str) -> frozenset[int]:
    """The code points that the font in ``path`` has a glyph for."""
    data = Path(path).read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    entries = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _check, offset, _length in entries if tag == b"cmap")
    found: set[int] = set()
    for number in range(struct.unpack_from(">H", data, start + 2)[0]):
        table = start + struct.unpack_from(">I", data, start + 4 + 8 * number + 4)[0]
        kind = struct.unpack_from(">H", data, table)[0]
        if kind == 12:
            found |= _segmented_coverage(data, table)
        elif kind == 4:
            found |= _segments(data, table)
    return frozenset(found)


def _segmented_coverage(data: bytes, table: int) -> set[int]:
    found: set[int] = set()
    for group in range(struct.unpack_from(">I", data, table + 12)[0]):
        first, last, _glyph = struct.unpack_from(">III", data, table + 16 + 12 * group)
        found |= set(range(first, last + 1))
    return found


def _segments(data: bytes, table: int) -> set[int]:
    double = struct.unpack_from(">H", data, table + 6)[0]
    ends, starts = table + 14, table + 16 + double
    found: set[int] = set()
    for at in range(0, double, 2):
        first = struct.unpack_from(">H", data, starts + at)[0]
        last = struct.unpack_from(">H", data, ends + at)[0]
        delta = struct.unpack_from(">h", data, starts + double + at)[0]
        place = starts + 2 * double + at
        offset = struct.unpack_from(">H", data, place)[0]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code + delta
            if offset:
                glyph = struct.unpack_from(">H", data, place + offset + 2 * (code - first))[0]
            if glyph & 0xFFFF:
                found.add(code)
    return found
