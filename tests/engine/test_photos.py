"""Photos made with other tools come out small, upright, in sRGB and clean; bad ones are refused with a reason."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from engine import photo_files as files
from miss_app.engine.photos import Picture, check_received, shrink
from miss_app.engine.problems import Problem
from miss_protocol import limits
from miss_protocol.sealing import open_blob, seal_blob

CLEAN_GROUPS = {"ExifTool", "System", "File", "JFIF", "Composite"}


def shrink_file(path: Path, **options: bool) -> Picture:
    """The photo after shrinking, sealing and opening; its sizes printed and its metadata groups checked."""
    picture = shrink(path.read_bytes(), path.name, **options)
    sealed = seal_blob(picture.jpeg)
    opened = open_blob(sealed.ciphertext, sealed.name, sealed.key)
    print(f"{path.name}: {picture.original_bytes} -> {len(opened)} bytes, {picture.width}x{picture.height}")
    for name, data in (("opened.jpg", opened), ("thumbnail.jpg", picture.thumbnail)):
        (path.parent / name).write_bytes(data)
        assert files.groups(path.parent / name) <= CLEAN_GROUPS
        check_received(data)
    assert len(picture.thumbnail) <= limits.THUMBNAIL_BYTES_MAX
    check_received(picture.thumbnail, thumbnail=True)
    if not options.get("full"):
        assert len(opened) <= limits.PHOTO_BYTES_MAX
        assert max(picture.width, picture.height) <= limits.PHOTO_EDGE_PIXELS_MAX
    with Image.open(io.BytesIO(opened)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (picture.width, picture.height))
    return picture


def pixel(picture: Picture, x: float, y: float) -> tuple[int, int, int]:
    """The colour at a place given as shares of width and height."""
    with Image.open(io.BytesIO(picture.jpeg)) as image:
        found = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return found


def near(one: tuple[int, ...], other: tuple[int, ...], levels: int) -> bool:
    return all(abs(a - b) <= levels for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    picture = shrink_file(files.with_orientation(tmp_path, orientation))
    assert (picture.width, picture.height) == (files.WIDTH, files.HEIGHT)
    assert near(pixel(picture, 0.1, 0.1), files.MARK, 12)
    assert not near(pixel(picture, 0.9, 0.9), files.MARK, 60)


def test_a_twelve_megapixel_photo_with_gps_is_reduced_and_says_nothing_of_where(tmp_path: Path) -> None:
    path = files.with_gps(tmp_path)
    assert {"GPS", "XMP-dc", "IPTC", "IFD1"} <= files.groups(path), "the file made really holds them"
    began = time.monotonic()
    picture = shrink_file(path)
    print(f"12 megapixels in {time.monotonic() - began:.2f} s")
    assert (picture.width, picture.height) == (1600, 1200)
    for data in (picture.jpeg, picture.thumbnail):
        assert b"canari" not in data
        assert b"Fictif" not in data


def test_full_definition_keeps_pixels_but_no_metadata(tmp_path: Path) -> None:
    picture = shrink_file(files.with_gps(tmp_path, 2400, 1800), full=True)
    assert (picture.width, picture.height) == (2400, 1800)


def test_display_p3_is_converted(tmp_path: Path) -> None:
    picture = shrink_file(files.display_p3(tmp_path))
    errors: list[int] = []
    for number, colour in enumerate(files.COLOURS):
        found = pixel(picture, (number + 0.5) / len(files.COLOURS), 0.5)
        errors += [abs(a - b) for a, b in zip(found, files.srgb_of_p3(colour), strict=True)]
    assert sum(errors) / len(errors) < 2
    assert not near(files.srgb_of_p3(files.COLOURS[0]), files.COLOURS[0], 8), "the conversion does something"


def test_heic(tmp_path: Path) -> None:
    picture = shrink_file(files.heic(tmp_path))
    assert (picture.width, picture.height) == (files.WIDTH, files.HEIGHT)
    assert near(pixel(picture, 0.1, 0.1), files.MARK, 16)


def test_cmyk(tmp_path: Path) -> None:
    assert near(pixel(shrink_file(files.cmyk(tmp_path)), 0.1, 0.1), files.MARK, 30)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    picture = shrink_file(files.png16(tmp_path))
    for x in (0.1, 0.5, 0.9):
        assert near(pixel(picture, x, 0.5), (int(256 * x),) * 3, 4)


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    assert near(pixel(shrink_file(files.animated_webp(tmp_path)), 0.1, 0.1), files.MARK, 16)


def test_transparency_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(out, "PNG")
    assert near(pixel(shrink(out.getvalue()), 0.5, 0.5), (255, 255, 255), 3)


def test_noise_is_reduced_until_it_fits(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.effect_noise((1200, 900), 120).convert("RGB").save(path)
    shrink_file(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (files.truncated, "photo-broken"),
        (files.mislabelled, "photo-format"),
        (files.giant, "photo-too-large"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, make: object, reason: str) -> None:
    path = make(tmp_path)  # one of the three makers above
    began = time.monotonic()
    with pytest.raises(Problem) as refused:
        shrink(path.read_bytes(), path.name)
    assert refused.value.reason == reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.jpg", "photo-format"),
        (b"GIF89a" + bytes(40), "a.gif", "photo-format"),
        (b"\xff\xd8\xff", "a.jpg", "photo-broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a.png", "photo-broken"),
        (b"<svg/>", "a.svg", "photo-format"),
        (bytes(limits.PHOTO_SOURCE_BYTES_MAX + 1), "a.jpg", "photo-too-large"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(Problem) as refused:
        shrink(data, name)
    assert refused.value.reason == reason


def test_a_received_picture_is_bounded_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="photo-broken"):
        check_received(files.giant(tmp_path).read_bytes())
    with pytest.raises(Problem, match="photo-broken"):
        check_received(files.jpeg(files.scene(1200, 900)), thumbnail=True)
    with pytest.raises(Problem, match="photo-broken"):
        check_received(b"not a picture")
