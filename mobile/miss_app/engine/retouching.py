"""What is done to a photo before it is sent: cropped, turned, pointed at, written on, parts of it made unreadable.

Pure: a photo and a list of edits in, a photo out; each edit is about the picture as the edits before it left it, places
are shares of its width and height, thicknesses shares of its longer edge. Full-size photos take time: call these
functions in a worker thread.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from miss_app.engine import photos
from miss_app.engine.photos import Picture
from miss_app.engine.problems import Problem

FONT = Path(__file__).parents[1] / "assets/letters.ttf"
INK = (255, 214, 64)  # seen on skin as well as on paper
EDGE = (16, 24, 24)  # around what is drawn, so that it is seen on its own colour
SIDE_PIXELS_MIN = 32  # of a crop
BLUR_RADIUS = 0.03
NOISE_LEVELS = 12
OWN_SHARE = 0.5  # how much of a block's colour is its own; the rest is that of all blocks together
LINE_CHARACTERS_MAX = 60
_FINER = 3  # drawn so many times larger, then reduced: smooth edges

Point = tuple[float, float]


@dataclass(frozen=True)
class Turn:
    """A quarter turn clockwise."""

    def apply(self, image: Image.Image) -> Image.Image:
        return image.transpose(Image.Transpose.ROTATE_270)


@dataclass(frozen=True)
class Crop:
    """What of the picture is kept."""

    left: float
    top: float
    right: float
    bottom: float

    def apply(self, image: Image.Image) -> Image.Image:
        (left, right), (top, bottom) = (
            _span(self.left, self.right, image.width),
            _span(self.top, self.bottom, image.height),
        )
        return image.crop((left, top, right, bottom))


@dataclass(frozen=True)
class Arrow:
    """An arrow whose head is at ``end``."""

    start: Point
    end: Point

    def apply(self, image: Image.Image) -> Image.Image:
        thick = max(image.size) / 110
        (x0, y0), (x1, y1) = _pixels(self.start, image), _pixels(self.end, image)
        length = max(1.0, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        head = min(thick * 4.5, length)
        neck = (x1 - ux * head * 0.8, y1 - uy * head * 0.8)
        sides = [
            (x1 - ux * head - uy * head * 0.6 * way, y1 - uy * head + ux * head * 0.6 * way) for way in (1.0, -1.0)
        ]

        box = _box_around([(x0, y0), (x1, y1), *sides], thick * 3, image)
        done = image.copy()
        for colour, more in ((EDGE, thick * 0.7), (INK, 0.0)):
            _stamp(done, box, colour, partial(_draw_arrow, (x0, y0), neck, [(x1, y1), *sides], thick, more))
        return done


@dataclass(frozen=True)
class Label:
    """A few words, centred on ``at``."""

    at: Point
    text: str

    def apply(self, image: Image.Image) -> Image.Image:
        words = "".join(one for one in self.text if _drawable(one)).strip()
        if not words:
            return image
        size = max(image.size) / 24
        font = _font(round(size))
        room = image.width * 0.96
        if font.getlength(words) > room:
            size *= room / font.getlength(words)
            font = _font(max(6, round(size)))
        edge = max(1, round(size / 9))
        x, y = _pixels(self.at, image)
        half = font.getlength(words) / 2 + edge
        x = min(max(x, half), image.width - half)
        y = min(max(y, size * 0.7), image.height - size * 0.7)
        done = image.copy()
        ImageDraw.Draw(done).text((x, y), words, INK, font, anchor="mm", stroke_width=edge, stroke_fill=EDGE)
        return done


@dataclass(frozen=True)
class Blur:
    """A stroke of the brush under which nothing can be read any more.

    What is under it is replaced by the mean colours of blocks as wide as the brush, half mixed with the mean of them
    all, with noise from ``seed`` on them: letters of a known type are not to be guessed from their greys either.
    """

    points: tuple[Point, ...]
    seed: int
    radius: float = BLUR_RADIUS

    def block(self, size: tuple[int, int]) -> int:
        """The side of a block in pixels, for a picture of this size."""
        return max(8, round(max(size) * self.radius * 2))

    def mask(self, size: tuple[int, int]) -> Image.Image:
        """The pixels that are replaced: all or nothing, no soft edge."""
        mask = Image.new("L", size, 0)
        pen = ImageDraw.Draw(mask)
        radius = max(size) * self.radius
        places = [(x * size[0], y * size[1]) for x, y in self.points]
        pen.line(places, fill=255, width=max(1, round(2 * radius)))
        for x, y in places:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return mask

    def apply(self, image: Image.Image) -> Image.Image:
        mask = self.mask(image.size)
        box = mask.getbbox()
        if box is None:
            return image
        block = self.block(image.size)
        left, top = box[0] // block * block, box[1] // block * block
        right, bottom = (min(side, -(-end // block) * block) for side, end in zip(image.size, box[2:], strict=True))
        region = (left, top, right, bottom)
        small = image.crop(region).reduce(block)
        mean = small.resize((1, 1), Image.Resampling.BOX).resize(small.size)
        small = Image.blend(mean, small, OWN_SHARE)
        chance = random.Random(self.seed)  # noqa: S311  # unknown to who receives it; it hides means, not a key
        levels = bytes(128 + chance.randint(-NOISE_LEVELS, NOISE_LEVELS) for _ in range(small.width * small.height))
        noise = Image.frombytes("L", small.size, levels)
        small = ImageChops.add(small, Image.merge("RGB", (noise,) * 3), 1, -128)
        whole = small.resize((small.width * block, small.height * block), Image.Resampling.BICUBIC)
        done = image.copy()
        done.paste(whole.crop((0, 0, right - left, bottom - top)), region, mask.crop(region))
        return done


AnyEdit = Turn | Crop | Arrow | Label | Blur


def retouch(image: Image.Image, edits: Sequence[AnyEdit]) -> Image.Image:
    """The picture after all edits, in their order; the one given is left as it is."""
    for edit in edits:
        image = edit.apply(image)
    return image


def develop(data: bytes, file_name: str = "", edits: Sequence[AnyEdit] = (), *, full: bool = False) -> Picture:
    """A photo small and clean, the edits done at its full size before it is made so.

    Raises:
        Problem: as ``photos.shrink``.
    """
    if not edits:
        return photos.shrink(data, file_name, full=full)
    whole = photos.decoded(data, file_name, full=True)
    return photos.finish(retouch(whole, edits), len(data), full=full)


def weigh(data: bytes, file_name: str = "", edits: Sequence[AnyEdit] = ()) -> tuple[Picture, Picture | None]:
    """A photo as it would travel reduced, and in full definition, None where that is too large to be sent.

    Raises:
        Problem: as ``photos.shrink``.
    """
    whole = retouch(photos.decoded(data, file_name, full=True), edits)
    reduced = photos.finish(whole, len(data), full=False)
    try:
        return reduced, photos.finish(whole, len(data), full=True)
    except Problem:
        return reduced, None


class Move:
    """From the picture's pixels to those of a finer drawing of one box of it."""

    def __init__(self, box: tuple[int, int, int, int]) -> None:
        self._box = box

    def __call__(self, point: Point) -> Point:
        return (point[0] - self._box[0]) * _FINER, (point[1] - self._box[1]) * _FINER


