"""Makes the scene's photograph: twelve megapixels, turned by its EXIF orientation, with GPS coordinates inside."""

import io
import random

from PIL import Image, ImageDraw, ImageFilter


def wound(width: int = 4000, height: int = 3000) -> bytes:
    """A JPEG of about 12 megapixels: skin, a reddish spot, a ruler; EXIF says camera, orientation 6 and a place."""
    chance = random.Random(12)
    small = Image.new("RGB", (width // 10, height // 10), (224, 178, 152))
    draw = ImageDraw.Draw(small)
    for _ in range(260):
        x, y = chance.gauss(small.width * 0.5, 28), chance.gauss(small.height * 0.42, 24)
        r = chance.uniform(3, 14)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(176 + chance.randrange(20), 96 + chance.randrange(24), 88))
    picture = small.filter(ImageFilter.GaussianBlur(3)).resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((width // 4, height // 4), 14).resize((width, height)).convert("RGB")
    picture = Image.blend(picture, grain, 0.06)
    draw = ImageDraw.Draw(picture)
    top = int(height * 0.8)
    draw.rectangle((width * 0.2, top, width * 0.8, top + 160), fill=(246, 246, 240))
    for tick in range(61):
        x = width * 0.2 + tick * width * 0.01
        draw.line((x, top, x, top + (90 if tick % 10 == 0 else 45)), fill=(40, 40, 40), width=6)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Fictive", "Camera 12", 6
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (50.0, 38.0, 12.0), "E", (3.0, 3.0, 48.0)
    out = io.BytesIO()
    picture.rotate(90, expand=True).save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()
