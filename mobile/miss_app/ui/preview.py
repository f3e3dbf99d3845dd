"""A small picture of a file about to be sent, so that the wrong photo is not; read and turned off the main thread."""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from kivy.clock import Clock
from kivy.graphics.texture import Texture
from PIL import Image, ImageOps, UnidentifiedImageError

from miss_app.engine import photos
from miss_app.ui.pictures import decoder

SIDE_MAX = 320
ROOM = 200
FILE_BYTES_MAX = 64_000_000

_kept: OrderedDict[Path, Texture] = OrderedDict()

Pixels = tuple[tuple[int, int], bytes]


def small_picture(path: Path) -> Pixels | None:
    """Size and RGB rows, from the top, of the photo at ``path``, made small; None when it cannot be shown."""
    try:
        if not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=photos.formats()) as image:
                image.draft("RGB", (SIDE_MAX, SIDE_MAX))
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE_MAX, SIDE_MAX))
                shown = upright.convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning):
        return None  # the engine will say why when it is sent
    return shown.size, shown.tobytes()


def preview(path: Path, ready: Callable[[Texture | None], None]) -> None:
    """Call ``ready`` with the small picture's texture, or None: at once when it is kept, else later."""
    kept = _kept.get(path)
    if kept is not None:
        _kept.move_to_end(path)
        ready(kept)
        return

    def keep(done: "Future[Pixels | None]") -> None:
        made = _texture(done.result())
        if made is not None:
            _kept[path] = made
            while len(_kept) > ROOM:
                _kept.popitem(last=False)
        ready(made)

    def land(done: "Future[Pixels | None]") -> None:
        Clock.schedule_once(lambda _dt: keep(done))

    decoder.submit(small_picture, path).add_done_callback(land)


def _texture(pixels: Pixels | None) -> Texture | None:
    if pixels is None:
        return None
    size, rows = pixels
    texture = Texture.create(size=size, colorfmt="rgb")
    texture.blit_buffer(rows, colorfmt="rgb", bufferfmt="ubyte")
    texture.flip_vertical()  # decoded rows go down, OpenGL's go up
    return texture


def forget_previews() -> None:
    """Drop every small picture."""
    _kept.clear()
