"""What is drawn on a photo is in what is sent, and what was blurred is nowhere in it."""

import io
import random
from collections.abc import Callable

import pytest
import segno
import zxingcpp
from PIL import Image, ImageChops, ImageStat

from miss_app.engine.photos import Picture
from miss_app.engine.problems import Problem
from miss_app.engine.retouching import EDGE, INK, AnyEdit, Arrow, Blur, Crop, Label, Turn, develop, retouch

SIZE = (1800, 1200)
STROKE = Blur(((0.3, 0.5), (0.5, 0.52), (0.7, 0.5)), seed=5, radius=0.08)
Colour = tuple[int, ...]


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image.convert("RGB")


def quarters() -> Image.Image:
    """Red, green / blue, white."""
    image = Image.new("RGB", SIZE, "white")
    for place, colour in (((0, 0), "red"), ((SIZE[0] // 2, 0), "lime"), ((0, SIZE[1] // 2), "blue")):
        image.paste(Image.new("RGB", (SIZE[0] // 2, SIZE[1] // 2), colour), place)
    return image


def at(image: Image.Image, x: float, y: float) -> Colour:
    found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return found


def near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < 24 for a, b in zip(one, other, strict=True))


def label_with_a_code() -> Image.Image:
    """A photo with a QR code and noise in the middle, as on a wristband."""
    image = Image.new("RGB", SIZE, (206, 170, 150))
    drawn = io.BytesIO()
    segno.make("Mme Odette Canari 1941", micro=False).save(drawn, kind="png", scale=9, border=4)
    code = Image.open(drawn).convert("RGB")
    image.paste(code, (SIZE[0] // 2 - code.width // 2, SIZE[1] // 2 - code.height // 2))
    return image


def codes(image: Image.Image) -> list[str]:
    """What QR codes say, looked for at several sizes."""
    found = []
    for scale in (1, 2):
        bigger = image.resize((image.width * scale, image.height * scale))
        found += [one.text for one in zxingcpp.read_barcodes(bigger)]
    return found


def test_crop_and_turn_follow_each_other() -> None:
    image = quarters()
    turned = retouch(image, [Turn()])
    assert turned.size == (SIZE[1], SIZE[0])
    assert near(at(turned, 0.25, 0.25), (0, 0, 255))  # what was below on the left is above on the left
    assert near(at(turned, 0.75, 0.25), (255, 0, 0))
    cropped = retouch(image, [Turn(), Crop(0.5, 0.0, 1.0, 0.5)])
    assert cropped.size == (SIZE[1] // 2, SIZE[0] // 2)
    assert near(at(cropped, 0.5, 0.5), (255, 0, 0))
    assert retouch(image, [Crop(0.9, 0.2, 0.9, 0.2)]).size == (32, 32), "a crop to nothing keeps something"
    assert retouch(image, [Turn()] * 4).tobytes() == image.tobytes()


def test_an_arrow_and_words_are_in_what_is_sent() -> None:
    data = png(Image.new("RGB", SIZE, (180, 90, 80)))
    edits: list[AnyEdit] = [Arrow((0.1, 0.5), (0.5, 0.5)), Label((0.5, 0.15), "Bord supérieur 🩺")]
    for full in (False, True):
        picture = develop(data, "a.png", edits, full=full)
        sent = opened(picture.jpeg)
        assert sent.size == ((1800, 1200) if full else (1600, 1067))
        assert near(at(sent, 0.3, 0.5), INK)
        assert near(at(sent, 0.49, 0.5), INK)
        assert not near(at(sent, 0.7, 0.5), INK)
        band = sent.crop((0, 0, sent.width, sent.height // 3)).getcolors(1_000_000)
        colours = [colour for _, colour in band or [] if isinstance(colour, tuple)]
        assert any(near(one, INK) for one in colours)
        assert any(near(one, EDGE) for one in colours)
    assert retouch(opened(picture.jpeg), [Label((0.5, 0.5), "🩺 ")]).tobytes() == opened(picture.jpeg).tobytes()


def test_words_too_long_for_the_photo_are_written_smaller() -> None:
    image = Image.new("RGB", (800, 600), (180, 90, 80))
    written = retouch(image, [Label((0.99, 0.99), "Plaie du talon droit, bord supérieur, mercredi")])
    box = ImageChops.difference(written, image).getbbox()
    assert box is not None
    assert box[0] > 0
    assert box[2] <= 800
    assert box[3] <= 600


@pytest.mark.parametrize("full", [False, True])
def test_a_code_under_the_brush_can_no_longer_be_read(full: bool) -> None:
    data = png(label_with_a_code())
    before = develop(data, "a.png", (), full=full)
    assert codes(opened(before.jpeg)) == ["Mme Odette Canari 1941"] * 2, "it could be read"
    assert codes(opened(before.thumbnail).resize((1440, 960))), "even in the thumbnail"
    after = develop(data, "a.png", [STROKE], full=full)
    assert codes(opened(after.jpeg)) == []
    assert codes(opened(after.thumbnail).resize((1440, 960))) == []


def pixels_of(image: Image.Image) -> list[bytes]:
    """Three bytes a pixel, row by row."""
    data = image.tobytes()
    return [data[at : at + 3] for at in range(0, len(data), 3)]


def shuffled_under(image: Image.Image, stroke: Blur) -> Image.Image:
    """Another photo with the same colours in each block under the brush, in other places."""
    mask, block, chance = stroke.mask(image.size), stroke.block(image.size), random.Random(3)
    other = image.copy()
    box = mask.getbbox()
    assert box is not None
    for top in range(box[1] // block * block, box[3], block):
        for left in range(box[0] // block * block, box[2], block):
            cell = (left, top, min(left + block, image.width), min(top + block, image.height))
            hidden = mask.crop(cell).tobytes()
            pixels = pixels_of(image.crop(cell))
            places = [place for place, shown in enumerate(hidden) if shown]
            values = [pixels[place] for place in places]
            chance.shuffle(values)
            for place, value in zip(places, values, strict=True):
                pixels[place] = value
            mixed = Image.frombytes("RGB", (cell[2] - cell[0], cell[3] - cell[1]), b"".join(pixels))
            other.paste(mixed, cell)
    return other


@pytest.mark.parametrize("full", [False, True])
def test_two_photos_that_differ_under_the_brush_alone_become_the_very_same_bytes(full: bool) -> None:
    """What is sent is a function of a few block means: no pixel that was under the brush can be found in it."""
    one = label_with_a_code()
    other = shuffled_under(one, STROKE)
    change = ImageStat.Stat(ImageChops.difference(one, other)).sum[0]
    assert change > 1_000_000, "they differ much"

    def sent(image: Image.Image) -> Picture:
        return develop(png(image), "a.png", [Turn(), Turn(), Turn(), Turn(), STROKE, Turn()], full=full)

    first, second = sent(one), sent(other)
    assert first.jpeg == second.jpeg
    assert first.thumbnail == second.thumbnail
    assert develop(png(one), full=full).jpeg != develop(png(other), full=full).jpeg


def test_every_pixel_under_the_brush_is_replaced_and_no_other() -> None:
    chance = random.Random(1)
    noise = Image.frombytes("RGB", (600, 400), chance.randbytes(600 * 400 * 3))
    stroke = Blur(((0.2, 0.2), (0.8, 0.9)), seed=1, radius=0.05)
    after, mask = retouch(noise, [stroke]), stroke.mask(noise.size)
    outside = Image.composite(Image.new("RGB", noise.size), ImageChops.difference(after, noise), mask)
    assert outside.getbbox() is None
    changes = pixels_of(ImageChops.difference(after, noise))
    inside = [d for d, m in zip(changes, mask.tobytes(), strict=True) if m]
    assert sum(max(one) < 4 for one in inside) / len(inside) < 0.01, "noise is nowhere left as it was"
    block = stroke.block(noise.size)
    assert block >= 8


def test_bad_files_are_refused_with_edits_as_without() -> None:
    tries: list[tuple[bytes, str]] = [(b"\xff\xd8\xff" + bytes(50), "photo-broken"), (b"GIF89a", "photo-format")]
    for data, reason in tries:
        with pytest.raises(Problem, match=reason):
            develop(data, "", [Turn()])


def test_the_source_is_left_as_it_was() -> None:
    image = quarters()
    before = image.tobytes()
    makers: list[Callable[[], AnyEdit]] = [
        Turn,
        lambda: Crop(0, 0, 0.5, 0.5),
        lambda: Arrow((0, 0), (1, 1)),
        lambda: Label((0.5, 0.5), "Abc"),
        lambda: STROKE,
    ]
    for make in makers:
        assert retouch(image, [make()]).tobytes() != before
        assert image.tobytes() == before
