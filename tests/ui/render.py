"""Draws scenes as pictures: each is come to once a device and language, and shown in both themes."""

import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from kivy.animation import Animation
from kivy.core.window import Window
from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glFinish, glReadPixels
from kivy.metrics import Metrics
from PIL import Image

from miss_app.ui.theme import look
from ui import drawn, spoken
from ui.looks import DEVICES, LANGUAGES, THEMES, picture_name
from ui.registry import Named, gather, staged
from ui.rehearsal import Rehearsal
from ui.scrutiny import look_over

FRAMES_MAX, FRAME_S = 500, 0.002
STILL_FRAMES = 4


def pictures(
    device: str,
    folder: Path,
    *,
    only: Sequence[str] = (),
    themes: Sequence[str] = THEMES,
    languages: Sequence[str] = LANGUAGES,
) -> Iterator[tuple[str, list[str]]]:
    """Draw the scenes on a device into ``folder``; each picture's name, and what is wrong with it.

    Args:
        only: words of which a scene's name must contain one; none for all scenes.
    """
    shape = DEVICES[device]
    Metrics.fontscale = shape.fontscale
    spoken.listen()
    Rehearsal.back_to_french = False
    for language in languages:
        for named in list(gather().values()):
            wanted = named.only == device if named.only or device == "page" else named.key or not shape.key_only
            if wanted and (not only or any(word in named.name for word in only)):
                yield from _drawn(device, named, folder, themes, language)


def _drawn(
    device: str, named: Named, folder: Path, themes: Sequence[str], language: str
) -> Iterator[tuple[str, list[str]]]:
    rehearsal = None
    try:
        Rehearsal.drawing = False
        rehearsal = Rehearsal(staged(named.name, themes[0], language), size=DEVICES[device].size)
        named.come(rehearsal)
        rehearsal.pump(STILL_FRAMES)
        Rehearsal.drawing = True
        for theme in themes:
            look.show(dark=theme == "dark")
            name = picture_name(device, named.name, theme, language)
            image = still(rehearsal)
            image.save(folder / name, compress_level=1)
            content = content_of(rehearsal)
            finger = DEVICES[device].finger
            yield name, look_over(image, list(drawn.texts()), language, content, finger=finger)
    except Exception:
        Rehearsal.drawing = True
        if rehearsal is not None:
            still(rehearsal).save(folder / picture_name(device, named.name, themes[0], language), compress_level=1)
        yield picture_name(device, named.name, themes[0], language), [traceback.format_exc(limit=-3)]
    finally:
        if rehearsal is not None:
            rehearsal.close()
        look.show(dark=False)


def content_of(rehearsal: Rehearsal) -> set[str]:
    """What people wrote, and this machine's folders: all that is not translated."""
    typed = map(spoken.even, (*rehearsal.typed, str(Path.home())))
    return {*spoken.strings(vars(rehearsal.scene)), *spoken.strings(vars(rehearsal.scene.rooms)), *typed}


def still(rehearsal: Rehearsal) -> Image.Image:
    """What the window shows once nothing moves any more."""
    Rehearsal.drawing = False  # what moves is not looked at, only where it comes to rest
    rehearsal.pump(1)
    frames = 0
    while Animation._instances and frames < FRAMES_MAX:
        rehearsal.pump(1)
        time.sleep(FRAME_S)
        frames += 1
    Rehearsal.drawing = True
    rehearsal.pump(3)
    return frame()


def frame() -> Image.Image:
    """The frame shown now."""
    glFinish()
    width, height = (int(side) for side in Window.system_size)
    pixels = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
    image = Image.frombytes("RGBA", (width, height), pixels).convert("RGB")
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
