"""Make a photo small and clean: upright, in sRGB, at most 1600 pixels and 400 kB, nothing in it but the picture.

Whatever comes in is hostile until decoded: the format is read from the bytes and must agree with the file's name,
pixels are counted before they are decoded, and every failure of the decoder is a plain refusal. Decoding takes time:
call these functions in a worker thread.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from PIL import (
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
    features,
)

from miss_app.engine.problems import Problem
from miss_protocol import limits

# Pillow only warns of a decompression bomb below twice the limit.
Image.MAX_IMAGE_PIXELS = limits.PHOTO_SOURCE_PIXELS_MAX
warnings.simplefilter("error", Image.DecompressionBombWarning)

_NAMES = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".webp": ("WEBP",),
    ".heic": ("HEIF",),
    ".heif": ("HEIF",),
}
_SIZES = ((88, 0), (82, 0), (76, 0), (70, 2), (60, 2), (50, 2), (40, 2))  # JPEG quality, chroma subsampling
_FULL_QUALITY = 92
_GREY_EDGE_PIXELS = 2000
_THUMBNAIL_EDGE_PIXELS = 360
_THUMBNAIL_EDGE_PIXELS_MAX = 1024  # of a received one
# Android's build of Pillow has no colour management: there a picture is taken as sRGB, which telephones' cameras write.
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")) if features.check("littlecms2") else None


@dataclass(frozen=True)
class Picture:
    """A photo ready to be sealed: JPEG bytes, its size in pixels, its thumbnail, and how large the file was."""

    jpeg: bytes
    width: int
    height: int
    thumbnail: bytes
    original_bytes: int


def shrink(data: bytes, file_name: str = "", *, full: bool = False) -> Picture:
    """A photo made small and clean.

    Args:
        data: JPEG, PNG, WebP or, on desktops, HEIC bytes.
        file_name: as the person's file is called; its ending must tell the truth.
        full: keep every pixel ("full definition"); metadata go all the same.

    Raises:
        Problem: ``photo-too-large``, ``photo-format`` (not a picture we read, or another one than its name says) or
            ``photo-broken``.
    """
    return finish(decoded(data, file_name, full=full), len(data), full=full)


def decoded(data: bytes, file_name: str = "", *, full: bool) -> Image.Image:
    """A photo upright, in sRGB, without anything but its pixels: all of them, or no more than travel reduced.

    Raises:
        Problem: as ``shrink``.
    """
    with _refusing(data), _open(data, file_name) as image:
        return _decode(image, full=full)


def finish(image: Image.Image, original_bytes: int, *, full: bool) -> Picture:
    """A decoded photo, perhaps retouched, as it travels; Problem("photo-too-large") in full definition only."""
    if full:
        jpeg, size = _encode_full(image)
    else:
        reduced = image
        if max(image.size) > limits.PHOTO_EDGE_PIXELS_MAX:
            reduced = image.copy()
            reduced.thumbnail((limits.PHOTO_EDGE_PIXELS_MAX,) * 2, Image.Resampling.LANCZOS)
        jpeg, size = _encode(reduced)
    return Picture(jpeg, *size, _thumbnail(image), original_bytes)


@cache
def formats() -> tuple[str, ...]:
    """What is decoded here, as Pillow calls it; named, so that it loads no other decoder.

    HEIC's is the largest: it is loaded with the first photo that is opened, and not on phones, whose picker gives JPEG.
    """
    known = (JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile, WebPImagePlugin.WebPImageFile)
    names = tuple(plugin.format for plugin in known)
    try:
        import pillow_heif
    except ImportError:
        return names
    pillow_heif.register_heif_opener()
    return (*names, "HEIF")


@contextmanager
def _refusing(data: bytes) -> Iterator[None]:
    """Every failure of a decoder as a Problem."""
    if len(data) > limits.PHOTO_SOURCE_BYTES_MAX:
        raise Problem("photo-too-large")
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise Problem("photo-too-large") from error
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, EOFError, ZeroDivisionError) as error:
        # What Pillow's decoders raise on truncated or inconsistent files.
        raise Problem("photo-broken") from error


def grey(data: bytes, file_name: str = "") -> Image.Image:
    """A picture upright and in shades of grey, at most 2000 pixels wide and high, for a QR code to be looked for in it.

    Raises:
        Problem: as ``shrink``.
    """
    with _refusing(data), _open(data, file_name) as image:
        image.load()
        flat = ImageOps.exif_transpose(_flatten(image)).convert("L")
        flat.thumbnail((_GREY_EDGE_PIXELS,) * 2, Image.Resampling.LANCZOS)
        return flat


def check_received(jpeg: bytes, *, thumbnail: bool = False) -> None:
    """Raises Problem("photo-broken") unless another's picture is a JPEG of a bounded size; nothing is decoded."""
    edge = _THUMBNAIL_EDGE_PIXELS_MAX
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Problem("photo-broken") from error
    if width * height > limits.PHOTO_SOURCE_PIXELS_MAX or (thumbnail and max(width, height) > edge):
        raise Problem("photo-broken")


