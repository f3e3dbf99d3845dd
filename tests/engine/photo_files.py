"""The ten photo files, made with exiftool and heif-enc; Pillow gives the pixels only."""

import io
import struct
import subprocess
import zlib
from pathlib import Path

from PIL import Image, ImageCms

EXIFTOOL = "exiftool"
MARK = (220, 30, 30)  # the red corner that says which way is up
WIDTH, HEIGHT = 640, 480


def scene(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """A gradient with a red upper left corner."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    image = Image.merge("RGB", (across, down, Image.new("L", (width, height), 90)))
    image.paste(MARK, (0, 0, width // 4, height // 4))
    return image


def jpeg(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, **options)
    return out.getvalue()


def tag(path: Path, *arguments: str) -> None:
    subprocess.run([EXIFTOOL, "-q", "-n", "-overwrite_original", *arguments, str(path)], check=True, timeout=60)


def groups(path: Path) -> set[str]:
    """The groups that exiftool lists in a file."""
    listed = subprocess.run(
        [EXIFTOOL, "-a", "-G1", "-s", str(path)], check=True, capture_output=True, text=True, timeout=60
    )
    return {line.split("]")[0].strip("[ ") for line in listed.stdout.splitlines()}


def with_orientation(folder: Path, orientation: int) -> Path:
    """The scene as a camera held that way stores it: seen upright once the tag is obeyed."""
    turned = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    image = scene()
    for turn in turned:
        image = image.transpose(turn)
    path = folder / f"orientation{orientation}.jpg"
    path.write_bytes(jpeg(image))
    tag(path, f"-Orientation={orientation}")
    return path


def with_gps(folder: Path, width: int = 4000, height: int = 3000) -> Path:
    """A 12-megapixel photo with GPS, maker, comment, XMP, IPTC and an embedded thumbnail."""
    path = folder / "gps.jpg"
    path.write_bytes(jpeg(scene(width, height)))
    small = folder / "small.jpg"
    small.write_bytes(jpeg(scene(160, 120)))
    tag(
        path,
        "-GPSLatitude=50.6292",
        "-GPSLatitudeRef=N",
        "-GPSLongitude=3.0573",
        "-GPSLongitudeRef=E",
        "-Make=Appareil Fictif",
        "-Comment=canari commentaire",
        "-XMP:Creator=canari xmp",
        "-IPTC:Caption-Abstract=canari iptc",
        f"-ThumbnailImage<={small}",
    )
    small.unlink()
    return path


def _s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def display_p3_profile() -> bytes:
    """A matrix profile with Display P3's primaries (D50-adapted) and sRGB's curve, written here byte by byte."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + _s15(x) + _s15(y) + _s15(z)

    def text(words: str) -> bytes:
        coded = words.encode("utf-16-be")
        return b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(coded), 28) + coded

    curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0)
    curve += b"".join(_s15(value) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    tags = {
        b"desc": text("Display P3 (test)"),
        b"cprt": text("none"),
        b"wtpt": xyz(0.96420, 1.0, 0.82491),
        b"rXYZ": xyz(0.51512, 0.24120, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.15710, 0.06657, 0.78407),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    header = struct.pack(
        ">I4sI4s4s4s12x4s4xII8xI", size, b"test", 0x04000000, b"mntr", b"RGB ", b"XYZ ", b"acsp", 0, 0, 0
    )
    header += _s15(0.96420) + _s15(1.0) + _s15(0.82491)
    return header.ljust(128, b"\0") + table + body


def display_p3(folder: Path) -> Path:
    path = folder / "p3.jpg"
    path.write_bytes(jpeg(patches(), subsampling=0))
    profile = folder / "p3.icc"
    profile.write_bytes(display_p3_profile())
    tag(path, f"-ICC_Profile<={profile}")
    return path


COLOURS = [(200, 60, 60), (60, 180, 80), (70, 80, 190), (190, 150, 120), (128, 128, 128), (230, 190, 170)]


def patches() -> Image.Image:
    image = Image.new("RGB", (600, 100))
    for number, colour in enumerate(COLOURS):
        image.paste(colour, (100 * number, 0, 100 * (number + 1), 100))
    return image


def heic(folder: Path) -> Path:
    source = folder / "source.png"
    scene().save(source)
    path = folder / "photo.heic"
    subprocess.run(["heif-enc", "-q", "90", "-o", str(path), str(source)], check=True, capture_output=True, timeout=120)
    source.unlink()
    tag(path, "-GPSLatitude=50.6", "-GPSLatitudeRef=N", "-GPSLongitude=3.0", "-GPSLongitudeRef=E")
    return path


def cmyk(folder: Path) -> Path:
    path = folder / "cmyk.jpg"
    path.write_bytes(jpeg(scene().convert("CMYK")))
    tag(path, "-Make=Appareil Fictif")
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(folder: Path) -> Path:
    """A grey ramp of 16 bits a pixel."""
    width = height = 256
    row = b"\0" + b"".join(struct.pack(">H", x * 257) for x in range(width))
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
    data += _chunk(b"IDAT", zlib.compress(row * height)) + _chunk(b"IEND", b"")
    path = folder / "sixteen.png"
    path.write_bytes(data)
    tag(path, "-PNG:Comment=canari png")
    return path


def animated_webp(folder: Path) -> Path:
    path = folder / "animated.webp"
    frames = [scene(), Image.new("RGB", (WIDTH, HEIGHT), "blue")]
    frames[0].save(path, "WEBP", save_all=True, append_images=frames[1:], duration=100, quality=90)
    tag(path, "-EXIF:Make=Appareil Fictif", "-XMP:Creator=canari xmp")
    return path


def truncated(folder: Path) -> Path:
    path = folder / "truncated.jpg"
    path.write_bytes(jpeg(scene())[:-4000])
    return path


def mislabelled(folder: Path) -> Path:
    path = folder / "really_png.jpg"
    out = io.BytesIO()
    scene().save(out, "PNG")
    path.write_bytes(out.getvalue())
    return path


def giant(folder: Path) -> Path:
    """20,000 x 20,000 pixels in a few kilobytes."""
    side = 20_000
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(bytes(1 + side // 8)) for _ in range(side)) + packed.flush()
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    path = folder / "giant.png"
    path.write_bytes(png + _chunk(b"IDAT", data) + _chunk(b"IEND", b""))
    return path


def srgb_of_p3(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """What a Display P3 colour is in sRGB, computed with the published matrix and not with a colour engine."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    def coded(value: float) -> int:
        value = min(max(value, 0.0), 1.0)
        return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))

    r, g, b = (linear(one / 255) for one in colour)
    return (
        coded(1.22494 * r - 0.22494 * g),
        coded(-0.04206 * r + 1.04206 * g),
        coded(-0.01964 * r - 0.07864 * g + 1.09828 * b),
    )


def has_profile_engine() -> bool:
    return bool(ImageCms.createProfile("sRGB"))
