"""Contact sheets: twelve pictures of one device, theme and language on one, to be looked at side by side."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from ui.looks import DEVICES, LANGUAGES, THEMES, picture_name

EACH = 12
MARGIN, CAPTION = 8, 16


def write(folder: Path) -> list[Path]:
    """Make the sheets of what is in ``folder``, into ``folder/sheets``; their paths."""
    target = folder / "sheets"
    target.mkdir(exist_ok=True)
    made = []
    for device, shape in DEVICES.items():
        columns, width = (6, 328) if shape.size[1] > shape.size[0] else (3, 560)
        for theme in THEMES:
            for language in LANGUAGES:
                found = sorted(path for path in folder.glob(f"{device}-*.png") if _is(path, device, theme, language))
                for number, twelve in enumerate(_twelves(found), 1):
                    made.append(target / f"{device}-{theme}-{language}-{number}.png")
                    sheet(twelve, columns, width).save(made[-1], compress_level=3)
    return made


def sheet(pictures: list[Path], columns: int, width: int) -> Image.Image:
    """The pictures in rows, each ``width`` pixels wide with its name below."""
    with Image.open(pictures[0]) as first:
        height = round(first.height * width / first.width)
    cell = width + MARGIN, height + CAPTION + MARGIN
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * cell[0], rows * cell[1]), "#808080")
    pen = ImageDraw.Draw(whole)
    for place, path in enumerate(pictures):
        left, top = place % columns * cell[0], place // columns * cell[1]
        with Image.open(path) as picture:
            picture.thumbnail((width, height))
            whole.paste(picture, (left, top))
        pen.text((left, top + height + 2), path.stem, "white")
    return whole


def _is(path: Path, device: str, theme: str, language: str) -> bool:
    """Whether a picture is of this device, theme and language."""
    own = path.name == picture_name(device, _scene(path, device), theme, language)
    return own and not any(path.name.startswith(f"{other}-") for other in DEVICES if other.startswith(f"{device}-"))


def _scene(path: Path, device: str) -> str:
    return path.stem.removeprefix(f"{device}-").removesuffix("-en").removesuffix("-dark")


def _twelves(paths: list[Path]) -> Iterator[list[Path]]:
    for start in range(0, len(paths), EACH):
        yield paths[start : start + EACH]
