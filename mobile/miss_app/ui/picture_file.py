"""A frame of the window written as a PNG file."""

import struct
import zlib
from pathlib import Path

from kivy.core.window import Window
from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glFinish, glReadPixels


def write_frame(path: Path) -> tuple[int, int]:
    """Write what the window shows now to ``path``; returns its size in pixels."""
    glFinish()
    width, height = (int(side) for side in Window.system_size)
    pixels = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
    path.write_bytes(png(width, height, pixels))
    return width, height


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG of RGBA rows that come from the bottom up, as OpenGL gives them; the alpha is dropped."""
    rows = bytearray()
    for row in range(height - 1, -1, -1):
        line = pixels[row * width * 4 : (row + 1) * width * 4]
        colours = bytearray(width * 3)
        colours[0::3], colours[1::3], colours[2::3] = line[0::4], line[1::4], line[2::4]
        rows += b"\0" + colours
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(bytes(rows), 6)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
