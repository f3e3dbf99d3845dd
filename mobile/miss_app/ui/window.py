"""Kivy set up before it is imported: no files or options of its own, a size, and a calm pace without a screen."""

import logging
import os
from pathlib import Path

DESKTOP = "1180x800"
FRAMES_HEADLESS = 30
FRAMES = 60


# Kivy logs, with a traceback, parts this program does not use and a machine may well lack.
NOT_MISSED = ("Cutbuffer:", "Input: MTDev", "Base: Unknown <")


def _worth_saying(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(NOT_MISSED)


def prepare(home: Path, *, headless: bool, size: str = "", hidden: bool = False) -> None:
    """Set Kivy's environment and configuration; must run before anything imports ``kivy``.

    ``home`` is a folder for Kivy's own icons; ``size`` is "WIDTHxHEIGHT" in pixels; a ``hidden`` window waits for
    ``show``. No log is written to disk: it could
    name what was typed.
    """
    os.environ["KIVY_NO_ARGS"] = "1"
    os.environ.setdefault("SDL_MOUSE_FOCUS_CLICKTHROUGH", "1")  # the click that brings the window forward counts
    os.environ["KIVY_NO_CONFIG"] = "1"
    os.environ["KIVY_NO_FILELOG"] = "1"
    os.environ["KIVY_LOG_MODE"] = "PYTHON"
    os.environ.setdefault("KIVY_CLIPBOARD", "sdl2")
    logging.getLogger("kivy").addFilter(_worth_saying)
    home.mkdir(parents=True, exist_ok=True)
    os.environ["KIVY_HOME"] = str(home)
    if headless:
        os.environ.setdefault("KIVY_DPI", "96")
        os.environ.setdefault("KIVY_METRICS_DENSITY", "1")
    from kivy.config import Config

    width, _, height = (size or os.environ.get("MISS_WINDOW") or DESKTOP).partition("x")
    options = {
        "width": width,
        "height": height,
        "minimum_width": "320",
        "minimum_height": "480",
        "multisamples": "0",
        "maxfps": str(FRAMES_HEADLESS if headless else FRAMES),
        "resizable": "1",
        "window_state": "hidden" if hidden else "visible",
    }
    for name, value in options.items():
        Config.set("graphics", name, value)
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "log_level", "warning")
    for name, _provider in Config.items("input"):
        Config.remove_option("input", name)
    Config.set("input", "mouse", "mouse,disable_multitouch")


def show(width: int = 0, height: int = 0, place: tuple[int, int] | None = None) -> None:
    """Show the window that was prepared hidden, at a size and a place where they are known by now."""
    from kivy.core.window import Window

    if width and height:
        Window.system_size = (width, height)
    if place is not None:
        Window.left, Window.top = place
    Window.show()
    if place is not None:  # some window managers place a window anew when it is mapped
        Window.left, Window.top = place


def calm() -> None:
    """Without a screen nothing waits for the picture to be shown: wait for it here, or memory fills with frames."""
    from kivy.core.window import Window
    from kivy.graphics.opengl import glFinish

    Window.bind(on_flip=lambda *_args: glFinish())
