"""Small invented photos, each another one."""

import io
import random

from PIL import Image


def jpeg(number: int, edge: int = 160) -> bytes:
    """A small invented photo, each another one."""
    noise = random.Random(number).randbytes(edge * edge * 3 // 4)
    image = Image.frombytes("RGB", (edge // 2, edge // 2), noise)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
