"""What is decoded for the screen is looked at first, and a picture about to be sent stands upright."""

import io
from pathlib import Path

from PIL import Image

from miss_app.ui import pictures
from miss_app.ui.preview import SIDE_MAX, small_picture


def jpeg(width: int, height: int, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(stream, "JPEG", **options)
    return stream.getvalue()


def test_the_size_is_read_without_decoding() -> None:
    assert pictures.jpeg_size(jpeg(320, 200)) == (320, 200)
    assert pictures.jpeg_size(jpeg(320, 200, progressive=True)) == (320, 200)
    assert pictures.jpeg_size(b"GIF89a....") is None
    assert pictures.jpeg_size(b"\xff\xd8\xff") is None
    assert pictures.jpeg_size(jpeg(64, 64)[:20]) is None


def test_a_picture_that_announces_too_much_is_not_decoded() -> None:
    bomb = bytearray(jpeg(64, 64))
    start = bomb.index(b"\xff\xc0")
    bomb[start + 5 : start + 9] = (65000).to_bytes(2, "big") * 2
    assert pictures.jpeg_size(bytes(bomb)) == (65000, 65000)
    assert pictures.decode(bytes(bomb), pictures.PHOTO_PIXELS_MAX) is None


def test_a_good_picture_is_decoded_and_a_broken_one_is_not() -> None:
    good = pictures.decode(jpeg(64, 48), pictures.THUMBNAIL_PIXELS_MAX)
    assert good is not None
    assert (good.width, good.height) == (64, 48)
    assert pictures.decode(jpeg(64, 48)[:150] + b"\0" * 40, pictures.THUMBNAIL_PIXELS_MAX) is None
    assert pictures.decode(b"nothing", pictures.THUMBNAIL_PIXELS_MAX) is None


def test_a_preview_is_small_and_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (1200, 900), (0, 0, 255))
    image.paste((255, 0, 0), (0, 450, 1200, 900))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    found = small_picture(tmp_path / "a.jpg")
    assert found is not None
    (width, height), rows = found
    assert max(width, height) <= SIDE_MAX
    assert len(rows) == width * height * 3
    assert rows[0] > 200, "the red half is on top once it stands upright"
    assert rows[-1] > 200


def test_what_is_no_picture_has_no_preview(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"not a photo")
    assert small_picture(tmp_path / "b.jpg") is None
    assert small_picture(tmp_path / "absent.jpg") is None
    (tmp_path / "c.jpg").write_bytes(jpeg(600, 400)[:900])
    assert small_picture(tmp_path / "c.jpg") is None