def _open(data: bytes, file_name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=formats())
    except UnidentifiedImageError as error:
        raise Problem("photo-format" if not _looks_broken(data) else "photo-broken") from error
    ending = PurePath(file_name).suffix.lower()
    if ending and image.format not in _NAMES.get(ending, ()):
        raise Problem("photo-format")
    if image.width * image.height > limits.PHOTO_SOURCE_PIXELS_MAX:
        raise Problem("photo-too-large")
    return image


def _looks_broken(data: bytes) -> bool:
    """Whether the first bytes promise a format that the rest does not keep."""
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
    return data.startswith(starts) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _decode(image: Image.Image, *, full: bool) -> Image.Image:
    """The first frame, upright, in sRGB, mode RGB, on white, without metadata."""
    if not full and image.mode in ("RGB", "L"):
        image.draft(image.mode, (2 * limits.PHOTO_EDGE_PIXELS_MAX,) * 2)  # JPEG: decode at 1/2, 1/4 or 1/8
    image.load()
    profile = image.info.get("icc_profile")
    orientation = image.getexif().get(0x0112, 1)
    flat = _flatten(image)
    if not full:
        flat.thumbnail((limits.PHOTO_EDGE_PIXELS_MAX,) * 2, Image.Resampling.LANCZOS)
    coloured = _to_srgb(flat, profile)
    coloured.info = {}
    coloured.getexif()[0x0112] = orientation if orientation in range(1, 9) else 1
    upright = ImageOps.exif_transpose(coloured)
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    return clean


def _flatten(image: Image.Image) -> Image.Image:
    """Eight bits a channel, no transparency: modes RGB, L or CMYK."""
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits of grey: Pillow's own conversion would clip instead of scale.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    if image.mode in ("RGB", "L", "CMYK"):
        return image.copy()
    return image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and _SRGB is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image,
                source,
                _SRGB,
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            # A profile that is broken or for another mode: the picture is taken as sRGB, like one without a profile.
            return image.convert("RGB")
    return image.convert("RGB")


def _jpeg(image: Image.Image, quality: int, subsampling: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
    return out.getvalue()


def _encode(image: Image.Image, bytes_max: int = limits.PHOTO_BYTES_MAX) -> tuple[bytes, tuple[int, int]]:
    """The best JPEG within the limit: quality is given up first, then pixels."""
    while True:
        for quality, subsampling in _SIZES:
            jpeg = _jpeg(image, quality, subsampling)
            if len(jpeg) <= bytes_max:
                return jpeg, image.size
        width, height = (max(1, side * 4 // 5) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)


def _encode_full(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    jpeg = _jpeg(image, _FULL_QUALITY, 0)
    if len(jpeg) > limits.PHOTO_FULL_BYTES_MAX:
        raise Problem("photo-too-large")
    return jpeg, image.size


def _thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((_THUMBNAIL_EDGE_PIXELS,) * 2, Image.Resampling.LANCZOS)
    return _encode(small, limits.THUMBNAIL_BYTES_MAX)[0]