def _stamp(
    image: Image.Image,
    box: tuple[int, int, int, int],
    colour: tuple[int, int, int],
    draw: Callable[[ImageDraw.ImageDraw, Move], None],
) -> None:
    """Paint a colour through what ``draw(pen, move)`` draws in a box, with smooth edges."""
    size = ((box[2] - box[0]) * _FINER, (box[3] - box[1]) * _FINER)
    finer = Image.new("L", size, 0)
    draw(ImageDraw.Draw(finer), Move(box))
    image.paste(colour, box, finer.reduce(_FINER))


def _draw_arrow(
    start: Point, neck: Point, head: list[Point], thick: float, more: float, pen: ImageDraw.ImageDraw, move: Move
) -> None:
    """A shaft with a round end and a head, ``more`` pixels thicker on all sides together."""
    pen.line([move(start), move(neck)], fill=255, width=round((thick + more) * _FINER))
    _disc(pen, move(start), (thick + more) / 2 * _FINER)
    pen.polygon([move(one) for one in head], fill=255)
    if more:
        pen.line([move(one) for one in (*head, *head[:2])], fill=255, width=round(more * _FINER), joint="curve")
        for corner in head:
            _disc(pen, move(corner), more / 2 * _FINER)


def _box_around(points: Sequence[Point], margin: float, image: Image.Image) -> tuple[int, int, int, int]:
    across, down = [one[0] for one in points], [one[1] for one in points]
    return (
        max(0, int(min(across) - margin)),
        max(0, int(min(down) - margin)),
        min(image.width, int(max(across) + margin) + 1),
        min(image.height, int(max(down) + margin) + 1),
    )


def _disc(pen: ImageDraw.ImageDraw, centre: Point, radius: float) -> None:
    pen.ellipse((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius), fill=255)


def _pixels(point: Point, image: Image.Image) -> Point:
    return point[0] * image.width, point[1] * image.height


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    """Two places along a side, in order, inside it, and not too near each other."""
    first, last = sorted((min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)))
    begin, end = round(first * length), round(last * length)
    short = min(length, SIDE_PIXELS_MIN) - (end - begin)
    if short > 0:
        begin = max(0, min(begin, length - (end - begin) - short))
        end = min(length, begin + min(length, SIDE_PIXELS_MIN))
    return begin, end


def _drawable(letter: str) -> bool:
    """Whether the font has it: no emoji is drawn as an empty box."""
    code = ord(letter)
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0x180 or 0x391 <= code < 0x3CA or letter in "–—‘’“”„•…‰€™←↑→↓−≈≠≤≥"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)
